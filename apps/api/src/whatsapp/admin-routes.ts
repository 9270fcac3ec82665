import { beatWorker } from '@potentia/domain/whatsapp/beat-worker';
import {
  type DeadLetterPage,
  deadLetterPage,
  listDeadLettersQuery,
  redriveBody,
  redriven,
  type Redriven,
} from '@potentia/domain/whatsapp/dead-letter-schemas';
import { askAnyWorker, drainWorker, listWorkers } from '@potentia/domain/whatsapp/manage-workers';
import { registerWorker } from '@potentia/domain/whatsapp/register-worker';
import {
  beatAnswer,
  beatBody,
  registeredWorker,
  registerWorkerBody,
  worker,
  workerList,
  workerRef,
} from '@potentia/domain/whatsapp/worker-schemas';
import type { FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';

const WORKERS = '/api/admin/workers';
const WORKER = `${WORKERS}/:worker_id`;
/** Where a worker says which sessions it holds, each in some hundred bytes. */
const BEAT_BODY_LIMIT = 4_194_304;

const tags = ['workers'];
const forServices = { tags, auth: 'service' } as const;
const config = { auth: 'service', service: true } as const;

/** Workers, for themselves and for operators: with a token that a service has signed. */
export function adminRoutes(app: App, context: ApiContext): void {
  lifeRoutes(app, context);
  operatorRoutes(app, context);
  deadLetterRoutes(app, context);
}

const serviceCtx = (context: ApiContext, request: FastifyRequest) => ({
  db: context.db,
  bus: context.bus,
  worker: context.worker,
  log: context.log.child({ request_id: request.id }),
  request_id: request.id,
  heartbeat_ms: context.config.WHATSAPP_HEARTBEAT_MS,
});

function lifeRoutes(app: App, context: ApiContext): void {
  const registerSchema = operation({
    ...forServices,
    operationId: 'registerWorker',
    summary: 'A worker is there',
    description: 'Under the name of another process it takes its place: what that one held is placed again at once.',
    body: registerWorkerBody,
    ok: { 200: registeredWorker },
  });
  app.post(`${WORKERS}/register`, { schema: registerSchema, config }, (request) =>
    registerWorker(serviceCtx(context, request), request.body),
  );

  const beatSchema = operation({
    ...forServices,
    operationId: 'beatWorker',
    summary: 'A worker lives, and holds these sessions',
    description:
      'Every `heartbeat_ms`; who misses three counts as dead, and others take over. 404: it is not known, and registers again.',
    params: workerRef,
    body: beatBody,
    ok: { 200: beatAnswer },
    problems: [404],
  });
  app.put(`${WORKER}/heartbeat`, { schema: beatSchema, config, bodyLimit: BEAT_BODY_LIMIT }, (request) =>
    beatWorker(serviceCtx(context, request), { ...request.body, ...request.params }),
  );
}

function operatorRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    ...forServices,
    operationId: 'listWorkers',
    summary: 'Every worker, and how it is',
    ok: { 200: workerList },
  });
  app.get(WORKERS, { schema: listSchema, config }, async () => ({ items: await listWorkers(context) }));

  const drainSchema = operation({
    ...forServices,
    operationId: 'drainWorker',
    summary: 'Empty a worker',
    description: 'It gets no more sessions, and those it has move to others, as far as these have room.',
    params: workerRef,
    ok: { 202: worker },
    problems: [404],
  });
  app.post(`${WORKER}/drain`, { schema: drainSchema, config }, async (request, reply) => {
    reply.code(202);
    return drainWorker(serviceCtx(context, request), request.params);
  });
}

function deadLetterRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    ...forServices,
    operationId: 'listWorkerDeadLetters',
    summary: 'What workers could not tell the API',
    description: 'Asked of any worker that is alive, since they share it.',
    querystring: listDeadLettersQuery,
    ok: { 200: deadLetterPage },
  });
  app.get(`${WORKERS}/dead-letters`, { schema: listSchema, config }, (request) =>
    askAnyWorker<DeadLetterPage>(serviceCtx(context, request), {
      method: 'GET',
      path: '/dead-letters',
      query: request.query,
    }),
  );

  const redriveSchema = operation({
    ...forServices,
    operationId: 'redriveWorkerDeadLetters',
    summary: 'Have workers tell it again',
    description: 'All of it, or these.',
    body: redriveBody,
    ok: { 200: redriven },
  });
  app.post(`${WORKERS}/dead-letters/redrive`, { schema: redriveSchema, config }, (request) =>
    askAnyWorker<Redriven>(serviceCtx(context, request), {
      method: 'POST',
      path: '/dead-letters/redrive',
      body: request.body,
    }),
  );
}
