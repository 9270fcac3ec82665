import { extname } from 'node:path';
import type { Logger } from '@potentia/config/logger';
import { AppError } from '../../platform/errors.ts';
import { createProcessPool, PoolBusy, ProcessEnded } from '../../platform/process-pool.ts';
import type { IcsReader } from '../ics.ts';
import { IcsRefused } from '../rules/ics-times.ts';
import type { IcsAnswer, IcsTask } from './ics-processes-worker.ts';

/** Files at a time, one of each person. */
const PROCESSES = 2;
const MAX_WAITING = 8;
/** Milliseconds; the longest wait, the longest task and the writing together stay below the deadline of a request. */
const WAIT_MS = 500;
/** Milliseconds for one file; five thousand events take a third of them. */
const TASK_MS = 2_500;
/** Megabytes. */
const HEAP_MB = 256;
const RETRY_AFTER_MS = 2_000;

/** Reads iCalendar in processes of its own, started when they are first needed. */
export function createIcsReader(log: Logger): IcsReader & { close(): Promise<void> } {
  const pool = createProcessPool({
    // In the sources and in a bundle it stands beside this file, with the same ending.
    script: new URL(`./ics-processes-worker${extname(import.meta.url)}`, import.meta.url),
    size: PROCESSES,
    max_waiting: MAX_WAITING,
    wait_ms: WAIT_MS,
    task_ms: TASK_MS,
    heap_mb: HEAP_MB,
    log,
  });
  return {
    async read(text, time_zone, owner) {
      const task: IcsTask = { read: text, time_zone };
      const answer = (await pool.ask(task, owner).catch((error: unknown) => {
        throw toAppError(error);
      })) as IcsAnswer;
      if ('refused' in answer) throw new IcsRefused(answer.refused.code, answer.refused.message);
      return answer.done;
    },
    close: () => pool.close(),
  };
}

function toAppError(error: unknown): unknown {
  const meta = { retry_after_ms: RETRY_AFTER_MS };
  if (error instanceof PoolBusy) {
    return new AppError('unavailable', 'calendar.import_busy', 'Too many files are being read; try again soon', meta, {
      cause: error,
    });
  }
  if (!(error instanceof ProcessEnded)) return error;
  if (error.reason === 'too_long')
    return new IcsRefused('ics.too_long_to_read', 'It takes too long to read; divide it');
  if (error.reason === 'out_of_memory')
    return new IcsRefused('ics.too_large', 'It takes too much memory to read; divide it');
  return new AppError('unavailable', 'calendar.import_unavailable', 'The file could not be read; try again', meta, {
    cause: error,
  });
}
