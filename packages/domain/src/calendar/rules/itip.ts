import type { JcalComponent, JcalProperty } from './ics-components.ts';
import { printComponent, vcalendar, writeSchedule, type WrittenSchedule } from './ics-write.ts';
import { vtimezone } from './vtimezone.ts';

/** What a calendar program does with a message (RFC 5546): puts it down, or takes it out. */
export type ItipMethod = 'REQUEST' | 'CANCEL';

/** A schedule with the guest that the message is for, and no other: nobody outside learns who else comes. */
export type InvitedSchedule = WrittenSchedule & { version: number };

/**
 * The SEQUENCE of what is sent. It grows with every edit, so that a later message is never taken for an older one; `sequence` of a
 * schedule alone counts those of its occurrences.
 */
export const itipSequence = ({ sequence, version }: { sequence: number; version: number }): number =>
  sequence + version - 1;

/**
 * The ICS text of an invitation as it stands: of a schedule that was cancelled a CANCEL, else a REQUEST with its overrides as VEVENTs of
 * their own. `now`: when it is made, epoch ms, by which programs tell apart two of one SEQUENCE.
 */
export function printInvitation(schedule: InvitedSchedule, now: number): { method: ItipMethod; content: string } {
  const sequence = itipSequence(schedule);
  if (schedule.status === 'cancelled') return printCancellation({ ...schedule, sequence }, now);
  const { kept, cancelled } = divideOverrides(schedule);
  const exdates = [...schedule.exdates, ...cancelled].sort();
  const components = writeSchedule({ ...schedule, sequence, overrides: kept, exdates });
  return print('REQUEST', schedule.time_zone, components, now);
}

/** The ICS text that takes an invitation back, of the whole series. `sequence` is that of the message. */
export function printCancellation(schedule: WrittenSchedule, now: number): { method: ItipMethod; content: string } {
  const nothing = { rrule: null, rdates: [], exdates: [], overrides: [], reminders: [] };
  const guests = schedule.guests.map((guest) => ({ ...guest, responses: [] }));
  const components = writeSchedule({ ...schedule, ...nothing, guests, status: 'cancelled' });
  return print('CANCEL', schedule.time_zone, components, now);
}

/** A REQUEST carries nothing that is cancelled: such an occurrence is one that the rule leaves out. */
function divideOverrides({ overrides }: WrittenSchedule) {
  const isOff = ({ is_cancelled, status }: WrittenSchedule['overrides'][number]) =>
    is_cancelled || status === 'cancelled';
  return {
    kept: overrides.filter((override) => !isOff(override)),
    cancelled: overrides.filter(isOff).map(({ recurrence_id }) => recurrence_id),
  };
}

function print(method: ItipMethod, time_zone: string | null, components: JcalComponent[], now: number) {
  const timezone = time_zone === null ? null : vtimezone(time_zone, now);
  const stamped = components.map((component) => stamp(component, now));
  const message = vcalendar([['method', {}, 'text', method]], timezone ? [timezone, ...stamped] : stamped);
  return { method, content: printComponent(message) };
}

/** DTSTAMP of a message is when it is made (RFC 5545 3.8.7.2). */
function stamp([name, properties, components]: JcalComponent, now: number): JcalComponent {
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const made: JcalProperty = ['dtstamp', {}, 'date-time', at];
  return [name, properties.map((property) => (property[0] === 'dtstamp' ? made : property)), components];
}
