import type { Health } from '@potentia/config/health';
import { watchSilentConnections } from '@potentia/config/silent-connections';
import { trustProxy } from '@potentia/config/variables';
import { VERSION } from '@potentia/config/version';
import { requestId } from '@potentia/domain/platform/request-id';
import { fastify, type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { agentRoutes } from './agent/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { calendarRoutes } from './calendar/routes.ts';
import { canvasRoutes } from './canvas/routes.ts';
import { chatRoutes } from './chat/routes.ts';
import { commentRoutes } from './comment/routes.ts';
import type { ApiContext } from './context.ts';
import { debugRoutes } from './debug/routes.ts';
import { authenticate, checkScopes } from './platform/auth.ts';
import { clientErrorHandler } from './platform/client-errors.ts';
import { allowOrigins, keepOriginsApart } from './platform/cors.ts';
import { boundRequests } from './platform/deadline.ts';
import { guard } from './platform/guard.ts';
import { healthRoutes } from './platform/health-routes.ts';
import { createMetrics, observeRequests } from './platform/metrics.ts';
import { answerNotFound } from './platform/not-found.ts';
import { type App, documentApi } from './platform/openapi.ts';
import { sendProblem } from './platform/problem.ts';
import { limitRate } from './platform/rate-limit.ts';
import { rewriteUrl } from './platform/rewrites.ts';
import { createWorkspaceOf } from './platform/tenant.ts';
import { traceRequests } from './platform/tracing.ts';
import { acceptJson, zodValidator } from './platform/validation.ts';
import { websocketPointer } from './platform/websocket-pointer.ts';
import { searchRoutes } from './search/routes.ts';
import { shareRoutes } from './share/routes.ts';
import { webhookRoutes } from './webhook/routes.ts';
import { adminRoutes } from './whatsapp/admin-routes.ts';
import { doorRoutes } from './whatsapp/door-routes.ts';
import { linkRoutes } from './whatsapp/link-routes.ts';
import { sessionRoutes } from './whatsapp/session-routes.ts';
import { workerWebhookRoutes } from './whatsapp/worker-webhook-routes.ts';
import { workspaceRoutes } from './workspace/routes.ts';

/** Bytes of a request's body. */
const BODY_LIMIT = 1_048_576;
/** Milliseconds that a request may run. */
const REQUEST_DEADLINE = 5_000;

function createServer(context: ApiContext): App {
  const { config } = context;
  const loggerInstance: FastifyBaseLogger = context.log;
  return fastify({
    loggerInstance,
    // Whoever logs names the request; a child log for each would cost 3 % of a hot read, which logs nothing.
    childLoggerFactory: (logger) => logger,
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    rewriteUrl,
    trustProxy: trustProxy(config),
    bodyLimit: BODY_LIMIT,
    connectionTimeout: 30_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 10_000 },
    // Requests that are still on their way when the service drains are answered like any other.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler,
    frameworkErrors(error, request, reply) {
      sendProblem(error, request, reply);
    },
  }).withTypeProvider<ZodTypeProvider>();
}

/** The API as a Fastify application, ready for `listen` or `inject`. The caller closes it, and then the context. */
export async function buildApp(context: ApiContext): Promise<App> {
  const { config, health } = context;
  const app = createServer(context);
  const metrics = createMetrics(health.registry);

  app.setValidatorCompiler(zodValidator);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  acceptJson(app);

  if (config.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined) traceRequests(app);
  observeRequests(app, metrics);
  boundRequests(app, REQUEST_DEADLINE);
  guard(app, { ip_rate_limit: config.IP_RATE_LIMIT, metrics });
  drainOnClose(app, health);
  app.addHook('preClose', () => context.turns.drain(drainTime(config.SHUTDOWN_TIMEOUT_MS)));
  await allowOrigins(app, context);
  authenticate(app, context);
  await limitRate(app, {
    limiter: context.limiter,
    rules: config.RATE_LIMITS,
    workspaceOf: createWorkspaceOf(context.db),
    settings: context.settings,
    metrics,
  });
  keepOriginsApart(app, context);
  checkScopes(app);
  answerNotFound(app);

  await documentApi(app, { version: VERSION, servers: config.PUBLIC_URL ? [config.PUBLIC_URL] : [] });
  healthRoutes(app, health);
  websocketPointer(app, config.REALTIME_PUBLIC_URL);
  if (config.ENABLE_DEBUG_ECHO ?? config.NODE_ENV !== 'production') debugRoutes(app);
  authRoutes(app, context);
  await app.register(async (scope) => canvasRoutes(scope, context));
  commentRoutes(app, context);
  chatRoutes(app, context);
  calendarRoutes(app, context);
  searchRoutes(app, context);
  shareRoutes(app, context);
  workspaceRoutes(app, context);
  webhookRoutes(app, context);
  sessionRoutes(app, context);
  doorRoutes(app, context);
  linkRoutes(app, context);
  adminRoutes(app, context);
  agentRoutes(app, context);
  await app.register(async (scope) => workerWebhookRoutes(scope, context));
  await app.ready();
  return app;
}

/** How long turns may go on when the service stops: what is left of its time is for closing everything else. */
const drainTime = (shutdown_ms: number): number => Math.max(shutdown_ms - 2_500, shutdown_ms / 2);

/**
 * From the moment that the service closes, `/ready` says so and every answer, also to what came before, asks the client for
 * another connection: one that is kept alive, or on which nothing is asked, would hold the service until it times out.
 */
function drainOnClose(app: App, health: Health): void {
  let draining = false;
  const cutSilent = watchSilentConnections(app.server);
  app.addHook('preClose', (done) => {
    draining = true;
    cutSilent();
    health.setDraining();
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining) reply.header('connection', 'close');
    done(null, payload);
  });
}
