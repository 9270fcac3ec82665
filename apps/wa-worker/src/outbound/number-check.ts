import type { Db } from '@potentia/db/client';
import { type ContactRow, findContacts, takeChecks } from '@potentia/db/wa/people-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { personOf } from '@potentia/domain/whatsapp/rules/jid';
import type { WASocket } from '@whiskeysockets/baileys';
import type { HeldSession } from '../session/parts.ts';

/** What WhatsApp said is believed for so long: numbers come more often than they go. */
const KNOWN_MS = 30 * 86_400_000;
const UNKNOWN_MS = 86_400_000;

/** Whether what is known of a number is too old, or nothing is. */
export function isCheckDue(is_on_whatsapp: boolean | null, checked_at: string | null, now: Date): boolean {
  if (is_on_whatsapp === null || checked_at === null) return true;
  return now.getTime() - Date.parse(checked_at) > (is_on_whatsapp ? KNOWN_MS : UNKNOWN_MS);
}

export interface CheckedNumber {
  phone: string;
  is_on_whatsapp: boolean;
  contact: ContactRow;
}

/**
 * Which of these numbers are on WhatsApp, and who they are: from what is known, else by asking, in one question for all. Throws
 * AppError `unavailable` `whatsapp.not_connected`, or `whatsapp.no_answer` when WhatsApp does not answer, and whatever `charge` throws, which
 * is called with how many are asked for.
 */
export async function checkNumbers(
  db: Db,
  held: HeldSession,
  phones: readonly string[],
  charge: (count: number) => void = () => undefined,
  now = new Date(),
): Promise<CheckedNumber[]> {
  const known = await fromDb(() => findContacts(db, held.session_id, phones));
  const contacts = new Map(known.map(({ contact }) => [contact.phone, contact]));
  const fresh = known.filter(({ contact, checked_at }) => !isCheckDue(contact.is_on_whatsapp, checked_at, now));
  const is_known = new Set(fresh.map(({ contact }) => contact.phone));
  const due = [...new Set(phones)].filter((phone) => !is_known.has(phone));
  if (due.length > 0) {
    const { sock } = held;
    if (!sock || held.status !== 'connected')
      throw new AppError('unavailable', 'whatsapp.not_connected', 'The session is not connected to WhatsApp.');
    charge(due.length);
    const checks = await askAbout(sock, due);
    const answered = await fromDb(() => takeChecks(db, held, checks));
    due.forEach((phone, at) => contacts.set(phone, answered[at] as ContactRow));
  }
  return phones.map((phone) => {
    const contact = contacts.get(phone) as ContactRow;
    return { phone, is_on_whatsapp: contact.is_on_whatsapp === true, contact };
  });
}

/**
 * What WhatsApp says of numbers. Some countries' numbers are written in two ways, and it answers with its own: who asks for several
 * cannot tell which answer is whose then, so the rest is asked for one by one.
 */
async function askAbout(sock: WASocket, phones: readonly string[]) {
  const found = await ask(sock, phones);
  const is_odd = found.some((phone) => !phones.includes(phone));
  return Promise.all(
    phones.map(async (phone) => {
      const own = found.includes(phone) ? phone : is_odd ? (await ask(sock, [phone]))[0] : undefined;
      return { phone, is_on_whatsapp: own !== undefined, lid: own === undefined ? null : await lidOf(sock, own) };
    }),
  );
}

/** Of these numbers, those that are on WhatsApp, as it writes them. */
async function ask(sock: WASocket, phones: readonly string[]): Promise<string[]> {
  const found = await sock.onWhatsApp(...phones.map((phone) => `${phone}@s.whatsapp.net`));
  if (!found) throw new AppError('unavailable', 'whatsapp.no_answer', 'WhatsApp does not answer.');
  return found.flatMap(({ jid, exists }) => (exists ? (personOf(jid).phone ?? []) : []));
}

/** The LID of a number that is on WhatsApp; null: WhatsApp does not tell. */
export async function lidOf(sock: WASocket, phone: string): Promise<string | null> {
  const jid = await sock.signalRepository.lidMapping.getLIDForPN(`${phone}@s.whatsapp.net`);
  return personOf(jid).lid ?? null;
}
