import type { SessionRoute } from '@potentia/db/whatsapp/session-queries';
import { AppError } from '../platform/errors.ts';

export type { SessionRoute };

/** One command of a session to its worker, or a read to any worker. */
export interface WorkerRequest {
  /** The worker, and in whose name it is commanded: the session and the generation of its lease. */
  route: SessionRoute;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/sessions/{session_id}`, such as `/messages`; its parts encoded. */
  path: string;
  /** What is undefined is left out. */
  query?: Record<string, string | number | undefined>;
  body?: object;
  request_id: string;
  /** Milliseconds until the whole answer must be there; by default `DEFAULT_DEADLINE_MS`. */
  timeout_ms?: number;
}

/** Of a worker itself, not of one session. */
export type WorkerOwnRequest = Omit<WorkerRequest, 'route'> & { worker: Pick<SessionRoute, 'worker_id' | 'url'> };

export const DEFAULT_DEADLINE_MS = 3_000;

/**
 * Speaks to workers. Both throw what the worker refuses as it said it (`worker.generation_stale`, `worker.session_not_held`,
 * `whatsapp.*`), and `unavailable`: `worker.unreachable` when no answer came or it broke, which it may have carried out all the
 * same, `worker.resting` when it did not answer lately and was not asked.
 */
export interface WorkerClient {
  /** The JSON of the answer; undefined for one without a body. */
  send<T>(request: WorkerRequest): Promise<T>;
  /** The same, the path being the whole of it. */
  ask<T>(request: WorkerOwnRequest): Promise<T>;
  close(): void;
}

/** What a worker says to a command under a decision that is not the one it knows. */
const MOVED = new Set(['worker.generation_stale', 'worker.session_not_held', 'lease.lost']);

export const hasMoved = (error: unknown): boolean => error instanceof AppError && MOVED.has(error.code);

const SILENT = new Set(['worker.unreachable', 'worker.resting']);

/** Whether a worker gave no answer, or was not asked for one. */
export const isSilent = (error: unknown): boolean => error instanceof AppError && SILENT.has(error.code);

/** Nobody holds the session now. */
export const nobodyHolds = (): AppError =>
  new AppError('unavailable', 'worker.none', 'No worker holds this session right now', { retry_after_ms: 2_000 });
