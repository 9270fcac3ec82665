import { completeAttachment, createAttachment } from '@potentia/db/canvas/attachment-queries';
import { type ClaimedTransfer, importCanvas } from '@potentia/db/workspace/transfer-queries';
import type { z } from 'zod';
import { archiveCanvas } from '../canvas/archive-canvas.ts';
import { importTrees } from '../canvas/import-markdown.ts';
import { MarkdownRefused } from '../canvas/markdown.ts';
import { splitDocument } from '../canvas/print-document.ts';
import { canBeType, isListedType, MEDIA_TYPE } from '../canvas/rules/media-types.ts';
import type { BlockTree } from '../canvas/rules/markdown-parse.ts';
import { MAX_MARKDOWN } from '../canvas/schemas.ts';
import { readHead, sniffType } from '../canvas/sniff-type.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { newObjectKey } from '../platform/object-key.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { derivedId } from '../platform/uuid.ts';
import { importCalendar } from './import-calendars.ts';
import { resolveLink, typeOfName } from './rules/transfer-paths.ts';
import {
  type ImportJob,
  orProblem,
  runTransfer,
  type TransferJobCtx,
  type transferPayload,
  type TransferUserCtx,
} from './transfer-job.ts';
import {
  MANIFEST,
  type Manifest,
  manifest as manifestSchema,
  type ManifestAttachment,
  type ManifestCanvas,
  MAX_MANIFEST,
} from './transfer-manifest.ts';
import { openZip, type ZipLimits, type ZipReader, ZipRefused } from './zip-reader.ts';

export const WORKSPACE_IMPORT = 'workspace.import';

const MAX_ENTRIES = 50_000;
/** How much larger than the largest upload all files may be, unpacked. */
const MAX_UNPACKED = 4;
/** Bytes of one document. */
const MAX_DOCUMENT = 64 * 1024 * 1024;
/** Of one document; an export makes one of a thousand blocks. */
const MAX_PARTS = 2_000;
const MAX_TITLE = 200;

/**
 * Adds the canvases and calendars of a zip to a workspace, as the admin who asked. Every id comes from the transfer and the
 * path in the zip, so an import that died and begins again finds what it made, and makes nothing twice. What cannot be taken
 * over of a file is noted, and the rest goes on.
 */
export async function importWorkspace(
  ctx: TransferJobCtx,
  { payload }: OutboxJob<z.infer<typeof transferPayload>>,
): Promise<void> {
  const { transfer_id } = payload;
  await runTransfer(ctx, transfer_id, async (user_ctx, transfer, progress) => {
    const { zip, canvases, calendars } = await openImport(ctx, transfer);
    const job: ImportJob = { ctx: user_ctx, transfer_id, workspace_id: transfer.workspace_id, zip, progress };
    progress.total = canvases.reduce((sum, { attachments }) => sum + 1 + attachments.length, calendars.length);
    for (const canvas of canvases) await importOne(job, canvas);
    for (const calendar of calendars) await importCalendar(job, calendar);
    return { size: null };
  });
}

async function openImport(
  ctx: TransferJobCtx,
  { object_key }: ClaimedTransfer,
): Promise<Contents & { zip: ZipReader }> {
  const facts = await ctx.objects.head(object_key);
  const { transfer_max_bytes, attachment_max_bytes } = ctx.file_limits;
  if (!facts) throw new ZipRefused('It was not uploaded');
  if (facts.size > transfer_max_bytes) throw new ZipRefused('It is larger than an import may be');
  const limits: ZipLimits = {
    entries: MAX_ENTRIES,
    total_bytes: MAX_UNPACKED * transfer_max_bytes,
    file_bytes: Math.max(attachment_max_bytes, MAX_DOCUMENT),
  };
  const zip = await openZip(ctx.objects, object_key, facts.size, limits);
  return { zip, ...(zip.files.has(MANIFEST) ? await readManifest(zip) : listDocuments(zip)) };
}

type Contents = Pick<Manifest, 'canvases' | 'calendars'>;

async function readManifest(zip: ZipReader): Promise<Contents> {
  const text = await zip.text(MANIFEST, MAX_MANIFEST);
  let contents: Contents;
  try {
    contents = manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ZipRefused(`${MANIFEST} is none that can be read`, { cause: error });
  }
  // Else a small manifest could ask for the same large files again and again.
  const { canvases, calendars } = contents;
  const documents = [...canvases, ...calendars].map(({ path }) => path);
  documents.push(...calendars.flatMap(({ continued }) => continued));
  if (new Set(documents).size < documents.length) throw new ZipRefused(`${MANIFEST} names a document twice`);
  if (canvases.reduce((sum, { attachments }) => sum + attachments.length, documents.length) > MAX_ENTRIES)
    throw new ZipRefused(`${MANIFEST} names more than ${MAX_ENTRIES} files`);
  return contents;
}

/** Of a zip of somebody else's making, every Markdown document is a canvas. */
function listDocuments(zip: ZipReader): Contents {
  const canvases = [...zip.files.keys()]
    .filter((path) => /\.(md|markdown)$/i.test(path) && !/(^|\/)(\.|__MACOSX\/)/.test(path))
    .sort()
    .map((path) => {
      const title = path.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
      return { id: path, path, title, icon: null, archived: false, attachments: [] };
    });
  return { canvases, calendars: [] };
}

async function importOne(job: ImportJob, canvas: ManifestCanvas): Promise<void> {
  const { ctx, workspace_id, transfer_id, progress } = job;
  const canvas_id = derivedId('transfer.canvas', transfer_id, canvas.path);
  await orProblem(ctx, workspace_id, { path: canvas.path, progress }, async () => {
    const documents = splitDocument(await job.zip.text(canvas.path, MAX_DOCUMENT), canvas.part_mark);
    if (documents.length > MAX_PARTS) throw new ZipRefused(`It has more than ${MAX_PARTS} parts`);
    const { is_archived } = await fromDb(() =>
      importCanvas(ctx.db, {
        user_id: ctx.actor.user_id,
        workspace_id,
        canvas_id,
        title: Array.from(canvas.title.replaceAll('\0', '').toWellFormed()).slice(0, MAX_TITLE).join(''),
        icon: canvas.icon?.replaceAll('\0', '').toWellFormed().slice(0, 64) ?? null,
        request_id: ctx.request_id,
      }),
    );
    // It was finished before: this is the last thing that is done to one.
    if (is_archived && canvas.archived) return;
    const files = createFiles(job, canvas, canvas_id);
    for (const attachment of canvas.attachments) {
      await files.take(attachment.path);
      await progress.step();
    }
    for (const [number, document] of documents.entries()) {
      const trees = await parse(ctx, document);
      await linkFiles(trees, canvas.path, files);
      const mutation_id = derivedId('transfer.document', transfer_id, canvas.path, String(number));
      if (trees.length > 0) await importTrees(ctx, { canvas_id, mutation_id, trees }).catch(unlessDone);
      await progress.beat();
    }
    if (canvas.archived) await archiveCanvas(ctx, { canvas_id });
  });
  await progress.step();
}

/** A document that was taken over before, when another file of it could be read or not. */
function unlessDone(error: unknown): void {
  if (!(error instanceof AppError && error.code === 'canvas.mutation_reused')) throw error;
}

async function parse(ctx: TransferUserCtx, document: string): Promise<BlockTree[]> {
  if (document.length > MAX_MARKDOWN) throw new ZipRefused(`The document is longer than ${MAX_MARKDOWN} characters`);
  if (document.includes('\0')) throw new ZipRefused('The document contains a NUL character');
  try {
    return await ctx.markdown.parse(document.toWellFormed(), ctx.actor.user_id);
  } catch (error) {
    throw error instanceof MarkdownRefused ? new ZipRefused(error.message) : error;
  }
}

/** Makes blocks that lead to a file of the zip refer to it as a file of the canvas. */
async function linkFiles(trees: BlockTree[], from: string, files: Files): Promise<void> {
  for (const tree of trees) {
    await linkFiles(tree.children, from, files);
    const { url, ...content } = tree.content;
    if ((tree.type !== 'image' && tree.type !== 'file') || typeof url !== 'string') continue;
    const path = resolveLink(from, url);
    const attachment_id = path === undefined ? undefined : await files.take(path);
    if (attachment_id !== undefined) tree.content = { attachment_id, ...content };
  }
}

interface Files {
  /** The id under which a file of the zip is one of the canvas; undefined when it is none, or cannot be taken over. */
  take(path: string): Promise<string | undefined>;
}

function createFiles(job: ImportJob, canvas: ManifestCanvas, canvas_id: string): Files {
  const known = new Map(canvas.attachments.map((attachment) => [attachment.path, attachment]));
  const taken = new Map<string, string | undefined>();
  return {
    async take(path) {
      if (taken.has(path)) return taken.get(path);
      const file = known.get(path) ?? describeFile(job.zip, path);
      let id: string | undefined;
      if (file) {
        const { ctx, workspace_id, progress } = job;
        await orProblem(ctx, workspace_id, { path, progress }, async () => {
          id = await importFile(job, canvas_id, file);
        });
      }
      taken.set(path, id);
      return id;
    },
  };
}

function describeFile(zip: ZipReader, path: string): Omit<ManifestAttachment, 'id'> | undefined {
  const size = zip.files.get(path);
  const name = path.replace(/^.*\//, '').slice(-255);
  const media_type = typeOfName(name);
  return size === undefined || media_type === undefined ? undefined : { path, name, media_type, size };
}

async function importFile(
  { ctx, transfer_id, zip }: ImportJob,
  canvas_id: string,
  { path, name, media_type }: Omit<ManifestAttachment, 'id'>,
): Promise<string> {
  const size = zip.files.get(path);
  if (size === undefined) throw new ZipRefused('It is not in the zip');
  checkFile(ctx, { media_type, size });
  const head = await readHead(await zip.open(path));
  if (!canBeType(media_type, await sniffType(head), head)) throw new ZipRefused(`It is not ${media_type}`);
  const attachment_id = derivedId('transfer.attachment', transfer_id, path);
  const scope = { user_id: ctx.actor.user_id, canvas_id, attachment_id };
  // First the row: an object whose row nobody wrote would never be found again.
  const { attachment, object_key } = await fromDb(() =>
    createAttachment(ctx.db, {
      ...scope,
      object_key: newObjectKey('attachments'),
      name: name.replace(/[/\\\p{Cc}]/gu, '_').toWellFormed() || 'file',
      media_type,
      size,
      quota_bytes: ctx.file_limits.attachment_quota_bytes,
      request_id: ctx.request_id,
    }),
  );
  if (attachment.status === 'ready') return attachment_id;
  const stored = await ctx.objects.put({ key: object_key, media_type, body: await zip.open(path) }).catch(refused);
  if (stored.size !== size) throw new ZipRefused('It is not as long as the zip says');
  await fromDb(() => completeAttachment(ctx.db, scope));
  return attachment_id;
}

/** An error of unpacking is the zip's. */
function refused(error: unknown): never {
  if (error instanceof AppError || error instanceof ZipRefused) throw error;
  throw new ZipRefused(`It cannot be unpacked: ${(error as Error).message}`, { cause: error });
}

/** Throws ZipRefused for what is not taken as a file of a canvas. */
function checkFile({ file_limits }: TransferUserCtx, { media_type, size }: { media_type: string; size: number }): void {
  if (!MEDIA_TYPE.test(media_type) || !isListedType(media_type, file_limits.attachment_types))
    throw new ZipRefused(`Files of the type ${media_type} are not taken`);
  if (size > file_limits.attachment_max_bytes || size < 1)
    throw new ZipRefused(`A file has 1 to ${file_limits.attachment_max_bytes} bytes`);
}
