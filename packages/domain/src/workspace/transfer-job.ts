import type { Db } from '@potentia/db/client';
import {
  claimTransfer,
  type ClaimedTransfer,
  finishTransfer,
  listWorkspaceCanvases,
  reportTransfer,
  type TransferProblem,
  type TransferRow,
} from '@potentia/db/workspace/transfer-queries';
import { z } from 'zod';
import type { IcsReader } from '../calendar/ics.ts';
import type { Markdown, MarkdownCtx } from '../canvas/markdown.ts';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { FilePorts } from '../platform/objects.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { type ZipReader, ZipRefused } from './zip-reader.ts';

export const transferPayload = z.looseObject({ transfer_id: z.uuid() });

/** What a transfer's job needs of the world. */
export type TransferJobCtx = Ctx & FilePorts & { person_db: Db; markdown: Markdown; ics: IcsReader };
/** As the person who asked: every call is let in or not as theirs would be. */
export type TransferUserCtx = MarkdownCtx & FilePorts & { ics: IcsReader };

/** Milliseconds between two reports. */
const REPORT_MS = 1_000;
const MAX_PROBLEMS = 200;
/** UTF-16 units of what one problem quotes. */
const MAX_TEXT = 1_200;

/** What work on a transfer says of itself. */
export interface Progress {
  total: number;
  /** One more canvas, file or calendar was seen to. Throws TransferEnded when somebody has ended the transfer meanwhile. */
  step(): Promise<void>;
  /** Still at it. Throws TransferEnded, as `step` does. */
  beat(): Promise<void>;
  problem(path: string, problem: TransferProblem): void;
}

/** What all steps of one import share. */
export interface ImportJob {
  ctx: TransferUserCtx;
  transfer_id: string;
  workspace_id: string;
  zip: ZipReader;
  progress: Progress;
}

/** Nobody waits for this any more. */
class TransferEnded extends Error {}

/** Whoever asked may not do so any more. */
class AccessLost extends Error {}

/**
 * Runs a transfer as the person who asked for it, and writes down how it ended. A run that dies is begun again by the
 * next one, so `work` must be able to find what it did before. What a retry can mend is thrown; of all else the transfer
 * tells. `work` answers the bytes of the zip that it made, if any.
 */
export async function runTransfer(
  ctx: TransferJobCtx,
  transfer_id: string,
  work: (user_ctx: TransferUserCtx, transfer: ClaimedTransfer, progress: Progress) => Promise<{ size: number | null }>,
): Promise<void> {
  const transfer = await fromDb(() => claimTransfer(ctx.db, transfer_id));
  if (!transfer) return;
  const { created_by: user_id, workspace_id } = transfer;
  const user_ctx: TransferUserCtx = { ...ctx, db: ctx.person_db, actor: { type: 'user', user_id } };
  const problems: TransferRow['problems'] = [];
  const progress = trackProgress(ctx, transfer_id, problems);
  const finish = async (size: number | null, failure: TransferProblem | null): Promise<void> => {
    const { done, total } = progress;
    await fromDb(() => finishTransfer(ctx.db, { transfer_id, done, total, size, problems, failure }));
    publishOutboxHint(ctx);
  };

  try {
    await requireAdmin(user_ctx, workspace_id);
    const { size } = await work(user_ctx, transfer, progress);
    await finish(size, null);
  } catch (error) {
    if (error instanceof TransferEnded) return;
    const failure = await failureOf(error, user_ctx, workspace_id);
    if (!failure) throw error;
    ctx.log.warn({ err: error, transfer_id, code: failure.code }, 'transfer failed');
    await finish(null, { ...failure, message: storable(failure.message) });
  }
}

/** Text that may quote a hostile zip, as Postgres takes it. */
const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed().slice(0, MAX_TEXT);

function trackProgress(
  ctx: TransferJobCtx,
  transfer_id: string,
  problems: TransferRow['problems'],
): Progress & { done: number } {
  let reported_at = 0;
  return {
    done: 0,
    total: 0,
    async step() {
      this.done += 1;
      await this.beat();
    },
    async beat() {
      if (performance.now() - reported_at < REPORT_MS) return;
      reported_at = performance.now();
      const { done, total } = this;
      if (!(await fromDb(() => reportTransfer(ctx.db, { transfer_id, done, total })))) throw new TransferEnded();
      publishOutboxHint(ctx);
    },
    problem(path, { code, message }) {
      if (problems.length < MAX_PROBLEMS) problems.push({ path: storable(path), code, message: storable(message) });
    },
  };
}

/** Null: trying again may mend it. */
async function failureOf(
  error: unknown,
  user_ctx: TransferUserCtx,
  workspace_id: string,
): Promise<TransferProblem | null> {
  if (error instanceof ZipRefused) return { code: 'transfer.zip_refused', message: error.message };
  if (error instanceof AccessLost) {
    const message = 'Whoever asked for it is no admin of this workspace any more.';
    return { code: 'transfer.access_lost', message };
  }
  if (!(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'limit') return null;
  const lost = await requireAdmin(user_ctx, workspace_id).then(
    () => false,
    (reason: unknown) => reason instanceof AccessLost,
  );
  return lost ? failureOf(new AccessLost(), user_ctx, workspace_id) : { code: error.code, message: error.message };
}

/**
 * For what went wrong with one file: notes it, and goes on. Throws what is no fault of the file: an outage, an end of the
 * transfer, a loss of access.
 */
export async function orProblem(
  user_ctx: TransferUserCtx,
  workspace_id: string,
  { path, progress }: { path: string; progress: Progress },
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof ZipRefused) {
      progress.problem(path, { code: 'transfer.file_refused', message: error.message });
      return false;
    }
    if (!(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'limit') throw error;
    if (error.kind === 'forbidden' || error.kind === 'not_found') await requireAdmin(user_ctx, workspace_id);
    progress.problem(path, { code: error.code, message: error.message });
    return false;
  }
}

/** Throws AccessLost. */
async function requireAdmin({ db, actor }: TransferUserCtx, workspace_id: string): Promise<void> {
  try {
    await fromDb(() => listWorkspaceCanvases(db, { user_id: actor.user_id, workspace_id, after_id: null, limit: 1 }));
  } catch (error) {
    if (error instanceof AppError && (error.kind === 'forbidden' || error.kind === 'not_found'))
      throw new AccessLost('access was lost', { cause: error });
    throw error;
  }
}
