/*
 * Zone tables: what turns a wall clock into an instant and back, in services and in tests, from the tz database of the runtime and
 * nothing else. A wall clock is held as epoch milliseconds, read as if it were UTC. The process's own zone plays no part.
 */

const DAY = 86_400_000;
/** A transition is looked for between two probes; no zone has had two within a week since 1900 that both matter to a calendar. */
const PROBE = 7 * DAY;
/** Years are cut evenly, so that the table of an instant is found by a division. */
const SPAN = 53 * PROBE;

/** Offsets from UTC in milliseconds: `offsets[i]` counts from `starts[i]` to the next. */
interface Table {
  starts: number[];
  offsets: number[];
}

interface Zone {
  format: Intl.DateTimeFormat;
  tables: Map<number, Table>;
}

const MAX_ZONES = 1_000;
const zones = new Map<string, Zone | null>();

function zoneOf(name: string): Zone {
  const zone = findZone(name);
  if (!zone) throw new RangeError(`There is no such time zone: ${name}`);
  return zone;
}

function findZone(name: string): Zone | null {
  let zone = zones.get(name);
  if (zone !== undefined) return zone;
  // Names come from anywhere; what is no zone must not fill the memory.
  if (zones.size >= MAX_ZONES) zones.clear();
  zone = openZone(name);
  zones.set(name, zone);
  return zone;
}

function openZone(name: string): Zone | null {
  // An offset such as +02:00 is none: it knows nothing of summer.
  if (!/^[A-Za-z]/.test(name) || name.length > 64) return null;
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset', year: 'numeric' });
    return { format, tables: new Map() };
  } catch {
    return null;
  }
}

/** Whether this is the name of an IANA zone. */
export const isZone = (name: string): boolean => findZone(name) !== null;

/** `GMT`, `GMT+05:30`, and before standard time `GMT-00:01:15`. */
function readOffset({ format }: Zone, instant: number): number {
  const text = format.format(instant);
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/.exec(text);
  if (!match?.[1]) return 0;
  const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === '-' ? -seconds : seconds) * 1_000;
}

function tableOf(zone: Zone, span: number): Table {
  let table = zone.tables.get(span);
  if (!table) {
    table = makeTable(zone, span * SPAN);
    zone.tables.set(span, table);
  }
  return table;
}

function makeTable(zone: Zone, from: number): Table {
  let offset = readOffset(zone, from);
  const table: Table = { starts: [from], offsets: [offset] };
  for (let probe = from; probe < from + SPAN; probe += PROBE) {
    const next = readOffset(zone, probe + PROBE);
    if (next === offset) continue;
    table.starts.push(bisect(zone, probe, probe + PROBE, offset));
    table.offsets.push(next);
    offset = next;
  }
  return table;
}

/** The first second between two instants at which the offset is no longer `before`. */
function bisect(zone: Zone, from: number, to: number, before: number): number {
  let [low, high] = [from / 1_000, to / 1_000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (readOffset(zone, middle * 1_000) === before) low = middle;
    else high = middle;
  }
  return high * 1_000;
}

function offsetAt(zone: Zone, instant: number): number {
  const { starts, offsets } = tableOf(zone, Math.floor(instant / SPAN));
  let at = starts.length - 1;
  while (at > 0 && (starts[at] as number) > instant) at--;
  return offsets[at] as number;
}

/**
 * The instant of a wall clock in a zone. One that the clocks skip is shifted forward by the offset before the gap; of two instants
 * it is the first (RFC 5545 3.3.5, erratum 4271). Throws RangeError for no zone.
 */
export function toInstant(local_ms: number, name: string): number {
  const zone = zoneOf(name);
  const before = offsetAt(zone, local_ms - DAY);
  if (offsetAt(zone, local_ms - before) === before) return local_ms - before;
  const after = offsetAt(zone, local_ms + DAY);
  return offsetAt(zone, local_ms - after) === after ? local_ms - after : local_ms - before;
}

/** What the clocks of a zone show at an instant. Throws RangeError for no zone. */
export const toLocal = (instant: number, name: string): number => instant + offsetAt(zoneOf(name), instant);

/** A change of a zone's offset, in milliseconds. */
export interface Transition {
  at: number;
  before: number;
  after: number;
}

/** The offset of a zone at an instant, in milliseconds east of UTC, and its changes from there to another instant, in order. */
export function readZone(name: string, from: number, to: number): { offset: number; transitions: Transition[] } {
  const zone = zoneOf(name);
  const offset = offsetAt(zone, from);
  const transitions: Transition[] = [];
  let before = offset;
  for (let span = Math.floor(from / SPAN); span * SPAN < to; span++) {
    const { starts, offsets } = tableOf(zone, span);
    for (const [index, at] of starts.entries()) {
      const after = offsets[index] as number;
      if (at <= from || at >= to || after === before) continue;
      transitions.push({ at, before, after });
      before = after;
    }
  }
  return { offset, transitions };
}

/** Stands for everything that a zone's clocks do from 1970 to 2100: equal as long as no tz database changes it. */
export function zoneFingerprint(name: string): string {
  const { offset, transitions } = readZone(name, 0, Date.UTC(2101, 0, 1));
  let hash = 0xcbf29ce484222325n;
  // FNV-1a
  for (const value of [offset, ...transitions.flatMap(({ at, after }) => [at, after])])
    hash = BigInt.asUintN(64, (hash ^ BigInt.asUintN(64, BigInt(value))) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** `2026-03-01T09:00:00` or `2026-03-01` as epoch milliseconds, read as UTC. Throws RangeError for anything else. */
export function parseLocal(text: string): number {
  const ms = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text}Z`);
  if (Number.isNaN(ms)) throw new RangeError(`Not a local time: ${text}`);
  return ms;
}

/** The other way round; all day: the date alone. */
export const printLocal = (ms: number, is_all_day: boolean): string =>
  new Date(ms).toISOString().slice(0, is_all_day ? 10 : 19);
