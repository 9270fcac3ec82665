import { randomUUID } from 'node:crypto';
import type { SeededWorkspace } from '@potentia/db/testing/seed';
import { createExport } from '@potentia/domain/workspace/create-export';
import { createImport } from '@potentia/domain/workspace/create-import';
import { getExport, getImport } from '@potentia/domain/workspace/get-transfer';
import { exportWorkspace } from '@potentia/domain/workspace/run-export';
import { importWorkspace } from '@potentia/domain/workspace/run-import';
import { startImport } from '@potentia/domain/workspace/start-import';
import { expect } from 'vitest';
import { type FilesKit, send } from './files.ts';

export const jobOf = (transfer_id: string) => ({
  outbox_id: randomUUID(),
  workspace_id: null,
  user_id: null,
  traceparent: null,
  request_id: null,
  created_at: new Date().toISOString(),
  payload: { transfer_id },
});

/** Asks for an export and runs its job; the zip. */
export async function exportAll(
  kit: FilesKit,
  { workspace_id, owner_user_id }: SeededWorkspace,
): Promise<{ id: string; zip: Buffer }> {
  const { result } = await createExport(kit.as(owner_user_id), { workspace_id });
  await exportWorkspace(kit.job_ctx, jobOf(result.id));
  const done = await getExport(kit.as(owner_user_id), { workspace_id, transfer_id: result.id });
  expect(done).toMatchObject({ status: 'finished', failure: null, done: done.total });
  return { id: result.id, zip: Buffer.from(await (await fetch(done.download!.url)).arrayBuffer()) };
}

/** Uploads a zip and starts its import; the job is the caller's. */
export async function upload(
  kit: FilesKit,
  { workspace_id, owner_user_id }: SeededWorkspace,
  zip: Buffer,
): Promise<string> {
  const ctx = kit.as(owner_user_id);
  const { result } = await createImport(ctx, { workspace_id, size: zip.length });
  await send(result.upload, zip);
  await startImport(ctx, { workspace_id, transfer_id: result.import.id });
  return result.import.id;
}

export async function importAll(kit: FilesKit, workspace: SeededWorkspace, zip: Buffer) {
  const transfer_id = await upload(kit, workspace, zip);
  await importWorkspace(kit.job_ctx, jobOf(transfer_id));
  return getImport(kit.as(workspace.owner_user_id), { workspace_id: workspace.workspace_id, transfer_id });
}
