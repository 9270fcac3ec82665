import { currentTraceparent } from '@potentia/config/telemetry';
import { LRUCache } from 'lru-cache';
import { Gauge, type Registry } from 'prom-client';
import { z } from 'zod';
import { BreakerOpenError, createBreaker, type Breaker, type BreakerState } from '../../platform/breaker.ts';
import { AppError, type ErrorKind } from '../../platform/errors.ts';
import { REQUEST_ID_HEADER } from '../../platform/request-id.ts';
import { createTokenSource, type ServiceSecrets, WORKER_AUDIENCE } from '../../platform/service-token.ts';
import { DEFAULT_DEADLINE_MS, type SessionRoute, type WorkerClient, type WorkerOwnRequest } from '../worker-client.ts';

export interface HttpWorkerClientOptions {
  secrets: ServiceSecrets;
  /** The service that asks. */
  issuer: string;
  registry: Registry;
}

/** Failures one after the other after which a worker is left alone. */
const FAILURES = 5;
const REST_MS = 1_000;
const LONGEST_REST_MS = 15_000;
/** Workers whose breakers are remembered. */
const MAX_WORKERS = 1_000;
const REMEMBERED_MS = 3_600_000;
const STATES: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };

const KINDS: Record<number, ErrorKind> = {
  400: 'invalid',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'precondition',
  413: 'invalid',
  422: 'conflict',
  429: 'limit',
  503: 'unavailable',
};

const problem = z.looseObject({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
  current: z.unknown().optional(),
  reason: z.string().optional(),
  retry_after_ms: z.number().optional(),
});

/** It did not answer, or broke. */
class WorkerFailure extends Error {}

const unreachable = (cause: unknown): AppError =>
  new AppError(
    'unavailable',
    'worker.unreachable',
    'The worker of this session does not answer',
    { retry_after_ms: 2_000 },
    { cause },
  );

/** HTTP with tokens of the session that is commanded, and a breaker for each worker. */
export function createHttpWorkerClient({ secrets, issuer, registry }: HttpWorkerClientOptions): WorkerClient {
  const states = new Gauge({
    name: 'potentia_whatsapp_worker_breaker',
    help: 'Breaker of each WhatsApp worker that this process has commanded: 0 closed, 1 half open, 2 open',
    labelNames: ['worker_id'],
    registers: [registry],
  });
  const breakers = new LRUCache<string, Breaker>({
    max: MAX_WORKERS,
    ttl: REMEMBERED_MS,
    updateAgeOnGet: true,
    dispose: (_breaker, worker_id) => states.remove({ worker_id }),
  });
  const closed = new AbortController();
  const tokenFor = createTokenSource(secrets, { issuer, audience: WORKER_AUDIENCE });

  function breakerOf(worker_id: string): Breaker {
    const known = breakers.get(worker_id);
    if (known) return known;
    const breaker = createBreaker({
      failures: FAILURES,
      rest_ms: REST_MS,
      longest_rest_ms: LONGEST_REST_MS,
      isFailure: (error) => error instanceof WorkerFailure,
      onState: (state) => states.set({ worker_id }, STATES[state]),
    });
    breakers.set(worker_id, breaker);
    return breaker;
  }

  async function exchange<T>(request: WorkerOwnRequest, session: SessionRoute | undefined): Promise<T> {
    const { worker, method, path, query = {}, body, request_id, timeout_ms = DEFAULT_DEADLINE_MS } = request;
    const token = await tokenFor(session);
    const traceparent = currentTraceparent();
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    try {
      const response = await fetch(`${worker.url}${path}${search.size > 0 ? `?${search.toString()}` : ''}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          [REQUEST_ID_HEADER]: request_id,
          ...(traceparent !== undefined && { traceparent }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(timeout_ms), closed.signal]),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return read<T>(response.status, await response.text());
    } catch (error) {
      if (error instanceof AppError || error instanceof WorkerFailure) throw error;
      throw new WorkerFailure('no answer', { cause: error });
    }
  }

  async function guarded<T>(request: WorkerOwnRequest, session?: SessionRoute): Promise<T> {
    const { worker_id } = request.worker;
    try {
      return await breakerOf(worker_id).run(() => exchange<T>(request, session));
    } catch (error) {
      if (error instanceof BreakerOpenError) throw resting(error);
      throw error instanceof WorkerFailure ? unreachable(error.cause ?? error) : error;
    }
  }

  return {
    send({ route, ...request }) {
      const path = `/sessions/${route.session_id}${request.path}`;
      return guarded({ ...request, worker: route, path }, route);
    },
    ask: (request) => guarded(request),
    close: () => closed.abort(),
  };
}

/** The answer, or what was refused. Throws `WorkerFailure` for what says that the worker is not well. */
function read<T>(status: number, text: string): T {
  if (status >= 200 && status < 300) return (text === '' ? undefined : JSON.parse(text)) as T;
  const kind = KINDS[status];
  const refusal = problem.safeParse(kind === undefined ? undefined : parseJson(text));
  if (kind === undefined || !refusal.success) throw new WorkerFailure(`the worker answered ${status}`);
  const { code, detail, errors, current, reason, retry_after_ms } = refusal.data;
  throw new AppError(kind, code, detail, {
    ...(errors && { errors }),
    ...(current !== undefined && { current }),
    ...(reason !== undefined && { reason }),
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const resting = ({ retry_after_ms }: BreakerOpenError): AppError =>
  new AppError(
    'unavailable',
    'worker.resting',
    'The worker of this session did not answer lately and is left alone for a moment',
    { retry_after_ms },
  );
