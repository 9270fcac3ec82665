import { Readable } from 'node:stream';
import { createGzip, gunzipSync } from 'node:zlib';
import type { Db } from '@potentia/db/client';
import {
  listBackups,
  readBackup,
  recordBackup,
  restoreBackup as writeBackup,
  type SealedValue,
} from '@potentia/db/wa/backup-queries';
import type { LeaseHolder } from '@potentia/db/wa/state-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import type { Objects } from '@potentia/domain/platform/objects';
import { newId } from '@potentia/domain/platform/uuid';
import type { AuthenticationCreds } from '@whiskeysockets/baileys';
import type { KeySealer } from './key-sealer.ts';

export interface BackupCtx {
  db: Db;
  objects: Objects;
  sealer: KeySealer;
}

const KEEP = 3;
const MAX_BYTES = 64 * 1024 * 1024;
/** Pre-keys that may have been handed out since the copy was made: their numbers are not given again. */
const SKIPPED_PRE_KEYS = 10_000;

/**
 * Copies the credentials and keys of a held session, as they are sealed, to object storage, and keeps the newest three. What is
 * only good while both ends agree on it (sessions with people, sender keys) stays out. Null: there is nothing to copy.
 * Throws `lease.lost`, `objects.unavailable`, `platform.database_unavailable`.
 */
export async function backUp(
  ctx: BackupCtx,
  holder: LeaseHolder,
): Promise<{ object_key: string; size: number } | null> {
  const { db, objects } = ctx;
  const rows = await fromDb(() => readBackup(db, holder.session_id));
  if (!rows.some(({ type }) => type === 'creds')) return null;
  const object_key = `whatsapp/backups/${holder.session_id}/${newId()}`;
  const lines = Readable.from(rows.map((row) => `${JSON.stringify(row)}\n`));
  const body = lines.pipe(createGzip());
  const { size } = await objects.put({ key: object_key, media_type: 'application/gzip', body });
  const old = await fromDb(() => recordBackup(db, holder, { object_key, size, keep: KEEP }));
  if (old.length > 0) await objects.delete(old);
  return { object_key, size };
}

/**
 * Puts the newest copy that can be read in the place of credentials that are lost. Its people begin new Signal sessions with us, and
 * notice nothing but a moment's delay. Throws `worker.no_backup`, `worker.credentials_present`, `lease.lost`, `objects.unavailable`.
 */
export async function restore(ctx: BackupCtx, holder: LeaseHolder): Promise<{ object_key: string }> {
  const { db, objects, sealer } = ctx;
  for (const { object_key } of await fromDb(() => listBackups(db, holder.session_id))) {
    const values = await readCopy(objects, object_key);
    const sealed = values?.find(({ type }) => type === 'creds');
    if (!values || !sealed) continue;
    const creds = sealer.open(sealed.value, sealed.kid, holder.session_id, 'creds', '') as AuthenticationCreds;
    const next = creds.nextPreKeyId + SKIPPED_PRE_KEYS;
    const restored = { ...creds, nextPreKeyId: next, firstUnuploadedPreKeyId: next };
    const value = sealer.seal(restored, holder.session_id, 'creds', '');
    const keys = values.filter(({ type }) => type !== 'creds');
    await fromDb(() => writeBackup(db, holder, { ...sealed, value, kid: sealer.kid }, keys));
    return { object_key };
  }
  throw new AppError('not_found', 'worker.no_backup', 'There is no backup of this session that can be read.');
}

/** Null: it is not there any more, or cannot be read. */
async function readCopy(objects: Objects, key: string): Promise<SealedValue[] | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of await objects.get(key)) {
      size += (chunk as Buffer).length;
      if (size > MAX_BYTES) return null;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return null;
    throw error;
  }
  try {
    const text = gunzipSync(Buffer.concat(chunks), { maxOutputLength: MAX_BYTES }).toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as SealedValue);
  } catch {
    return null;
  }
}
