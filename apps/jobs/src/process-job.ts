import { inSpan, withTraceparent } from '@potentia/config/telemetry';
import { AppError } from '@potentia/domain/platform/errors';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import { SpanKind } from '@opentelemetry/api';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { JobCtx } from './context.ts';
import type { QueueDefinition } from './define-queue.ts';

/** What became of one attempt. `dropped`: there is nothing left to do it to. `waiting`: a dependency is away. */
export type Outcome = 'completed' | 'dropped' | 'waiting' | 'retry' | 'dead';

/** How long a job waits for a dependency that is away and did not say for how long. */
const AWAY_RETRY_MS = 2_000;

/**
 * Runs one attempt of a job, in the trace and under the correlation id of whoever wrote the outbox row, and turns its
 * failure into what BullMQ is to do: nothing (gone), try again later (away), park (refused, poison), count and retry.
 */
export async function processJob(
  name: string,
  definition: QueueDefinition,
  base: Omit<JobCtx, 'request_id'>,
  job: Job<OutboxJob>,
  token: string | undefined,
): Promise<Outcome> {
  const { data } = job;
  const request_id = data.request_id ?? data.outbox_id;
  const log = base.log.child({ request_id, queue: name, job_id: job.id, attempt: job.attemptsMade + 1 });
  const parsed = definition.schema.safeParse(data.payload);
  if (!parsed.success) {
    log.error({ issues: parsed.error.issues }, 'job payload is malformed, parked');
    throw new UnrecoverableError(`malformed payload: ${parsed.error.issues[0]?.message}`);
  }
  try {
    await withTraceparent(data.traceparent ?? undefined, () =>
      inSpan(
        `job ${name}`,
        { 'messaging.message.id': data.outbox_id, request_id },
        () => definition.handle({ ...base, log, request_id }, { ...data, payload: parsed.data }),
        SpanKind.CONSUMER,
      ),
    );
    return 'completed';
  } catch (error) {
    if (!(error instanceof AppError)) {
      log.error({ err: error }, 'job failed');
      throw error;
    }
    switch (error.kind) {
      case 'not_found':
        log.warn({ err: error }, 'job has lost its target, dropped');
        return 'dropped';
      case 'unavailable':
      case 'limit':
        log.warn({ err: error }, 'job waits for what it needs');
        await job.moveToDelayed(Date.now() + jitter(error.meta.retry_after_ms ?? AWAY_RETRY_MS), token);
        throw new DelayedError(error.message);
      default:
        log.error({ err: error }, 'job is refused, parked');
        throw new UnrecoverableError(`${error.code}: ${error.message}`);
    }
  }
}

/** The outcome of an attempt that threw `error`. */
export function failureOf(error: unknown, job: Pick<Job, 'attemptsMade' | 'opts'>): Outcome {
  if (error instanceof DelayedError) return 'waiting';
  if (error instanceof UnrecoverableError) return 'dead';
  return job.attemptsMade + 1 < (job.opts.attempts ?? 1) ? 'retry' : 'dead';
}

/** Spreads those who wait for the same thing, so that they do not all come back at once. */
const jitter = (ms: number): number => ms * (1 + Math.random());
