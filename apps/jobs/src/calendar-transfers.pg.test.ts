import type { Db } from '@potentia/db/client';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { createCalendar } from '@potentia/domain/calendar/create-calendar';
import { exportCalendar } from '@potentia/domain/calendar/export-calendar';
import { importCalendar } from '@potentia/domain/calendar/import-calendar';
import { listCalendars } from '@potentia/domain/calendar/list-calendars';
import { readIcs } from '@potentia/domain/calendar/rules/ics-read';
import { AppError } from '@potentia/domain/platform/errors';
import { createExport } from '@potentia/domain/workspace/create-export';
import { getExport, getImport } from '@potentia/domain/workspace/get-transfer';
import { exportWorkspace } from '@potentia/domain/workspace/run-export';
import { importWorkspace } from '@potentia/domain/workspace/run-import';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FilesKit, startFilesKit } from './testing/files.ts';
import { exportAll, importAll, jobOf, upload } from './testing/transfers.ts';
import { makeZip, readZip, type ZipEntry } from './testing/zip.ts';

let kit: FilesKit;
beforeAll(async () => {
  kit = await startFilesKit({ TRANSFER_MAX_BYTES: '20000000' });
});
afterAll(() => kit[Symbol.asyncDispose]());

const newWorkspace = (): Promise<SeededWorkspace> => seedWorkspace(kit.database.db);

const event = (...lines: string[]): string[] => ['BEGIN:VEVENT', 'DTSTAMP:20260101T000000Z', ...lines, 'END:VEVENT'];
const ics = (...events: string[][]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...events.flat(), 'END:VCALENDAR', ''].join('\r\n');

/** A series with everything, in a zone with summer; an all-day event; a private one. */
const RICH = ics(
  event(
    'UID:weekly@example.com',
    'DTSTART;TZID=Europe/Berlin:20260302T090000',
    'DURATION:PT45M',
    'RRULE:FREQ=WEEKLY;COUNT=20',
    'EXDATE;TZID=Europe/Berlin:20260316T090000',
    'SUMMARY:Weekly\\, with “everything”',
    'DESCRIPTION:One\\nTwo',
    'X-CUSTOM;X-KIND=a:kept',
    'ATTENDEE;CN=Guest;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:guest@example.com',
    ...['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Reminder', 'TRIGGER:-PT10M', 'END:VALARM'],
  ),
  event(
    'UID:weekly@example.com',
    'RECURRENCE-ID;TZID=Europe/Berlin:20260309T090000',
    'DTSTART;TZID=Europe/Berlin:20260310T160000',
    'DURATION:PT45M',
    'SUMMARY:Moved',
    'ATTENDEE;CN=Guest;ROLE=OPT-PARTICIPANT;PARTSTAT=DECLINED:mailto:guest@example.com',
  ),
  event(
    'UID:weekly@example.com',
    'RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000',
    'DTSTART;TZID=Europe/Berlin:20260323T090000',
    'DURATION:PT45M',
    'STATUS:CANCELLED',
    'SUMMARY:Weekly\\, with “everything”',
  ),
  event('UID:days', 'DTSTART;VALUE=DATE:20260501', 'DURATION:P2D', 'SUMMARY:Off', 'TRANSP:TRANSPARENT'),
  event('UID:secret', 'DTSTART:20260505T120000Z', 'DURATION:PT1H', 'CLASS:PRIVATE', 'SUMMARY:Doctor'),
);

/** A calendar of this person with what a file says. */
async function makeCalendar(
  user_id: string,
  input: Parameters<typeof createCalendar>[1],
  text: string,
): Promise<string> {
  const { result } = await createCalendar(kit.as(user_id), input);
  const done = await importCalendar(
    { ...kit.as(user_id), ics: kit.context.ports.ics },
    { calendar_id: result.id, ics: text },
  );
  expect(done.problems).toEqual([]);
  return result.id;
}

/** What a calendar holds, as its owner exports it; but for the organiser, who is whoever imported it. */
async function schedulesOf(user_id: string, calendar_id: string) {
  let text = '';
  for await (const part of (await exportCalendar(kit.as(user_id), { calendar_id })).text()) text += part;
  const { schedules } = readIcs(text.replaceAll(/\r\nORGANIZER[^\r]*(\r\n [^\r]*)*/g, ''), 'UTC');
  return schedules.sort((a, b) => (a.uid < b.uid ? -1 : 1));
}

/** The calendars of a workspace to which this person subscribes, by name. */
async function calendarsOf(user_id: string, workspace_id: string) {
  const { items } = await listCalendars(kit.as(user_id), { workspace_id, limit: 200 });
  return items.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Puts a calendar that holds one thing at a time into a workspace, with two hours of it taken. */
async function makeRoom(home: SeededWorkspace): Promise<void> {
  const source = await makeCalendar(
    home.owner_user_id,
    { workspace_id: home.workspace_id, name: 'Room', time_zone: 'Asia/Jakarta' },
    ics(
      event('UID:first', 'DTSTART;TZID=Asia/Jakarta:20260601T090000', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=3'),
      event('UID:second', 'DTSTART;TZID=Asia/Jakarta:20260601T100000', 'DURATION:PT1H'),
    ),
  );
  // As it would have become by creating each in an exclusive calendar.
  await kit.database.asOwner('update app.calendars set is_exclusive = true where id = $1', [source]);
}

interface Written {
  calendars: { path: string; continued: string[] }[];
}
const manifestOf = async (zip: Buffer): Promise<Written> =>
  JSON.parse((await readZip(zip)).get('manifest.json')!.toString()) as Written;

describe('an export and its import', () => {
  test('bring the calendars of a workspace into another, whole, as the importer’s own', async () => {
    const home = await newWorkspace();
    const { workspace_id, owner_user_id: owner } = home;
    const member = await addMember(kit.database.db, home);
    const own = await makeCalendar(
      owner,
      { workspace_id, name: 'Team / Ümlaut', description: 'd', color: '#1a73e8', time_zone: 'Asia/Jakarta' },
      RICH,
    );
    const foreign = await makeCalendar(member.user_id, { workspace_id, name: 'Theirs' }, RICH);
    const { id, zip } = await exportAll(kit, home);
    const { calendars } = await manifestOf(zip);
    expect(calendars.map(({ path }) => path).sort()).toEqual([
      `calendars/Team-Ümlaut-${own.slice(-12)}.ics`,
      `calendars/Theirs-${foreign.slice(-12)}.ics`,
    ]);
    const audit = await kit.database.asOwner<{ target_id: string; actor_user_id: string; after: object }>(
      `select target_id, actor_user_id, after from app.audit_logs where workspace_id = $1 and action = 'calendar.export'
       order by target_id`,
      [workspace_id],
    );
    expect(audit).toEqual([
      { target_id: own, actor_user_id: owner, after: { name: 'Team / Ümlaut', transfer_id: id } },
      { target_id: foreign, actor_user_id: owner, after: { name: 'Theirs', transfer_id: id } },
    ]);

    const target = await newWorkspace();
    const done = await importAll(kit, target, zip);
    expect(done).toMatchObject({ status: 'finished', problems: [], done: 2, total: 2 });
    const taken = await calendarsOf(target.owner_user_id, target.workspace_id);
    expect(taken).toMatchObject([
      { name: 'Team / Ümlaut', description: 'd', color: '#1a73e8', time_zone: 'Asia/Jakarta', role: 'owner' },
      { name: 'Theirs', description: null, color: null, is_exclusive: false, role: 'owner' },
    ]);
    const before = await schedulesOf(owner, own);
    expect(before.map(({ uid }) => uid)).toEqual(['days', 'secret', 'weekly@example.com']);
    expect(await schedulesOf(target.owner_user_id, taken[0]!.id)).toEqual(before);
    // Nor does the audit log say what private schedules are about, in either.
    const words = await kit.database.asOwner(
      `select id from app.audit_logs where workspace_id in ($1, $2) and concat(before, after) like '%Doctor%'`,
      [workspace_id, target.workspace_id],
    );
    expect(words).toEqual([]);
    // A reminder is its person's own, not the workspace's.
    const without_reminders = before.map((schedule) => ({ ...schedule, reminders: [] }));
    expect(await schedulesOf(target.owner_user_id, taken[1]!.id)).toEqual(without_reminders);
  });

  test('keep a room a room: what it is booked for is booked', async () => {
    const home = await newWorkspace();
    await makeRoom(home);
    const { zip } = await exportAll(kit, home);
    const target = await newWorkspace();
    expect(await importAll(kit, target, zip)).toMatchObject({ status: 'finished', problems: [] });
    const [room] = await calendarsOf(target.owner_user_id, target.workspace_id);
    expect(room).toMatchObject({ name: 'Room', is_exclusive: true, time_zone: 'Asia/Jakarta' });
    const bookings = await kit.database.asOwner<{ starts_at: Date }>(
      'select lower(during) as starts_at from app.schedule_bookings where calendar_id = $1 order by 1',
      [room!.id],
    );
    expect(bookings.map(({ starts_at }) => new Date(starts_at).toISOString().slice(0, 16))).toEqual([
      '2026-06-01T02:00',
      '2026-06-01T03:00',
      '2026-06-02T02:00',
      '2026-06-03T02:00',
    ]);
  });

  test('divide what is too large for a file, and put it together again', async () => {
    const home = await newWorkspace();
    const calendar_id = await makeCalendar(
      home.owner_user_id,
      { workspace_id: home.workspace_id, name: 'Large' },
      ics(event('UID:model', 'DTSTART:20260505T120000Z', 'DURATION:PT1H')),
    );
    await kit.database.asOwner(
      `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, description, starts_local, time_zone,
         duration_seconds, first_at, created_by)
       select gen_random_uuid(), s.workspace_id, s.calendar_id, 'copy-' || n, s.organiser_user_id, 'copy', d.text, s.starts_local,
         s.time_zone, s.duration_seconds, s.first_at, s.created_by
       from app.schedules s, generate_series(1, 850) n,
         lateral (select string_agg(md5(n || '-' || i), '') as text from generate_series(1, 620) i) d
       where s.calendar_id = $1`,
      [calendar_id],
    );
    const { zip } = await exportAll(kit, home);
    const { calendars } = await manifestOf(zip);
    expect(calendars).toMatchObject([{ continued: [expect.stringMatching(/-2\.ics$/)] }]);
    const target = await newWorkspace();
    expect(await importAll(kit, target, zip)).toMatchObject({ status: 'finished', problems: [], done: 1, total: 1 });
    const [large] = await calendarsOf(target.owner_user_id, target.workspace_id);
    const textsOf = (id: string) =>
      kit.database.asOwner<{ uid: string; text: string | null }>(
        'select uid, md5(description) as text from app.schedules where calendar_id = $1 order by uid',
        [id],
      );
    const texts = await textsOf(large!.id);
    expect(texts).toHaveLength(851);
    expect(texts).toEqual(await textsOf(calendar_id));
  }, 60_000);

  test('make nothing twice where an import died half-way, however often', async () => {
    const home = await newWorkspace();
    const { workspace_id, owner_user_id: owner } = home;
    const many = Array.from({ length: 600 }, (_, n) => event(`UID:e${n}`, 'DTSTART:20260505T120000Z', 'DURATION:PT1H'));
    await makeCalendar(owner, { workspace_id, name: 'Many' }, ics(...many));
    await makeRoom(home);
    const { zip } = await exportAll(kit, home);
    const target = await newWorkspace();
    const transfer_id = await upload(kit, target, zip);
    // The process dies after each statement in turn, which is committed: what it does next is begun again.
    let runs = 0;
    for (let left = 1; ; left++) {
      let calls = 0;
      const person_db = new Proxy(kit.job_ctx.person_db, {
        get: (from, name: keyof Db) =>
          name === 'call'
            ? async (text: string, params: unknown[]) => {
                if (calls++ >= left) throw new AppError('unavailable', 'test.died', 'died');
                return from.call(text, params);
              }
            : from[name],
      });
      runs++;
      const ended = await importWorkspace({ ...kit.job_ctx, person_db }, jobOf(transfer_id)).then(
        () => true,
        () => false,
      );
      if (ended) break;
    }
    expect(runs).toBeGreaterThan(5);
    const ref = { workspace_id: target.workspace_id, transfer_id };
    const done = await getImport(kit.as(target.owner_user_id), ref);
    expect(done).toMatchObject({ status: 'finished', problems: [], done: 2, total: 2 });
    const taken = await calendarsOf(target.owner_user_id, target.workspace_id);
    expect(taken.map(({ name }) => name)).toEqual(['Many', 'Room']);
    const counts = await Promise.all(taken.map(async ({ id }) => (await schedulesOf(target.owner_user_id, id)).length));
    expect(counts).toEqual([600, 2]);
  });
});

describe('what an export reads', () => {
  const read = (name: string, ...params: unknown[]): Promise<unknown> =>
    kit.context.db
      .call(`select * from app.${name}(${params.map((_, at) => `$${at + 1}`).join(', ')})`, params)
      .catch((error: unknown) => (error as { code: string }).code);

  test('is read only while it runs, only of its workspace, and not for whoever is no admin any more', async () => {
    const home = await newWorkspace();
    const other = await newWorkspace();
    const admin = await addMember(kit.database.db, home, 'admin');
    const seeded = await seedCalendar(kit.database.db, home);
    const { calendar_id } = seeded;
    const foreign = await seedCalendar(kit.database.db, other);
    const { result } = await createExport(kit.as(admin.user_id), { workspace_id: home.workspace_id });
    const { id } = result;
    const all = async (calendar: string) => [
      await read('list_exported_calendars', id, null, 10),
      await read('open_exported_calendar', id, calendar, 'r'),
      await read('list_exported_schedules', id, calendar, null, 10),
    ];
    const not_running = Array.from({ length: 3 }, () => 'transfer.not_found');
    expect(await all(calendar_id)).toEqual(not_running);
    await read('claim_transfer', id);
    expect(await all(calendar_id)).toMatchObject([[{ id: calendar_id }], [{ open_exported_calendar: [] }], []]);
    expect(await all(foreign.calendar_id)).toMatchObject([[{ id: calendar_id }], 'calendar.not_found', []]);
    await addMember(kit.database.db, home, 'member', admin);
    // Who reads the calendar as a subscriber exports no workspace for it.
    await seedSubscription(kit.database.db, seeded, 'editor', admin);
    expect(await all(calendar_id)).toEqual(Array.from({ length: 3 }, () => 'workspace.forbidden'));
    await exportWorkspace(kit.job_ctx, jobOf(id));
    const ended = await getExport(kit.as(home.owner_user_id), { workspace_id: home.workspace_id, transfer_id: id });
    expect(ended).toMatchObject({ status: 'failed', failure: { code: 'transfer.access_lost' }, download: null });
    expect(await all(calendar_id)).toEqual(not_running);
    const importing = await upload(kit, home, await makeZip([{ path: 'a.md', body: 'x' }]));
    await read('claim_transfer', importing);
    expect(await read('list_exported_calendars', importing, null, 10)).toBe('transfer.not_found');
  });
});

describe('an archive', () => {
  const importWith = async (contents: object, entries: ZipEntry[] = []) => {
    const home = await newWorkspace();
    const manifest = { format: 'potentia-workspace', version: 1, exported_at: '', canvases: [], ...contents };
    const zip = await makeZip([{ path: 'manifest.json', body: JSON.stringify(manifest) }, ...entries]);
    const done = await importAll(kit, home, zip);
    return { done, calendars: await calendarsOf(home.owner_user_id, home.workspace_id) };
  };

  test('of before there were calendars is imported', async () => {
    const canvases = [{ id: 'a', path: 'a.md', title: 'a' }];
    const { done, calendars } = await importWith({ canvases }, [{ path: 'a.md', body: 'x' }]);
    expect(done).toMatchObject({ status: 'finished', problems: [], done: 1, total: 1 });
    expect(calendars).toEqual([]);
  });

  test.each([
    ['of a version to come', { version: 2 }, /manifest/],
    ['that names a file twice', { calendars: [{ id: 'a', path: 'a.ics', continued: ['a.ics'], name: 'a' }] }, /twice/],
    ['with calendars that are none', { calendars: [{ id: 'a', path: 'a.ics' }] }, /manifest/],
  ])('%s is refused', async (_, contents, message) => {
    const { done } = await importWith(contents);
    expect(done).toMatchObject({ status: 'failed', failure: { code: 'transfer.zip_refused' } });
    expect(done.failure!.message).toMatch(message);
  });

  test('that says what no calendar may be is imported without it, and its problems are named', async () => {
    const odd = { description: '\0', color: 'red', time_zone: 'Mars/Base', is_exclusive: false };
    const { done, calendars } = await importWith(
      {
        calendars: [
          { id: 'a', path: 'a.ics', name: ' \0\ud800 ', ...odd },
          { id: 'b', path: 'gone.ics', name: 'gone' },
          { id: 'c', path: 'c.ics', name: 'no calendar' },
          { id: 'd', path: 'd.ics', name: 'x'.repeat(500) },
        ],
      },
      [
        { path: 'a.ics', body: RICH },
        { path: 'c.ics', body: 'hello' },
        {
          path: 'd.ics',
          body: ics(
            event('UID:bad', 'DTSTART:20260505T120000Z', 'RRULE:FREQ=SECONDLY'),
            event('UID:good', 'DTSTART:20260505T120000Z', 'DURATION:PT1H'),
          ),
        },
      ],
    );
    expect(done).toMatchObject({ status: 'finished', done: 4, total: 4 });
    expect(done.problems).toEqual([
      { path: 'gone.ics', code: 'transfer.file_refused', message: 'gone.ics is not in the zip' },
      { path: 'c.ics', code: 'ics.not_a_calendar', message: expect.any(String) },
      { path: 'd.ics', code: expect.any(String), message: expect.stringMatching(/^bad: Its rule is refused/) },
    ]);
    expect(calendars.map(({ name }) => name)).toEqual(['gone', 'no calendar', 'x'.repeat(200), '\ufffd'].sort());
    expect(calendars.find(({ name }) => name === '\ufffd')).toMatchObject({ description: null, color: null });
  });

  test('whose room is booked twice is imported without the later ones', async () => {
    const twice = ics(
      event('UID:a', 'DTSTART:20260505T120000Z', 'DURATION:PT1H'),
      event('UID:b', 'DTSTART:20260505T123000Z', 'DURATION:PT1H'),
      event('UID:c', 'DTSTART:20260505T130000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY'),
    );
    const { done, calendars } = await importWith(
      { calendars: [{ id: 'a', path: 'a.ics', name: 'Room', is_exclusive: true }] },
      [{ path: 'a.ics', body: twice }],
    );
    expect(done.problems).toEqual([
      { path: 'a.ics', code: 'schedule.booking_unbounded', message: expect.stringMatching(/^c: /) },
      { path: 'a.ics', code: 'schedule.booked', message: 'b: This calendar is taken at that time.' },
    ]);
    expect(calendars).toMatchObject([{ name: 'Room', is_exclusive: true }]);
    expect((await schedulesOf(calendars[0]!.owner_user_id, calendars[0]!.id)).map(({ uid }) => uid)).toEqual(['a']);
  });
});
