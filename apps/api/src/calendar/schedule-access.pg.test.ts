import { describe, expect, it, vi } from 'vitest';
import type { Answer, Person } from '../testing/api.ts';
import { pathOf, useScheduleKit } from '../testing/schedule-kit.ts';

const kit = useScheduleKit();

describe('a busy calendar', () => {
  it('tells a stranger nothing, keeps a place for a colleague, and no other calendar waits for it', async () => {
    const schedule = await kit.made();
    const other = await kit.api.call(kit.stranger, 'POST', '/api/v1/calendars', { name: 'Other' });
    const { asOwner } = kit.backends.database;
    await kit.patch(schedule, '', { title: 'Known' });
    await asOwner('begin');
    await asOwner('select 1 from app.calendars where id = $1 for update', [kit.calendar.calendar_id]);
    const answers: Answer[] = [];
    const crowd = Array.from({ length: 100 }, async (_, n) =>
      answers.push(await kit.patch(schedule, '', { title: `Edit ${n}` })),
    );
    // Two hold a connection, 64 wait. The calendar stays locked until the others are through, however late they come.
    await vi.waitFor(() => expect(answers.length).toBeGreaterThanOrEqual(100 - 64 - 2), { timeout: 20_000 });
    const foreign = await kit.patch(schedule, '', { title: 'x' }, kit.stranger);
    const elsewhere = await kit.create({ ...kit.daily(), calendar_id: other.body.id }, kit.stranger);
    const late = kit.create(kit.daily(), kit.editor);
    await asOwner('rollback');
    expect(answers[0]).toMatchObject({ status: 429, body: { code: 'calendar.busy' } });
    expect(foreign).toMatchObject({ status: 404, body: { code: 'schedule.not_found' } });
    expect(elsewhere.status).toBe(201);
    expect((await late).status).toBe(201);
    await Promise.all(crowd);
  });
});

describe('strangers', () => {
  /** Status of each operation for one person. */
  async function tried(schedule: { id: string }, who: Person | null): Promise<Record<string, number>> {
    const ask = async (method: string, path: string, body?: object) =>
      (await kit.api.call(who, method, path, body)).status;
    const path = pathOf(schedule);
    return {
      get: await ask('GET', path),
      list: await ask('GET', `/api/v1/calendars/${kit.calendar.calendar_id}/schedules`),
      update: await ask('PATCH', path, { title: 'x' }),
      update_one: await ask('PATCH', `${path}?scope=this&recurrence_id=2026-03-03T09:00:00`, { title: 'x' }),
      move: await ask('POST', `${path}/move`, { starts_local: '2026-03-02T10:00:00' }),
      remove: await ask('DELETE', path),
    };
  }
  const writes = (status: number) => ({ update: status, update_one: status, move: status, remove: status });

  it('find nothing, on every operation, and who only reads changes nothing', async () => {
    const schedule = await kit.made();
    const before = await kit.everything();
    const nothing = { get: 404, list: 404, ...writes(404) };
    expect(await tried(schedule, kit.stranger)).toEqual(nothing);
    expect(await tried(schedule, kit.member)).toEqual(nothing);
    expect(await tried(schedule, kit.onlooker)).toEqual({ ...nothing, list: 403 });
    expect(await tried(schedule, kit.viewer)).toEqual({ get: 200, list: 200, ...writes(403) });
    expect(await tried(schedule, null)).toEqual({ get: 401, list: 401, ...writes(401) });
    expect(await kit.everything()).toBe(before);
  });

  it('are they who were guests, organisers or members', async () => {
    const { asOwner } = kit.backends.database;
    const schedule = await kit.made(kit.daily(), kit.editor);
    await asOwner(
      `insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, created_by)
       values ($1, $2, $3, gen_random_uuid(), $4, $5)`,
      [kit.workspace.workspace_id, kit.calendar.calendar_id, schedule.id, kit.member.user_id, kit.owner.user_id],
    );
    expect(await tried(schedule, kit.member)).toEqual({ get: 200, list: 404, ...writes(403) });
    const deleted = 'update app.workspaces set deleted_at = case when $1::boolean then now() end where id = $2';
    await asOwner(deleted, [true, kit.workspace.workspace_id]);
    expect(await tried(schedule, kit.member)).toEqual({ get: 404, list: 404, ...writes(404) });
    await asOwner(deleted, [false, kit.workspace.workspace_id]);
    await asOwner('delete from app.schedule_guests where schedule_id = $1', [schedule.id]);
    expect(await tried(schedule, kit.member)).toEqual({ get: 404, list: 404, ...writes(404) });

    // Its organiser, as long as they read the calendar.
    const role = `update app.calendar_subscriptions set role = $1 where calendar_id = $2 and user_id = $3`;
    await asOwner(role, ['viewer', kit.calendar.calendar_id, kit.editor.user_id]);
    expect((await kit.patch(schedule, '', { title: 'Mine' }, kit.editor)).status).toBe(200);
    await asOwner(role, ['freebusy', kit.calendar.calendar_id, kit.editor.user_id]);
    expect(await tried(schedule, kit.editor)).toEqual({ get: 404, list: 403, ...writes(404) });
    await asOwner(role, ['editor', kit.calendar.calendar_id, kit.editor.user_id]);
    await asOwner('delete from app.workspace_members where workspace_id = $1 and user_id = $2', [
      kit.workspace.workspace_id,
      kit.editor.user_id,
    ]);
    expect(await tried(schedule, kit.editor)).toEqual({ get: 404, list: 404, ...writes(404) });
  });
});
