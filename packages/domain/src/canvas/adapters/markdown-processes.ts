import { extname } from 'node:path';
import type { Logger } from '@potentia/config/logger';
import { AppError } from '../../platform/errors.ts';
import { createProcessPool, PoolBusy, ProcessEnded } from '../../platform/process-pool.ts';
import { type Markdown, MarkdownRefused } from '../markdown.ts';
import type { BlockTree } from '../rules/markdown-parse.ts';
import type { MarkdownAnswer, MarkdownTask } from './markdown-processes-worker.ts';

/** Documents at a time, one of each person; a hostile one has a core to itself until its time is up. */
const PROCESSES = 2;
const MAX_WAITING = 16;
/** Milliseconds; the longest wait and the longest task together stay below the deadline of a request. */
const WAIT_MS = 1_000;
/** Milliseconds for one document; half a megabyte of prose takes a third of them. */
const TASK_MS = 3_000;
/** Megabytes; half a megabyte of prose takes half of them. */
const HEAP_MB = 160;
const RETRY_AFTER_MS = 1_000;

/** Markdown in processes of its own, started when they are first needed. */
export function createMarkdown(log: Logger): Markdown & { close(): Promise<void> } {
  const pool = createProcessPool({
    // In the sources and in a bundle it stands beside this file, with the same ending.
    script: new URL(`./markdown-processes-worker${extname(import.meta.url)}`, import.meta.url),
    size: PROCESSES,
    max_waiting: MAX_WAITING,
    wait_ms: WAIT_MS,
    task_ms: TASK_MS,
    heap_mb: HEAP_MB,
    log,
  });

  async function ask<T>(task: MarkdownTask, owner: string): Promise<T> {
    const answer = (await pool.ask(task, owner).catch((error: unknown) => {
      throw toAppError(error);
    })) as MarkdownAnswer<T>;
    if ('refused' in answer) throw new MarkdownRefused(answer.refused);
    return answer.done;
  }

  return {
    parse: (markdown, owner) => ask<BlockTree[]>({ parse: markdown }, owner),
    print: (snapshot, owner) => ask<{ title: string; markdown: string }>({ print: snapshot }, owner),
    close: () => pool.close(),
  };
}

function toAppError(error: unknown): unknown {
  const meta = { retry_after_ms: RETRY_AFTER_MS };
  if (error instanceof PoolBusy) {
    const message = 'Too many documents are being read or written; try again soon';
    return new AppError('unavailable', 'canvas.markdown_busy', message, meta, { cause: error });
  }
  if (!(error instanceof ProcessEnded)) return error;
  if (error.reason === 'too_long') return new MarkdownRefused('It takes too long');
  if (error.reason === 'out_of_memory') return new MarkdownRefused('It takes too much memory');
  const message = 'The document could not be read or written; try again';
  return new AppError('unavailable', 'canvas.markdown_unavailable', message, meta, { cause: error });
}
