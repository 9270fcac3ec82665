import { bearerToken } from '@potentia/domain/auth/bearer-token';
import { AppError } from '@potentia/domain/platform/errors';
import { toProblem } from '@potentia/domain/platform/problem';
import { requestId } from '@potentia/domain/platform/request-id';
import { type ServiceClaims, verifyServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { WaWorkerContext } from '../context.ts';
import type { Session } from '../session/session.ts';
import type { Sessions } from '../session/sessions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none`: anyone may call. Everything else needs a token of a service, made for this worker and the session in the path. */
    auth?: 'none';
  }
  interface FastifyRequest {
    /** Who commands, and under which decision; null on the routes that anyone may call. */
    service: ServiceClaims | null;
  }
}

/** What the routes of commands get. */
export interface Commands {
  context: WaWorkerContext;
  sessions: Sessions;
  /**
   * The session in the path, held under the generation of the token. Throws `worker.session_not_held`, `worker.generation_stale`. What any
   * worker may answer does without.
   */
  held(request: FastifyRequest): Session;
  /** Null until the API has registered this worker. */
  workerId(): string | null;
}

export type CommandRoutes = (server: FastifyInstance, commands: Commands) => void;

const BODY_LIMIT = 1_048_576;

/** The worker's HTTP: health for anyone, commands for services. Errors are RFC 9457. The caller listens and closes. */
export function createCommandServer(commands: Commands, routes: readonly CommandRoutes[]): FastifyInstance {
  const { config, health, metrics } = commands.context;
  const server = fastify({
    logger: false,
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: BODY_LIMIT,
    // A connection that was opened and never asked anything counts as busy, and would hold the service until it is ended.
    forceCloseConnections: true,
  });
  server.decorateRequest('service', null);
  server.addHook('onRequest', async (request) => {
    if (request.is404 || request.routeOptions.config.auth === 'none') return;
    const token = bearerToken(request.headers.authorization);
    const claims = await verifyServiceToken(config.SERVICE_JWT_SECRETS, token, { audience: WORKER_AUDIENCE });
    checkSession(claims, request);
    request.service = claims;
  });
  server.addHook('onResponse', (request, reply, done) => {
    if (request.service) metrics.countCommand(commandOf(request), reply.statusCode);
    done();
  });
  server.setErrorHandler((error: FastifyError | AppError, request, reply) =>
    sendProblem(commands.context.log, error, request, reply),
  );
  server.setNotFoundHandler((request, reply) => {
    const error = new AppError('not_found', 'http.not_found', 'There is nothing here.');
    return sendProblem(commands.context.log, error, request, reply);
  });
  acceptEmptyBodies(server);
  for (const route of health.routes) {
    server.get(route.path, { config: { auth: 'none' } }, async (_request, reply) => {
      const { status, content_type, body } = await route.handle();
      return reply.code(status).type(content_type).send(body);
    });
  }
  for (const add of routes) add(server, commands);
  return server;
}

/** A token for one session opens no other, and one for none opens no session. */
function checkSession({ session_id }: ServiceClaims, { params }: FastifyRequest): void {
  const asked = (params as { session_id?: string }).session_id ?? null;
  if (session_id === asked) return;
  throw new AppError('unauthenticated', 'auth.token_invalid', 'The access token is for another session.');
}

const commandOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url ?? ''}`;

/** Many commands say all by their path. */
function acceptEmptyBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    void parse(request, body, done);
  });
}

function sendProblem(
  log: WaWorkerContext['log'],
  error: FastifyError | AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const shown = error instanceof AppError ? error : refusedByServer(error);
  if (!shown) log.error({ err: error, request_id: request.id, command: commandOf(request) }, 'a command failed');
  const asked = { id: request.id, path: request.url.split('?', 1)[0] ?? '/' };
  const { status, headers, body } = toProblem(
    shown ?? error,
    asked,
    error instanceof AppError ? undefined : statusOf(error),
  );
  return reply.code(status).headers(headers).send(JSON.stringify(body));
}

/** Null: a fault of ours, of which nothing leaves the house. */
function refusedByServer(error: FastifyError): AppError | null {
  return statusOf(error) < 500 ? new AppError('invalid', 'http.bad_request', error.message) : null;
}

const statusOf = ({ statusCode = 500 }: FastifyError): number => statusCode;
