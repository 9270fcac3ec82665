/*
 * Addresses of WhatsApp: `6281…@s.whatsapp.net` (a phone number), `1234@lid` (its private id of the same person), either with a device
 * (`…:7@lid`), `1203…@g.us` (a group), `…@broadcast`. We keep the bare ids.
 */

/** One of a person's ids, or both. */
export interface PersonIds {
  lid?: string;
  phone?: string;
}

export type GroupAddress = { kind: 'group' | 'broadcast'; group_id: string };

const PHONE_SERVERS = new Set(['s.whatsapp.net', 'c.us', 'hosted']);
const LID_SERVERS = new Set(['lid', 'hosted.lid']);

/** The id of a person in an address, without server and device. Empty when it is no person's. */
export function personOf(jid: string | null | undefined): PersonIds {
  const [, user = '', server = ''] = /^([0-9]+)(?:_[0-9]+)?(?::[0-9]+)?@(.+)$/.exec(jid ?? '') ?? [];
  if (LID_SERVERS.has(server) && user.length <= 32) return { lid: user };
  if (PHONE_SERVERS.has(server) && user.length >= 5 && user.length <= 20) return { phone: user };
  return {};
}

/** The ids of one person from the addresses under which they are known. */
export const personOfAll = (...jids: (string | null | undefined)[]): PersonIds =>
  Object.assign({}, ...jids.toReversed().map(personOf)) as PersonIds;

export const isPerson = ({ lid, phone }: PersonIds): boolean => lid !== undefined || phone !== undefined;

export const isSamePerson = (a: PersonIds, b: PersonIds): boolean =>
  (a.lid !== undefined && a.lid === b.lid) || (a.phone !== undefined && a.phone === b.phone);

/** The id of a group without its server; whatever is neither a person nor a group is kept whole, as a broadcast. */
export function roomOf(jid: string): GroupAddress {
  const [user = '', server] = jid.split('@');
  if (server === 'g.us') return { kind: 'group', group_id: user.slice(0, 64) };
  return { kind: 'broadcast', group_id: (server === 'broadcast' ? user : jid).slice(0, 64) };
}

/** An address of a person, by LID if it is known: WhatsApp's own choice since 2025. */
export const personJid = ({ lid, phone }: { lid?: string | null; phone?: string | null }): string =>
  lid ? `${lid}@lid` : `${phone}@s.whatsapp.net`;

export const groupJid = (group_id: string): string => `${group_id}@g.us`;
