import { printInstant } from '../../calendar/rules/print-times.ts';
import { parseLocal, printLocal, toInstant, toLocal } from '../../calendar/rules/zones.ts';
import { invalidField } from '../../platform/parse.ts';

/** The instant of a wall clock, or of the midnight that begins a day. Epoch milliseconds. */
export const instantOf = (local: string, time_zone: string): number => toInstant(parseLocal(local), time_zone);

/** `2026-03-01T09:00:00` on the clocks of a zone. */
export const localOf = (instant: string | number, time_zone: string): string =>
  printLocal(toLocal(typeof instant === 'string' ? Date.parse(instant) : instant, time_zone), false);

/** The window between two wall clocks as ISO 8601 UTC. Throws `request.invalid` for one that ends before it begins. */
export function windowOf(from: number, to: number): { from: string; to: string } {
  if (to <= from) throw invalidField('/to', 'Not after from');
  return { from: printInstant(from), to: printInstant(to) };
}
