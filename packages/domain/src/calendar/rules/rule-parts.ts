import { PlanRefused } from './plan-types.ts';
import { printLocal } from './local-time.ts';
import { toInstant, toLocal } from './zones.ts';

/** The parts of a normalised rule (`FREQ=WEEKLY;BYDAY=MO`), in their order. */
export type RuleParts = Map<string, string>;

export const readParts = (rrule: string): RuleParts =>
  new Map(rrule.split(';').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));

/** As a rule is stored: what says how often and how long comes first. */
const FIRST = ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL'];
const MAX_RULE = 512;

/** Throws `PlanRefused` for a rule that has become longer than one can be. */
export function printParts(parts: RuleParts): string {
  const rest = [...parts.keys()].filter((name) => !FIRST.includes(name));
  const rrule = [...FIRST, ...rest]
    .flatMap((name) => (parts.has(name) ? [`${name}=${parts.get(name)}`] : []))
    .join(';');
  if (rrule.length <= MAX_RULE) return rrule;
  throw new PlanRefused(
    'invalid',
    'schedule.rule_refused',
    `The rule would be longer than ${MAX_RULE} characters.`,
    '/rrule',
  );
}

/** What an UNTIL is read and printed by. */
export interface UntilFrame {
  time_zone: string | null;
  is_all_day: boolean;
}

/** Epoch ms of a wall clock, read as UTC: of `20260401T090000Z`, `20260401T090000` or `20260401`. A date alone: the end of that day. */
export function readUntil(until: string, { time_zone, is_all_day }: UntilFrame): number {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(until);
  if (!parts) throw new Error(`no UNTIL: ${until}`);
  const [year, month, day, hour, minute, second] = parts.slice(1, 7);
  const date = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (hour === undefined) return date + (is_all_day ? 0 : 86_399_000);
  const at = date + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  return parts[7] === 'Z' && time_zone !== null ? toLocal(at, time_zone) : at;
}

/** An UNTIL that ends with the occurrence at this wall clock: an inclusive instant, of floating series a wall clock, of all-day ones a date. */
export function printUntil(local_ms: number, { time_zone, is_all_day }: UntilFrame): string {
  if (is_all_day || time_zone === null) return printLocal(local_ms, is_all_day).replaceAll(/[-:]/g, '');
  return `${printLocal(toInstant(local_ms, time_zone), false).replaceAll(/[-:]/g, '')}Z`;
}
