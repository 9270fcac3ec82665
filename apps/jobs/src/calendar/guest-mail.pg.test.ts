import { randomUUIDv7 } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedGuest, seedSchedule, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { addGuests } from '@potentia/domain/calendar/add-guests';
import { deleteSchedule } from '@potentia/domain/calendar/delete-schedule';
import { previewRsvp } from '@potentia/domain/calendar/preview-rsvp';
import { removeGuest } from '@potentia/domain/calendar/remove-guest';
import { respondByLink } from '@potentia/domain/calendar/respond-by-link';
import { openRsvp } from '@potentia/domain/calendar/rsvp-token';
import { updateSchedule } from '@potentia/domain/calendar/update-schedule';
import { createSmtpMailer } from '@potentia/domain/platform/adapters/smtp';
import { createSealer, type Sealer } from '@potentia/domain/platform/seal';
import { type MailJob, sendMail } from '@potentia/domain/platform/send-mail';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { buildSandbox, type Sandbox } from '@potentia/sandbox/app';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobCtx } from '../context.ts';
import { MAIL_TEMPLATES } from '../mail-templates.ts';

let t: TestDatabase;
let sandbox: Sandbox;
let job: JobCtx;
let calendar: SeededCalendar;
let to: string;
let schedule_id: string;
const sealer = createSealer([{ kid: 'test', key: new Uint8Array(32) }]);
const log = createLogger({ service: 'test', level: 'silent' });

beforeAll(async () => {
  [t, sandbox] = await Promise.all([createTestDatabase(), buildSandbox({ smtp_port: 0 })]);
  await sandbox.listen();
  const mailer = createSmtpMailer({ url: sandbox.smtp_url ?? '', from: 'Potentia <no-reply@potentia.example>' });
  job = { db: t.job_db, log, mailer, sealer, app_url: 'https://app.example.com' } as unknown as JobCtx;
});
afterAll(async () => {
  (job.mailer as ReturnType<typeof createSmtpMailer>).close();
  await sandbox.close();
  await t.drop();
});
beforeEach(async () => {
  calendar = await seedCalendar(t.db, await seedWorkspace(t.db));
  to = `person-${randomUUIDv7()}@example.com`;
  ({ schedule_id } = await seedSchedule(t.db, calendar, {
    title: 'Plans',
    time_zone: 'Europe/Berlin',
    rrule: 'FREQ=WEEKLY',
    first_at: '2026-03-02T08:00:00Z',
    last_at: null,
  }));
});

type PlannerCtx = Parameters<typeof addGuests>[0] & Parameters<typeof updateSchedule>[0] & { sealer: Sealer };

/** Of the calendar's owner. Every limit is far, and nothing is cached. */
function ctx(): PlannerCtx {
  const far = { allowed: true, limit: 1, remaining: 1, reset_ms: 0, retry_after_ms: 0, source: 'local' as const };
  return {
    ...personCtx(t.db, calendar.user_id),
    sealer,
    limiter: { take: () => Promise.resolve(far) },
    busy: { read: () => null, write: () => Promise.resolve(), count: () => undefined },
  };
}
const invite = async (whom: object = { email: to, name: 'Ana' }): Promise<string> =>
  (await addGuests(ctx(), { schedule_id, ...whom })).result.items[0]?.id ?? '';

/** Sends what waits in the outbox, as the relay and the queue do, those whose time has not come too. What became of each. */
async function deliver(): Promise<string[]> {
  const rows = await t.asOwner<MailJob & { id: string }>(
    `delete from app.outbox where topic = 'mail.send' and workspace_id = $1
     returning id, id as outbox_id, workspace_id, user_id, payload, traceparent, request_id, created_at`,
    [calendar.workspace_id],
  );
  const done: string[] = [];
  for (const row of rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    done.push(await sendMail(job, MAIL_TEMPLATES, row));
  return done;
}
interface Mail {
  subject: string;
  text: string;
  calendar: { method: string; content: string } | null;
}
/** The oldest first. */
const inbox = async (): Promise<Mail[]> => {
  const answer = await fetch(`${sandbox.url}/inbox?to=${encodeURIComponent(to)}`);
  return ((await answer.json()) as { items: Mail[] }).items.toReversed();
};
const methods = async () => (await inbox()).map(({ calendar: part }) => part?.method);
const sequenceOf = (mail: Mail | undefined): number =>
  Number(/^SEQUENCE:(\d+)/m.exec(mail?.calendar?.content ?? '')?.[1]);
const tokenIn = (mail: Mail | undefined): string => /#token=(\S+)/.exec(mail?.text ?? '')?.[1] ?? '';

describe('a guest by address', () => {
  it('gets an invitation that calendar programs take, with a link that answers it', async () => {
    const guest_id = await invite();
    expect(await deliver()).toEqual(['sent']);
    const [mail, ...more] = await inbox();
    expect(more).toEqual([]);
    expect(mail?.subject).toMatch(/^Invitation: Plans, Monday.* 2 March 2026.* 09:00–10:00 \(Europe\/Berlin\)$/);
    expect(mail?.text).toContain('every week');
    expect(mail?.calendar?.method).toBe('REQUEST');
    const content = mail?.calendar?.content.replaceAll('\r\n ', '') ?? '';
    for (const line of ['BEGIN:VTIMEZONE', 'DTSTART;TZID=Europe/Berlin:20260302T090000', 'RRULE:FREQ=WEEKLY']) {
      expect(content).toContain(line);
    }
    expect(content).toMatch(new RegExp(`ATTENDEE;CN=Ana;.*PARTSTAT=NEEDS-ACTION.*:mailto:${to}`));
    expect(openRsvp(sealer, tokenIn(mail), Date.now())).toBe(guest_id);
    const rsvp = await respondByLink(ctx(), { token: tokenIn(mail), response: 'accepted' });
    expect(rsvp).toMatchObject({ title: 'Plans', response: 'accepted' });
  });

  it('is told of what others see change, once for several edits in a row, by a higher SEQUENCE', async () => {
    await invite();
    await deliver();
    await updateSchedule(ctx(), { schedule_id, title: 'New plans' });
    await updateSchedule(ctx(), { schedule_id, starts_local: '2026-03-02T10:00:00' });
    await updateSchedule(ctx(), { schedule_id, color: '#112233' });
    expect(await deliver()).toEqual(['dropped', 'sent']);
    const [first, second, ...more] = await inbox();
    expect(more).toEqual([]);
    expect(second?.subject).toMatch(/^Changed: New plans, .* 10:00/);
    expect(sequenceOf(second)).toBeGreaterThan(sequenceOf(first));
  });

  it('whose invitation has not gone out yet gets it as the schedule stands, and only that', async () => {
    await invite();
    await updateSchedule(ctx(), { schedule_id, title: 'New plans' });
    expect(await deliver()).toEqual(['dropped', 'sent']);
    expect((await inbox()).map(({ subject }) => subject)).toEqual([expect.stringMatching(/^Invitation: New plans/)]);
  });

  it('is told when they are removed, and when the schedule is deleted or cancelled', async () => {
    const guest_id = await invite();
    await deliver();
    await removeGuest(ctx(), { schedule_id, guest_id });
    expect(await deliver()).toEqual(['sent']);
    await invite();
    await deliver();
    await updateSchedule(ctx(), { schedule_id, status: 'cancelled' });
    await deliver();
    await updateSchedule(ctx(), { schedule_id, status: 'confirmed' });
    await deliver();
    await deleteSchedule(ctx(), { schedule_id });
    await deliver();
    expect(await methods()).toEqual(['REQUEST', 'CANCEL', 'REQUEST', 'CANCEL', 'REQUEST', 'CANCEL']);
    const sequences = (await inbox()).map(sequenceOf);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect((await inbox()).at(-1)).toMatchObject({ subject: expect.stringMatching(/^Cancelled: Plans/) });
  });

  it('is not told the end of what they were never told, nor that of an invitation that stands again', async () => {
    const guest_id = await invite();
    await removeGuest(ctx(), { schedule_id, guest_id });
    expect(await deliver()).toEqual(['dropped', 'dropped']);
    await invite();
    await deliver();
    const [{ id }] = (await t.asOwner('select id from app.schedule_guests where schedule_id = $1', [schedule_id])) as [
      { id: string },
    ];
    await removeGuest(ctx(), { schedule_id, guest_id: id });
    await invite();
    expect((await deliver()).toSorted()).toEqual(['dropped', 'sent']);
    expect(await methods()).toEqual(['REQUEST', 'REQUEST']);
  });

  it('who came with an import hears nothing; of what is long past nobody does', async () => {
    await seedGuest(t.db, { ...calendar, schedule_id, uid: '' }, { email: to });
    await updateSchedule(ctx(), { schedule_id, title: 'New plans' });
    expect(await deliver()).toEqual([]);
    const past = await seedSchedule(t.db, calendar, {
      starts_local: '2020-03-02T09:00:00',
      first_at: '2020-03-02T09:00:00Z',
      last_at: '2020-03-02T10:00:00Z',
    });
    await addGuests(ctx(), { schedule_id: past.schedule_id, email: to });
    await deliver();
    await updateSchedule(ctx(), { schedule_id: past.schedule_id, title: 'Old plans' });
    await deleteSchedule(ctx(), { schedule_id: past.schedule_id });
    expect(await deliver()).toEqual([]);
  });

  it('is invited to what is cut off from a series, too', async () => {
    await invite();
    await deliver();
    const cut = { scope: 'following' as const, recurrence_id: '2026-03-16T09:00:00' };
    await updateSchedule(ctx(), { schedule_id, ...cut, title: 'Other plans' });
    expect((await deliver()).toSorted()).toEqual(['sent', 'sent']);
    const subjects = (await inbox())
      .slice(1)
      .map(({ subject }) => subject.slice(0, 15))
      .toSorted();
    expect(subjects).toEqual(['Changed: Plans,', 'Invitation: Oth']);
  });

  it('is written to in the language of the workspace', async () => {
    await t.asOwner(
      `insert into app.workspace_settings (workspace_id, locale) values ($1, 'id')
       on conflict (workspace_id) do update set locale = 'id'`,
      [calendar.workspace_id],
    );
    await invite();
    await deliver();
    expect((await inbox())[0]?.subject).toMatch(/^Undangan: Plans, Senin/);
    expect((await inbox())[0]?.text).toContain('setiap minggu');
  });

  it('gets a mail once, however often the job runs', async () => {
    await invite();
    const [row] = await t.asOwner<MailJob>(
      `select id as outbox_id, workspace_id, user_id, payload, traceparent, request_id, created_at from app.outbox
       where topic = 'mail.send' and workspace_id = $1`,
      [calendar.workspace_id],
    );
    expect(await sendMail(job, MAIL_TEMPLATES, row as MailJob)).toBe('sent');
    expect(await sendMail(job, MAIL_TEMPLATES, row as MailJob)).toBe('done_before');
    expect(await inbox()).toHaveLength(1);
  });
});

it('the link of a guest who was removed is dead', async () => {
  const guest_id = await invite();
  await deliver();
  const token = tokenIn((await inbox())[0]);
  await removeGuest(ctx(), { schedule_id, guest_id });
  await expect(previewRsvp(ctx(), { token })).rejects.toMatchObject({ code: 'rsvp.not_found', kind: 'not_found' });
  await expect(respondByLink(ctx(), { token, response: 'accepted' })).rejects.toMatchObject({ code: 'rsvp.not_found' });
});
