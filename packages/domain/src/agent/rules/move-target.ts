import { DAY_MS } from '../../calendar/rules/civil.ts';
import { parseLocal } from '../../calendar/rules/zones.ts';
import { type Clock, DAY, minutesOf } from './clock-words.ts';
import type { Target } from './command-types.ts';
import { dayText, localOf } from './when.ts';

/** Where something goes that stands there now, on the person's clocks. Whatever is not said stays as it is. */
export function moveTo(
  { starts_local }: { starts_local: string },
  target: Exclude<Target, { kind: 'calendar' }>,
): { starts_local: string; duration_minutes: number | null } {
  const ms = parseLocal(starts_local);
  const day = Math.floor(ms / DAY_MS);
  const minute = Math.floor((ms - day * DAY_MS) / 60_000);
  const is_all_day = starts_local.length === 10;
  if (target.kind === 'by') return { starts_local: localOf(day, minute + target.minutes), duration_minutes: null };
  const to_day = target.day ?? day;
  if (target.from === null)
    return { starts_local: is_all_day ? dayText(to_day) : localOf(to_day, minute), duration_minutes: null };
  const start = nearest(target.from, minute);
  const end = target.to ? after(start, target.to) : null;
  return { starts_local: localOf(to_day, start), duration_minutes: end === null ? null : end - start };
}

/** `to 10` is the ten o'clock that lies nearer to where it stands; in the small hours nothing is moved by chance. */
function nearest(clock: Clock, minute: number): number {
  const { at, is_unsure } = minutesOf(clock, true);
  const is_open = clock.meridiem === null && clock.part === null && !clock.is_literal && clock.hour <= 12;
  if (!is_open && !is_unsure) return at;
  const [am, pm] = [at % (DAY / 2), (at % (DAY / 2)) + DAY / 2];
  if (am < 6 * 60) return pm;
  return Math.abs(am - minute) <= Math.abs(pm - minute) ? am : pm;
}

function after(start: number, clock: Clock): number {
  const { at } = minutesOf(clock, true);
  if (at > start) return at;
  return at + DAY / 2 > start ? at + DAY / 2 : at + DAY;
}
