/*
 * Zone tables: what turns a wall clock into an instant and back, in services and in tests, from the tz database of the runtime and
 * nothing else. A wall clock is held as epoch milliseconds, read as if it were UTC. The process's own zone plays no part.
 */

import { DAY_MS } from './civil.ts';

// What is done with local times takes both.
export { parseLocal, printLocal } from './local-time.ts';

/** A transition is looked for between two probes; no zone has had two within a week since 1900 that both matter to a calendar. */
const PROBE = 7 * DAY_MS;
/** Time is cut evenly, so that the table of an instant is found by a division. */
const SPAN = 53 * PROBE;
/** No offset is as large, so what a wall clock of a span can mean lies so near to the span. */
const MARGIN = 2 * DAY_MS;
/** Spans of about a year from 1890 to 2112; what lies further away has the offset of the nearest. */
const [FIRST_SPAN, LAST_SPAN] = [-79, 139];

/** Offsets from UTC in milliseconds: `offsets[i]` counts from the instant `starts[i]` to the next. */
interface Table {
  starts: number[];
  offsets: number[];
}

const MAX_ZONES = 1_000;
const zones = new Map<string, Zone | null>();

/** The clocks of a zone. It keeps the stretch it was last asked about: times are mostly asked for in order. */
export class Zone {
  private readonly format: Intl.DateTimeFormat;
  private readonly tables = new Map<number, Table>();
  /** Wall clocks from `low` to `high` are `offset` ahead of UTC. */
  private low = Infinity;
  private high = -Infinity;
  private offset = 0;
  /** So are the wall clocks at instants from `began` to `ends`. */
  private began = Infinity;
  private ends = -Infinity;
  private offset_at = 0;

  /** Throws RangeError for a name that the runtime has no zone for. */
  constructor(name: string) {
    this.format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset', hour: 'numeric' });
  }

  /** The instant of a wall clock: see `toInstant`. */
  toInstant(local_ms: number): number {
    if (!(local_ms >= this.low && local_ms < this.high)) this.seekLocal(local_ms);
    return local_ms - this.offset;
  }

  /** Milliseconds east of UTC. */
  offsetAt(instant: number): number {
    if (!(instant >= this.began && instant < this.ends)) this.seekInstant(instant);
    return this.offset_at;
  }

  /** Changes of the offset after one instant and before another, in order. */
  transitions(from: number, to: number): Transition[] {
    const found: Transition[] = [];
    let before = this.offsetAt(from);
    for (let span = spanOf(from); span <= spanOf(to); span++) {
      const { starts, offsets } = this.tableOf(span);
      for (const [index, at] of starts.entries()) {
        const after = offsets[index] as number;
        // Tables overlap: what lies in the margin of this one is in its neighbour.
        if (at <= from || at >= to || spanOf(at) !== span || after === before) continue;
        found.push({ at, before, after });
        before = after;
      }
    }
    return found;
  }

  /** Wall clocks end in order, each stretch where its offset ends: the first that has not ended is the one, or a gap before it. */
  private seekLocal(local: number): void {
    const span = spanOf(local);
    const { starts, offsets } = this.tableOf(span);
    const ends = (at: number): number => (starts[at + 1] ?? Infinity) + (offsets[at] as number);
    let at = 0;
    while (local >= ends(at)) at++;
    const begins = (starts[at] as number) + (offsets[at] as number);
    const is_gap = at > 0 && local < begins;
    const low = at > 0 ? Math.max(ends(at - 1), is_gap ? -Infinity : begins) : -Infinity;
    this.offset = offsets[is_gap ? at - 1 : at] as number;
    this.low = Math.max(low, beginOf(span));
    this.high = Math.min(is_gap ? begins : ends(at), beginOf(span + 1));
  }

  private seekInstant(instant: number): void {
    const span = spanOf(instant);
    const { starts, offsets } = this.tableOf(span);
    let at = starts.length - 1;
    while (at > 0 && (starts[at] as number) > instant) at--;
    this.offset_at = offsets[at] as number;
    this.began = Math.max(at > 0 ? (starts[at] as number) : -Infinity, beginOf(span));
    this.ends = Math.min(starts[at + 1] ?? Infinity, beginOf(span + 1));
  }

  private tableOf(span: number): Table {
    let table = this.tables.get(span);
    if (!table) {
      table = this.makeTable(span * SPAN - MARGIN, (span + 1) * SPAN + MARGIN);
      this.tables.set(span, table);
    }
    return table;
  }

  private makeTable(from: number, to: number): Table {
    let offset = this.readOffset(from);
    const table: Table = { starts: [from], offsets: [offset] };
    for (let probe = from; probe < to; probe += PROBE) {
      const next = this.readOffset(probe + PROBE);
      if (next === offset) continue;
      table.starts.push(this.bisect(probe, probe + PROBE, offset));
      table.offsets.push(next);
      offset = next;
    }
    return table;
  }

  /** The first second between two instants at which the offset is no longer `before`. */
  private bisect(from: number, to: number, before: number): number {
    let [low, high] = [from / 1_000, to / 1_000];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.readOffset(middle * 1_000) === before) low = middle;
      else high = middle;
    }
    return high * 1_000;
  }

  /** `GMT`, `GMT+05:30`, and before standard time `GMT-00:01:15`. */
  private readOffset(instant: number): number {
    const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(this.format.format(instant));
    if (!match?.[1]) return 0;
    const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return (match[1] === '-' ? -seconds : seconds) * 1_000;
  }
}

const spanOf = (ms: number): number => Math.min(Math.max(Math.floor(ms / SPAN), FIRST_SPAN), LAST_SPAN);

/** From where on the table of a span is asked. */
const beginOf = (span: number): number => (span <= FIRST_SPAN ? -Infinity : span > LAST_SPAN ? Infinity : span * SPAN);

/** The zone of an IANA name. Throws RangeError for no zone. */
export function zoneOf(name: string): Zone {
  const zone = findZone(name);
  if (!zone) throw new RangeError(`There is no such time zone: ${name.slice(0, 64)}`);
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
  if (name.length > 64 || !/^[A-Za-z]/.test(name)) return null;
  try {
    return new Zone(name);
  } catch {
    return null;
  }
}

/** Whether this is the name of an IANA zone. */
export const isZone = (name: string): boolean => findZone(name) !== null;

/**
 * The instant of a wall clock in a zone. One that the clocks skip is shifted forward by the offset before the gap; of two instants
 * it is the first (RFC 5545 3.3.5, erratum 4271). Throws RangeError for no zone.
 */
export const toInstant = (local_ms: number, name: string): number => zoneOf(name).toInstant(local_ms);

/** What the clocks of a zone show at an instant. Throws RangeError for no zone. */
export const toLocal = (instant: number, name: string): number => instant + zoneOf(name).offsetAt(instant);

/** A change of a zone's offset, in milliseconds. */
export interface Transition {
  at: number;
  before: number;
  after: number;
}

/** The offset of a zone at an instant, in milliseconds east of UTC, and its changes from there to another instant, in order. */
export function readZone(name: string, from: number, to: number): { offset: number; transitions: Transition[] } {
  const zone = zoneOf(name);
  return { offset: zone.offsetAt(from), transitions: zone.transitions(from, to) };
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
