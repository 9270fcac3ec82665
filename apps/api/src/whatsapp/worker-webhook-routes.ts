import { AppError } from '@potentia/domain/platform/errors';
import { createSampledLog } from '@potentia/domain/platform/sampled-log';
import { verifyWebhook } from '@potentia/domain/webhook/rules/signature';
import { takeWorkerEvents } from '@potentia/domain/whatsapp/take-worker-events';
import {
  worker_event_kinds,
  worker_event_schemas,
  type WorkerEventKind,
  workerEventsTaken,
} from '@potentia/domain/whatsapp/worker-events';
import type { FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { bodyText } from '../platform/validation.ts';
import { observeWorkerWebhooks, type WorkerWebhookMetrics } from './worker-webhook-metrics.ts';

/** Bytes of one request: a worker puts at most half a megabyte of events into it, but one event may be larger. */
const BODY_LIMIT = 2_097_152;

const HEADERS = [
  { name: 'webhook-id', description: 'The same for each attempt.' },
  { name: 'webhook-timestamp', description: 'Seconds since 1970, of this attempt; at most 300 s off.' },
  { name: 'webhook-signature', description: '`v1,` and base64 of the HMAC-SHA256; several, separated by blanks.' },
];

const WHAT: Record<WorkerEventKind, { operationId: string; summary: string }> = {
  'session-status': { operationId: 'takeSessionStatus', summary: 'How a WhatsApp session is' },
  'message-status': { operationId: 'takeMessageStatus', summary: 'How far messages are that a WhatsApp session sent' },
  'message-inbound': { operationId: 'takeMessageInbound', summary: 'What a WhatsApp session received' },
  'session-usage': { operationId: 'takeSessionUsage', summary: 'What a WhatsApp session sent and received in a day' },
};

const DESCRIPTION =
  'For WhatsApp workers, which sign by the Standard Webhooks specification with a secret of `WORKER_WEBHOOK_SECRETS`. Events ' +
  'of one session, in order; each counts once, by its `event_id`, so that a request may be repeated. What is refused as 401 is ' +
  'not told why. 409: the session was never placed under this generation, the event is to be kept.';

/** Where workers say what happens. Register in a scope of its own: bodies are read as bytes here, which is what is signed. */
export function workerWebhookRoutes(app: App, context: ApiContext): void {
  const metrics = observeWorkerWebhooks(context.health.registry);
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('preValidation', openSigned(context, metrics));
  for (const kind of worker_event_kinds) eventRoute(app, context, metrics, kind);
}

function eventRoute(app: App, context: ApiContext, metrics: WorkerWebhookMetrics, kind: WorkerEventKind): void {
  const body = worker_event_schemas[kind];
  const schema = operation({
    ...WHAT[kind],
    tags: ['workers'],
    description: DESCRIPTION,
    auth: false,
    headers: HEADERS,
    body,
    ok: { 200: workerEventsTaken },
    problems: [401, 409],
  });
  const options = { schema, bodyLimit: BODY_LIMIT, config: { auth: 'none' as const, service: true as const } };
  app.post(`/api/webhooks/${kind}`, options, async (request, reply) => {
    const { worker_id, items } = request.body;
    const ctx = { ...context, log: context.log.child({ request_id: request.id }) };
    const counts = await takeWorkerEvents(ctx, { kind, worker_id, items });
    metrics.taken(kind, counts, context.clock().getTime() - Date.parse(items[0]?.created_at ?? ''));
    return reply.send(counts);
  });
}

/** Lets nobody in whose signature is not right, and makes of the bytes what they say. */
function openSigned({ config, clock }: ApiContext, metrics: WorkerWebhookMetrics) {
  const logRefusal = createSampledLog(1_000);
  return async (request: FastifyRequest): Promise<void> => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { headers } = request;
    const verdict = verifyWebhook({ headers, body, secrets: config.WORKER_WEBHOOK_SECRETS, now: clock() });
    if (!verdict.valid) {
      const { reason } = verdict;
      metrics.refused(reason);
      logRefusal(
        request.log,
        reason,
        { reason, request_id: request.id },
        'what claims to come of a worker was refused',
      );
      throw new AppError('unauthenticated', 'worker.unauthenticated', 'This does not come from a worker.');
    }
    request.body = parse(bodyText(body));
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const errors = [{ pointer: '', message: 'Not valid JSON' }];
    throw new AppError('invalid', 'http.invalid_json', 'The body is not valid JSON.', { errors });
  }
}
