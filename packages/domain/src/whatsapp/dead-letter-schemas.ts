import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { worker_event_kinds } from './worker-events.ts';

/** Events that a redrive takes at most. */
export const MAX_REDRIVEN = 1_000;

export const deadLetter = z
  .strictObject({
    event_id: id,
    session_id: id,
    kind: z.enum(worker_event_kinds),
    attempts: z.int(),
    refused: z.int().describe('How often it was refused by itself; 0: it was never taken for three days'),
    last_error: z.string().nullable(),
    request_id: z.string().nullable(),
    created_at: timestamp,
    dead_at: timestamp,
  })
  .meta({ id: 'WorkerDeadLetter', description: 'An event that was given up, without what it says' });

export const deadLetterPage = pageOf(deadLetter).meta({ id: 'WorkerDeadLetterPage' });
export type DeadLetterPage = z.output<typeof deadLetterPage>;

export const listDeadLettersQuery = z.strictObject({ cursor, limit: pageLimit() });

export const redriveBody = z
  .strictObject({
    event_ids: z.array(id).min(1).max(MAX_REDRIVEN).optional().describe('None: the oldest of all, at most a thousand'),
  })
  .meta({ id: 'RedriveWorkerEvents' });

export const redriven = z
  .strictObject({ count: z.int().describe('Events that are sent again now') })
  .meta({ id: 'RedrivenWorkerEvents' });
export type Redriven = z.output<typeof redriven>;
