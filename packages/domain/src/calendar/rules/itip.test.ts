import ical from 'node-ical';
import { describe, expect, it } from 'vitest';
import type { IcsOverride } from './ics-types.ts';
import { type InvitedSchedule, itipSequence, printCancellation, printInvitation } from './itip.ts';
import { unchangedOccurrence } from './unchanged-occurrence.ts';

const NOW = Date.UTC(2026, 1, 1);
const override = (recurrence_id: string, more: Partial<IcsOverride>): IcsOverride => ({
  ...unchangedOccurrence(recurrence_id),
  ...more,
});
const weekly = (more: Partial<InvitedSchedule> = {}): InvitedSchedule => ({
  uid: 'b7a1',
  title: 'Plans; and, more',
  description: 'Line one\nline two',
  location: 'Room 1',
  url: null,
  color: null,
  status: 'confirmed',
  transparency: 'opaque',
  visibility: 'default',
  is_all_day: false,
  starts_local: '2026-03-02T09:00:00',
  time_zone: 'Europe/Berlin',
  duration_seconds: 3_600,
  rrule: 'FREQ=WEEKLY',
  rdates: [],
  exdates: ['2026-03-09T09:00:00'],
  overrides: [
    override('2026-03-16T09:00:00', { starts_local: '2026-03-16T11:00:00', title: 'Later' }),
    override('2026-03-23T09:00:00', { is_cancelled: true }),
  ],
  guests: [{ email: 'ana@example.com', name: 'Ana "A"', is_optional: false, response: 'tentative', responses: [] }],
  reminders: [],
  ics_properties: null,
  sequence: 2,
  version: 4,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
  organiser: { email: 'boss@example.com', name: 'Boss' },
  ...more,
});
const unfold = (text: string): string[] => text.replaceAll('\r\n ', '').split('\r\n');

describe('an invitation', () => {
  it('is a REQUEST with organiser, guest, zone, rule and its overrides, as another reader finds it', () => {
    const { method, content } = printInvitation(weekly(), NOW);
    expect(method).toBe('REQUEST');
    const lines = unfold(content);
    expect(lines).toEqual(
      expect.arrayContaining([
        'METHOD:REQUEST',
        'TZID:Europe/Berlin',
        'DTSTART;TZID=Europe/Berlin:20260302T090000',
        'RRULE:FREQ=WEEKLY',
        'SEQUENCE:5',
        'DTSTAMP:20260201T000000Z',
        'SUMMARY:Plans\\; and\\, more',
        'RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000',
        'EXDATE;TZID=Europe/Berlin:20260309T090000,20260323T090000',
        'ORGANIZER;CN=Boss:mailto:boss@example.com',
      ]),
    );
    const attendees = lines.filter((line) => line.startsWith('ATTENDEE'));
    expect(attendees[0]).toMatch(/PARTSTAT=TENTATIVE/);
    expect(attendees[0]).toMatch(/RSVP=TRUE/);
    expect(attendees[0]).toMatch(/mailto:ana@example\.com$/);
    expect(lines.every((line) => line !== 'STATUS:CANCELLED')).toBe(true);
    expect(content.split('\r\n').every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
    const events = Object.values(ical.sync.parseICS(content)).filter((each) => each?.type === 'VEVENT');
    expect(events).toHaveLength(1);
    const [event] = events as unknown as [
      { uid: string; start: Date; summary: string; recurrences: Record<string, { start: Date }> },
    ];
    expect(event).toMatchObject({ uid: 'b7a1', summary: 'Plans; and, more' });
    expect(event.start.toISOString()).toBe('2026-03-02T08:00:00.000Z');
    const moved = Object.values(event.recurrences).map(({ start }) => start.toISOString());
    expect(new Set(moved)).toEqual(new Set(['2026-03-16T10:00:00.000Z']));
  });

  it('grows in SEQUENCE with every edit, whether of its occurrences or of its words', () => {
    expect(itipSequence({ sequence: 0, version: 1 })).toBe(0);
    expect(itipSequence({ sequence: 0, version: 2 })).toBeLessThan(itipSequence({ sequence: 1, version: 3 }));
  });

  it('of what was cancelled is a CANCEL of the whole', () => {
    const { method, content } = printInvitation(weekly({ status: 'cancelled' }), NOW);
    expect(method).toBe('CANCEL');
    const lines = unfold(content);
    expect(lines).toEqual(expect.arrayContaining(['METHOD:CANCEL', 'STATUS:CANCELLED', 'SEQUENCE:5', 'UID:b7a1']));
    expect(lines.filter((line) => line === 'BEGIN:VEVENT')).toHaveLength(1);
    expect(content).not.toMatch(/RRULE:FREQ=WEEKLY/);
  });

  it('of an all-day or floating schedule names no zone, and one in UTC needs none described', () => {
    const day = weekly({
      is_all_day: true,
      time_zone: null,
      starts_local: '2026-03-02',
      duration_seconds: 86_400,
      rrule: null,
      exdates: [],
      overrides: [],
    });
    for (const schedule of [day, weekly({ time_zone: null }), weekly({ time_zone: 'UTC' })]) {
      const { content } = printInvitation(schedule, NOW);
      expect(content).not.toMatch(/VTIMEZONE/);
      expect(content).not.toMatch(/TZID/);
    }
    expect(printInvitation(day, NOW).content).toMatch(/DTSTART;VALUE=DATE:20260302/);
  });
});

it('a cancellation takes the whole back by the SEQUENCE that it is given', () => {
  const { method, content } = printCancellation({ ...weekly(), sequence: 9 }, NOW);
  expect(method).toBe('CANCEL');
  expect(unfold(content)).toEqual(
    expect.arrayContaining(['METHOD:CANCEL', 'SEQUENCE:9', 'STATUS:CANCELLED', 'UID:b7a1']),
  );
});
