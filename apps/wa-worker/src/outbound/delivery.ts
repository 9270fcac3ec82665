import type { Db } from '@potentia/db/client';
import type { OutboxRow } from '@potentia/db/wa/outbox-queries';
import { takeChecks } from '@potentia/db/wa/people-queries';
import type { WASocket } from '@whiskeysockets/baileys';
import type { HeldSession } from '../session/parts.ts';
import { checkNumbers, isCheckDue, lidOf } from './number-check.ts';

/**
 * Under which name the other end of a chat is written to. Null: the number is not on WhatsApp. One that begins a conversation is looked
 * up before, since a single message to a number that nobody has can be enough to restrict an account.
 */
export async function findRecipient(
  db: Db,
  held: HeldSession,
  sock: WASocket,
  row: OutboxRow,
  is_cold: boolean,
): Promise<{ lid: string | null } | null> {
  const { phone } = row;
  if (row.kind === 'group' || row.lid !== null || phone === null) return { lid: row.lid };
  if (is_cold && isCheckDue(row.is_on_whatsapp, row.checked_at, new Date())) {
    const [checked] = await checkNumbers(db, held, [phone]);
    return checked?.is_on_whatsapp ? { lid: checked.contact.lid } : null;
  }
  if (is_cold && row.is_on_whatsapp === false) return null;
  const lid = await lidOf(sock, phone);
  if (lid !== null) await takeChecks(db, held, [{ phone, lid, is_on_whatsapp: true }]);
  return { lid };
}
