import type { Db } from '@potentia/db/client';
import { readSealedWith, resealKeys } from '@potentia/db/wa/backup-queries';
import { SealError } from '@potentia/domain/platform/seal';
import type { KeySealer } from './key-sealer.ts';

const PAGE = 500;

/**
 * Seals with the newest key what an older one has sealed, of every session, whoever holds it. A value that its session changes meanwhile
 * is left to it, and one that does not open is left as it is. Answers how many were sealed anew.
 */
export async function rotateKeys(db: Db, sealer: KeySealer, signal?: AbortSignal): Promise<number> {
  if (sealer.older_kids.length === 0) return 0;
  for (let count = 0; ;) {
    const rows = await readSealedWith(db, sealer.older_kids, PAGE);
    const resealed = rows.flatMap(({ session_id, type, id, value: before, kid }) => {
      const opened = tryOpen(() => sealer.open(before, kid, session_id, type, id));
      return opened ? [{ session_id, type, id, before, value: sealer.seal(opened.value, session_id, type, id) }] : [];
    });
    const changed = resealed.length > 0 ? await resealKeys(db, resealed, sealer.kid) : 0;
    count += changed;
    // What is left is being changed by others, or does not open.
    if (changed === 0 || signal?.aborted) return count;
  }
}

function tryOpen(open: () => unknown): { value: unknown } | null {
  try {
    return { value: open() };
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}
