import { listAttachments, type StoredAttachment } from '@potentia/db/canvas/attachment-queries';
import { listWorkspaceCanvases, type WorkspaceCanvasRow } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import { printDocument } from '../canvas/print-document.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { eachCalendar, exportCalendars, type ExportJob } from './export-calendars.ts';
import { attachmentPath, canvasPath, linkTo } from './rules/transfer-paths.ts';
import {
  orProblem,
  type Progress,
  runTransfer,
  type TransferJobCtx,
  type transferPayload,
  type TransferUserCtx,
} from './transfer-job.ts';
import { MANIFEST, type Manifest, type ManifestAttachment, type ManifestCanvas } from './transfer-manifest.ts';
import { createZipWriter, type ZipWriter } from './zip-writer.ts';

export const WORKSPACE_EXPORT = 'workspace.export';

const PAGE = 500;

/**
 * Writes a workspace to a zip in object storage, as the admin who asked: a Markdown file per canvas, the attachments
 * that they have, a file of iCalendar per calendar, and a manifest. It streams: one canvas or file at a time is in memory. Begun again after a crash it
 * writes the same zip from the beginning.
 */
export async function exportWorkspace(
  ctx: TransferJobCtx,
  { payload }: OutboxJob<z.infer<typeof transferPayload>>,
): Promise<void> {
  await runTransfer(ctx, payload.transfer_id, async (user_ctx, { workspace_id, object_key }, progress) => {
    const zip = createZipWriter();
    const stored = ctx.objects.put({ key: object_key, media_type: 'application/zip', body: zip.output });
    // Awaited below, when all is written; an earlier failure must not be unhandled until then.
    stored.catch(() => undefined);
    try {
      const { transfer_id } = payload;
      await writeWorkspace({ ctx: user_ctx, job_db: ctx.db, transfer_id, workspace_id, zip, progress });
    } catch (error) {
      zip.fail(error as Error);
      // Where the store failed, what writing met is that nobody reads any more: the store's error says why.
      await stored;
      throw error;
    }
    return stored;
  });
}

async function writeWorkspace(job: ExportJob): Promise<void> {
  const { ctx, workspace_id, zip, progress } = job;
  const scope = { user_id: ctx.actor.user_id, workspace_id };
  for await (const { attachments } of eachCanvas(ctx, scope)) progress.total += 1 + attachments;
  for await (const _calendar of eachCalendar(job)) progress.total += 1;

  const exported_at = ctx.clock();
  const canvases: ManifestCanvas[] = [];
  const written = new Set<string>();
  for await (const canvas of eachCanvas(ctx, scope)) {
    const path = canvasPath(canvas);
    await orProblem(ctx, workspace_id, { path, progress }, async () => {
      const attachments = await writeAttachments(ctx, canvas, { zip, written, progress, workspace_id });
      const links = new Map(attachments.map((attachment) => [attachment.id, linkTo(attachment.path)]));
      const { markdown, part_mark } = await printDocument(ctx, canvas.id, links);
      await zip.add(path, markdown, { mtime: new Date(canvas.updated_at), compress: true });
      const { id, title, icon, is_archived: archived } = canvas;
      canvases.push({ id, path, title, icon, archived, ...(part_mark === null ? {} : { part_mark }), attachments });
    });
    await progress.step();
  }
  const manifest: Manifest = {
    format: 'potentia-workspace',
    version: 1,
    exported_at: exported_at.toISOString(),
    canvases,
    calendars: await exportCalendars(job),
  };
  await zip.add(MANIFEST, `${JSON.stringify(manifest, null, 1)}\n`, { mtime: exported_at, compress: true });
  zip.end();
}

async function* eachCanvas(
  ctx: TransferUserCtx,
  scope: { user_id: string; workspace_id: string },
): AsyncGenerator<WorkspaceCanvasRow> {
  let after_id: string | null = null;
  do {
    const position = { ...scope, after_id, limit: PAGE };
    const page: WorkspaceCanvasRow[] = await fromDb(() => listWorkspaceCanvases(ctx.db, position));
    yield* page;
    after_id = page.length < PAGE ? null : (page.at(-1)?.id ?? null);
  } while (after_id !== null);
}

async function* eachAttachment(
  ctx: TransferUserCtx,
  scope: { user_id: string; canvas_id: string },
): AsyncGenerator<StoredAttachment> {
  let after_id: string | null = null;
  do {
    const position = { ...scope, after_id, limit: PAGE };
    const page: StoredAttachment[] = await fromDb(() => listAttachments(ctx.db, position));
    yield* page.filter(({ attachment }) => attachment.status === 'ready');
    after_id = page.length < PAGE ? null : (page.at(-1)?.attachment.id ?? null);
  } while (after_id !== null);
}

/** The files of a canvas; one that several canvases have is written once. */
async function writeAttachments(
  ctx: TransferUserCtx,
  canvas: WorkspaceCanvasRow,
  {
    zip,
    written,
    progress,
    workspace_id,
  }: {
    zip: ZipWriter;
    written: Set<string>;
    progress: Progress;
    workspace_id: string;
  },
): Promise<ManifestAttachment[]> {
  if (canvas.attachments === 0) return [];
  const found: ManifestAttachment[] = [];
  const scope = { user_id: ctx.actor.user_id, canvas_id: canvas.id };
  for await (const { attachment, object_key } of eachAttachment(ctx, scope)) {
    const { id, name, media_type, size } = attachment;
    const path = attachmentPath(attachment);
    const is_there = await orProblem(ctx, workspace_id, { path, progress }, async () => {
      if (written.has(path)) return;
      const content = await ctx.objects.get(object_key);
      // Pictures, sound and archives are packed already.
      const compress = /^(text\/|application\/(json|rtf))/.test(media_type);
      await zip.add(path, content, { mtime: new Date(attachment.created_at), compress });
      written.add(path);
    });
    if (is_there) found.push({ id, path, name, media_type, size });
    await progress.step();
  }
  return found;
}
