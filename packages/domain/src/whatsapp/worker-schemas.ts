import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import { session_statuses } from './schemas.ts';

/* What workers and operators say to the API about workers. */

/** Sessions that one worker may have, and those that one beat can name. */
const MAX_CAPACITY = 100_000;
const MAX_HELD = 20_000;

const load = z
  .record(z.string().regex(/^\w{1,64}$/), z.number())
  .describe('What the worker measures of itself; `cpu`, from 0 to 1, decides between workers that are equally full');

export const registerWorkerBody = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .describe('Where it runs, such as a pod: it takes the place of the process that had this name'),
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
      .max(500)
      // A path is put behind it.
      .regex(/^[^@?#]+$/, 'must be without user, query and fragment')
      .transform((url) => url.replace(/\/+$/, ''))
      .describe('Where the API and the jobs reach it'),
    version: z.string().max(64),
    capacity: z.int().min(1).max(MAX_CAPACITY).describe('Sessions that it takes'),
  })
  .meta({ id: 'RegisterWorker' });

export const registeredWorker = z
  .strictObject({
    worker_id: id,
    heartbeat_ms: z.int().describe('How often it has to say that it lives'),
  })
  .meta({ id: 'RegisteredWorker' });
export type RegisteredWorker = z.infer<typeof registeredWorker>;

export const beatBody = z
  .strictObject({
    sessions: z.int().min(0).max(100_000),
    load: load.default({}),
    status: z.enum(['alive', 'draining']).default('alive'),
    held: z
      .array(
        z.strictObject({
          session_id: id,
          generation: z.int().min(0),
          status: z.enum(session_statuses),
        }),
      )
      .max(MAX_HELD)
      .default([])
      .describe('The sessions whose lease it has'),
  })
  .meta({ id: 'WorkerHeartbeat' });

export const beatAnswer = z
  .strictObject({
    ok: z.literal(true),
    lost: z.array(id).describe('Sessions of `held` that are another’s, or nobody’s, by now: to be dropped'),
  })
  .meta({ id: 'WorkerHeartbeatAnswer' });
export type BeatAnswer = z.infer<typeof beatAnswer>;

export const worker = z
  .strictObject({
    id,
    name: z.string(),
    url: z.string(),
    version: z.string(),
    status: z.enum(['alive', 'draining', 'dead']),
    health: z
      .enum(['good', 'late', 'dead'])
      .describe('By its beats at this moment; dead after three that did not come'),
    capacity: z.int(),
    sessions: z.int().describe('That it holds, as it said last'),
    load,
    heartbeat_ms: z.int(),
    heartbeat_at: timestamp,
    registered_at: timestamp,
  })
  .meta({ id: 'Worker' });
export type Worker = z.infer<typeof worker>;

export const workerList = z
  .strictObject({ items: z.array(worker.extend({ placed: z.int().describe('Sessions that are to be on it') })) })
  .meta({ id: 'WorkerList' });

export const workerRef = z.strictObject({ worker_id: id });
export const beatInput = beatBody.extend(workerRef.shape);
