import type { Db } from '@potentia/db/client';
import { readStaleKeys, resealKeys } from '@potentia/db/wa/backup-queries';
import type { KeySealer } from './key-sealer.ts';

const PAGE = 500;

/**
 * Seals with the newest key what an older one has sealed, of every session, whoever holds it: a value that changes meanwhile is left
 * to its session, which seals with the newest key anyway. Answers how many. Throws `SealError` where a key is not known any more.
 */
export async function rotateKeys(db: Db, sealer: KeySealer): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = await readStaleKeys(db, sealer.kid, PAGE);
    if (rows.length === 0) return count;
    const resealed = rows.map(({ session_id, type, id, value: before, kid }) => {
      const value = sealer.seal(sealer.open(before, kid, session_id, type, id), session_id, type, id);
      return { session_id, type, id, before, value };
    });
    count += await resealKeys(db, resealed, sealer.kid);
  }
}
