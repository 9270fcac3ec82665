import type { CalendarRole } from './roles.ts';
import type { KnownCalendar, SyncCursor, SyncState } from './sync-state.ts';

/*
 * Tokens and cursors of a synchronisation, short enough for the query of a URL: some 28 characters per calendar. They are not
 * signed: what somebody may see is decided when they ask, and whoever changes a token is told less or more of their own.
 */

const LETTERS: Record<CalendarRole, string> = { freebusy: 'f', viewer: 'v', editor: 'e', owner: 'o' };
const ROLES = new Map(Object.entries(LETTERS).map(([role, letter]) => [letter, role as CalendarRole]));
const VERSION = '1';
const ID_LENGTH = 22;
/** RFC 9562: what was changed on its way is told again as an id, and no answer has others. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Characters of the longest token that is made; some 400 calendars. */
export const MAX_SYNC_TOKEN = 12_000;

export const printSyncToken = (state: SyncState): string =>
  [
    VERSION,
    ...[state.issued_at, state.from_days, state.to_days, state.day, state.head].map((n) => n.toString(36)),
    state.homes.map(printId).join('~'),
    state.calendars.map(printCalendar).join('~'),
  ].join('.');

/** Null: not such a token. */
export function parseSyncToken(text: string): SyncState | null {
  const [version, issued_at, from_days, to_days, day, head, homes, calendars, ...rest] = text.split('.');
  if (version !== VERSION || homes === undefined || calendars === undefined || rest.length > 0) return null;
  const state = {
    issued_at: parseNumber(issued_at),
    from_days: parseNumber(from_days),
    to_days: parseNumber(to_days),
    day: parseNumber(day),
    head: parseNumber(head),
    homes: list(homes).map(parseId),
    calendars: list(calendars).map(parseCalendar),
  };
  const is_whole = [state.issued_at, state.from_days, state.to_days, state.day, state.head].every(Number.isSafeInteger);
  const are_ids = state.homes.every((id) => id !== null) && state.calendars.every((calendar) => calendar !== null);
  return is_whole && are_ids ? (state as SyncState) : null;
}

/** What a page goes on from; of what will be known only what is not known now. */
export function printSyncCursor({ since, next, reset_ids, after_id }: SyncCursor): string {
  const known = new Set(since?.calendars.map(printCalendar));
  const current = new Set(next.calendars.map(({ calendar_id }) => calendar_id));
  const lost = since?.calendars.filter(({ calendar_id }) => !current.has(calendar_id)) ?? [];
  return [
    since ? printSyncToken(since) : '',
    printSyncToken({ ...next, calendars: next.calendars.filter((calendar) => !known.has(printCalendar(calendar))) }),
    lost.map(({ calendar_id }) => printId(calendar_id)).join('~'),
    reset_ids.map(printId).join('~'),
    printId(after_id),
  ].join('!');
}

/** Null: not such a cursor. */
export function parseSyncCursor(text: string): SyncCursor | null {
  const [before = '', news = '', lost_list, reset_list, after = '', ...rest] = text.split('!');
  if (lost_list === undefined || reset_list === undefined || rest.length > 0) return null;
  const since = before === '' ? null : parseSyncToken(before);
  const next = parseSyncToken(news);
  const after_id = parseId(after);
  const lost_ids = list(lost_list).map(parseId);
  const reset_ids = list(reset_list).map(parseId);
  if (next === null || after_id === null || (before !== '' && since === null)) return null;
  if (lost_ids.includes(null) || reset_ids.includes(null)) return null;
  const told = new Set(next.calendars.map(({ calendar_id }) => calendar_id));
  const kept =
    since?.calendars.filter(({ calendar_id }) => !told.has(calendar_id) && !lost_ids.includes(calendar_id)) ?? [];
  return {
    since,
    next: { ...next, calendars: [...kept, ...next.calendars] },
    reset_ids: reset_ids as string[],
    after_id,
  };
}

const list = (text: string): string[] => (text === '' ? [] : text.split('~'));
const parseNumber = (text = ''): number => (/^[0-9a-z]{1,11}$/.test(text) ? parseInt(text, 36) : NaN);

const printCalendar = ({ calendar_id, role, seq }: KnownCalendar): string =>
  printId(calendar_id) + LETTERS[role] + seq.toString(36);

function parseCalendar(text: string): KnownCalendar | null {
  const calendar_id = parseId(text.slice(0, ID_LENGTH));
  const role = ROLES.get(text.charAt(ID_LENGTH));
  const seq = parseNumber(text.slice(ID_LENGTH + 1));
  return calendar_id && role && Number.isSafeInteger(seq) ? { calendar_id, role, seq } : null;
}

const printId = (id: string): string => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');

function parseId(text: string): string | null {
  if (text.length !== ID_LENGTH) return null;
  const hex = Buffer.from(text, 'base64url').toString('hex');
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return UUID.test(id) ? id : null;
}
