import type { TransferRow } from '@potentia/db/workspace/transfer-queries';
import { DOWNLOAD_S } from '../canvas/present-attachment.ts';
import type { FilePorts } from '../platform/objects.ts';
import type { WorkspaceExport, WorkspaceImport } from './transfer-schemas.ts';

/** An export as clients get it; `object_key` null: without the address of its zip. */
export async function presentExport(
  { objects }: Pick<FilePorts, 'objects'>,
  transfer: TransferRow,
  object_key: string | null,
): Promise<WorkspaceExport> {
  const shown = { ...transfer, kind: 'export' as const };
  if (transfer.status !== 'finished' || object_key === null) return { ...shown, download: null };
  const download = await objects.presignGet({
    key: object_key,
    name: `workspace-${transfer.created_at.slice(0, 10)}.zip`,
    media_type: 'application/zip',
    expires_s: DOWNLOAD_S,
  });
  return { ...shown, download };
}

/** An import as clients get it. */
export const presentImport = (transfer: TransferRow): WorkspaceImport => ({ ...transfer, kind: 'import' });
