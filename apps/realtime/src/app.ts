import { watchSilentConnections } from '@potentia/config/silent-connections';
import { trustProxy } from '@potentia/config/variables';
import websocket from '@fastify/websocket';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { Claims } from '@potentia/domain/auth/verify-token';
import { AppError } from '@potentia/domain/platform/errors';
import { createIpBucket, subscriberAddress } from '@potentia/domain/platform/ip-bucket';
import { toProblem } from '@potentia/domain/platform/problem';
import { requestId } from '@potentia/domain/platform/request-id';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { authenticate, findCanvas } from './access.ts';
import type { RealtimeContext } from './context.ts';
import { MAX_FRAME_BYTES, SUBPROTOCOL } from './frames.ts';
import type { CanvasAddress } from './hub.ts';
import type { Identity } from './session.ts';
import { CLOSE_TIMEOUT_MS } from './socket.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who connects, once the handshake is accepted. */
    claims: Claims | null;
    canvas: CanvasAddress | null;
  }
}

/** Pieces of one message: a client that sends more is not one of ours. */
const MAX_FRAGMENTS = 64;

/** The hub as a Fastify application, ready for `listen`. The caller closes it, and then the context. */
export async function buildApp(context: RealtimeContext): Promise<FastifyInstance> {
  const { config, log, hub, health, metrics } = context;
  const loggerInstance: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance,
    // Urls and protocols of handshakes can hold tokens.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    requestIdHeader: false,
    genReqId: requestId,
    trustProxy: trustProxy(config),
    connectionTimeout: 10_000,
    requestTimeout: 10_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors(_error, request, reply) {
      // No hook runs for a path that is none, and so nobody closes the socket of an upgrade.
      reply.raw.once('finish', () => request.raw.socket.destroySoon());
      refuse(new AppError('invalid', 'http.invalid_path', 'The path is not a valid URL path'), request, reply, metrics);
    },
  });
  const cutSilent = watchSilentConnections(app.server);
  app.decorateRequest('claims', null);
  app.decorateRequest('canvas', null);
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof AppError)) request.log.error({ err: error, request_id: request.id }, 'a request failed');
    return refuse(error, request, reply, metrics);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(new AppError('not_found', 'http.not_found', 'There is nothing here'), request, reply, metrics),
  );

  await app.register(websocket, {
    options: {
      maxPayload: MAX_FRAME_BYTES,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      clientTracking: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered: Set<string>) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    } as NonNullable<Parameters<typeof websocket>[1]>['options'],
    // `ws` has closed the socket with the right code when it reports what the client did wrong.
    errorHandler: (err, _socket, request) => request.log.debug({ err, request_id: request.id }, 'a socket failed'),
    preClose(done) {
      health.setDraining();
      cutSilent();
      hub.drain().then(() => done(), done);
    },
  });

  guard(app, context);
  for (const route of health.routes) {
    app.get(route.path, async (_request, reply) => {
      const { status, content_type, body } = await route.handle();
      return reply.code(status).type(content_type).send(body);
    });
  }
  await app.register(async (scope) => sockets(scope, context));
  await app.ready();
  return app;
}

/** What is refused before anything is looked up: a flood from one address, and an upgrade of what is no channel. */
function guard(app: FastifyInstance, { config, health }: RealtimeContext): void {
  const bucket = createIpBucket({ per_second: config.IP_RATE_LIMIT });
  const probes = new Set<string | undefined>(health.routes.map(({ path }) => path));
  app.addHook('onRequest', async (request) => {
    if (probes.has(request.routeOptions.url)) {
      if (request.ws) throw new AppError('invalid', 'http.no_websocket', 'There is no WebSocket here');
      return;
    }
    const retry_after_ms = bucket.take(subscriberAddress(request.ip));
    if (retry_after_ms === 0) return;
    throw new AppError('limit', 'http.ip_rate_limited', 'Too many requests from this address', { retry_after_ms });
  });
}

/** The two channels. Everything that can be refused is refused in the hooks, where it is still HTTP. */
function sockets(app: FastifyInstance, context: RealtimeContext): void {
  const { hub, log } = context;
  const accept = async (request: FastifyRequest, scope?: Scope): Promise<Claims> => {
    if (hub.draining) {
      throw new AppError('unavailable', 'ws.draining', 'This replica is stopping; connect again', {
        retry_after_ms: 1_000,
      });
    }
    request.claims = await authenticate(request, context, scope);
    return request.claims;
  };
  const take = (connecting: Promise<void>): void => {
    connecting.catch((err: unknown) => log.error({ err }, 'a client could not be taken in'));
  };

  app.get(
    '/ws/canvas/:canvas_id',
    {
      websocket: true,
      preValidation: async (request) => {
        const claims = await accept(request, 'canvas:read');
        request.canvas = await findCanvas(request, claims, context);
      },
    },
    (ws, request) => {
      if (request.canvas) take(hub.connectCanvas(identityOf(request), { ws, tcp: request.socket }, request.canvas));
    },
  );
  app.get(
    '/ws/me',
    {
      websocket: true,
      preValidation: async (request) => {
        // A person's own channel: no scope leads to it.
        const { user_id } = await accept(request);
        await context.limits.take({ workspace_id: null, user_id, ip: request.ip }, 'connect');
      },
    },
    (ws, request) => take(hub.connectMe(identityOf(request), { ws, tcp: request.socket })),
  );
}

function identityOf({ claims, ip, id }: FastifyRequest): Identity {
  if (!claims) throw new Error('a socket without a handshake');
  return { claims, ip, request_id: id };
}

function refuse(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: RealtimeContext['metrics'],
): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '/';
  const { status, headers, body } = toProblem(error, { id: request.id, path });
  if (path.startsWith('/ws/')) metrics.refused.inc({ code: body.code });
  return reply.code(status).headers(headers).send(JSON.stringify(body));
}
