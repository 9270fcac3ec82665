import { z } from 'zod';
import { download, upload } from '../canvas/attachment-schemas.ts';
import { cursor, id, pageLimit, timestamp } from '../platform/schemas.ts';

const problem = { code: z.string(), message: z.string() };

const shared = {
  id,
  workspace_id: id,
  status: z.enum(['awaiting_upload', 'queued', 'running', 'finished', 'failed']),
  size: z.int().min(0).nullable().describe('Bytes of the zip'),
  done: z.int().min(0).describe('Canvases, files and calendars that were seen to'),
  total: z.int().min(0).nullable().describe('Of how many; null until they are counted'),
  problems: z
    .array(z.strictObject({ path: z.string(), ...problem }))
    .describe('What of it could not be done, by file; at most 200'),
  failure: z.strictObject(problem).nullable(),
  created_by: id,
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  expires_at: timestamp.describe('When the zip is gone'),
};

export const workspaceExport = z
  .strictObject({
    ...shared,
    kind: z.literal('export'),
    download: download.nullable().describe('The zip, once it is finished and until it expires'),
  })
  .meta({ id: 'WorkspaceExport' });
export type WorkspaceExport = z.infer<typeof workspaceExport>;

export const workspaceImport = z.strictObject({ ...shared, kind: z.literal('import') }).meta({ id: 'WorkspaceImport' });
export type WorkspaceImport = z.infer<typeof workspaceImport>;

export const importUpload = z.strictObject({ import: workspaceImport, upload }).meta({ id: 'WorkspaceImportUpload' });
export type ImportUpload = z.infer<typeof importUpload>;

const next_cursor = z.string().nullable();
export const exportPage = z
  .strictObject({ items: z.array(workspaceExport), next_cursor })
  .meta({ id: 'WorkspaceExportPage' });
export const importPage = z
  .strictObject({ items: z.array(workspaceImport), next_cursor })
  .meta({ id: 'WorkspaceImportPage' });

export const createImportBody = z
  .strictObject({ size: z.int().min(22).max(5_000_000_000).describe('Bytes of the zip, exactly') })
  .meta({ id: 'CreateWorkspaceImport' });
export const listTransfersQuery = z.strictObject({
  cursor,
  limit: pageLimit(100, 20),
});

export const workspaceRef = z.strictObject({ workspace_id: id });
export const transferRef = z.strictObject({ workspace_id: id, transfer_id: id });
export const createImportInput = createImportBody.extend({ workspace_id: id });
export const listTransfersInput = listTransfersQuery.extend({ workspace_id: id });
