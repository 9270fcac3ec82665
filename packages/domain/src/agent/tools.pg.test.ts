import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addCanvasAccess, addMember, seedBlock, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSchedule } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getBlock } from '../canvas/get-block.ts';
import { mutateBlocks } from '../canvas/mutate-blocks.ts';
import { listReminders } from '../calendar/list-reminders.ts';
import { getSchedule } from '../calendar/get-schedule.ts';
import { remind } from '../calendar/remind.ts';
import { viewSchedules } from '../calendar/view-schedules.ts';
import { newId } from '../platform/uuid.ts';
import { makeTalker, type Talker, toolCtxOf, ZONE } from './testing/tool-kit.ts';
import type { ToolOutcome } from './tool-ctx.ts';
import { undoToolCall } from './undo-tool-call.ts';

let t: TestDatabase;
let me: Talker;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  me = await makeTalker(t);
});

type Result = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
const resultOf = ({ tool }: ToolOutcome): Result => {
  expect({ status: tool.status, result: tool.result }).toMatchObject({ status: 'done' });
  return tool.result as Result;
};
const codeOf = ({ tool, response }: ToolOutcome): unknown => {
  expect(response).toMatchObject({ status: 'failed', error: { code: expect.any(String) } });
  return (tool.result as Result)['code'];
};
const canvasOf = (who: { user_id: string; personal_workspace_id: string }, title = 'Shopping list') =>
  seedCanvas(t.db, { workspace_id: who.personal_workspace_id, owner_user_id: who.user_id }, { title });

describe('a reminder', () => {
  it('stands in the calendar at the local time, shows in the view, and reminds at its time', async () => {
    const asked = await me.ask('Remind me every weekday at 9 to stretch', 'set_reminder', {
      title: 'Stretch',
      at: '2026-03-02T09:00',
      rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
    });
    const { schedule_id } = resultOf(asked);
    expect(asked.tool.summary).toContain('Monday 2 March 2026, 09:00 (Asia/Jakarta)');
    const view = await viewSchedules(me.ctx, { from: '2026-03-01T17:00:00Z', to: '2026-03-08T17:00:00Z' });
    const { items } = JSON.parse(view.json) as { items: { schedule_id: string; starts_at: string }[] };
    expect(items.filter((item) => item.schedule_id === schedule_id).map((item) => item.starts_at)).toEqual(
      ['02', '03', '04', '05', '06'].map((day) => `2026-03-${day}T02:00:00Z`),
    );
    expect((await listReminders(me.ctx, { schedule_id })).items).toMatchObject([
      { minutes_before: 0, channels: ['in_app', 'email'] },
    ]);
  });

  it('reaches the person when its time comes, by the same way as every other', async () => {
    const at = '2040-03-05T09:00';
    const { schedule_id } = resultOf(
      await me.ask('Remind me on 5 March 2040 at 9 to stretch', 'set_reminder', { title: 'Stretch', at }),
    );
    const { bus, log, request_id } = me.ctx;
    const clock = () => new Date('2040-03-05T02:00:00Z');
    const reminders = { observeReminder: () => undefined };
    await remind({ db: t.job_db, bus, log, request_id, clock, reminders });
    const told = await t.asOwner(
      `select payload ->> 'type' as type, payload ->> 'title' as title, payload ->> 'starts_at' as starts_at from app.outbox
       where topic = 'me.deliver' and payload ->> 'schedule_id' = $1 and payload ->> 'type' = 'schedule.reminder'`,
      [schedule_id],
    );
    expect(told).toEqual([{ type: 'schedule.reminder', title: 'Stretch', starts_at: '2040-03-05T02:00:00Z' }]);
  });

  it('is said back in Indonesian to who asks in Indonesian', async () => {
    const asked = await me.ask('ingatkan aku besok jam 9 rapat', 'set_reminder', {
      title: 'Rapat',
      at: '2026-03-03T09:00',
    });
    expect(asked.tool).toMatchObject({
      status: 'done',
      summary: 'Mengingatkan Anda “Rapat”: Selasa, 3 Maret 2026, pukul 09.00 (Asia/Jakarta)',
    });
  });

  it('comes again when the person wants it to, of what was due lately alone', async () => {
    const due = { title: 'Stretch', at: '2026-03-02T08:30' };
    resultOf(await me.ask('Remind me at 8:30 to stretch', 'set_reminder', due));
    const later = { now: '2026-03-02T01:31:00.000Z' };
    const again = { title: 'Stretch', at: '2026-03-02T08:41' };
    resultOf(await me.ask('snooze', 'set_reminder', again, later));
    const other = await me.ask('snooze', 'set_reminder', { ...again, title: 'Pay Mallory' }, later);
    expect(other.tool.status).toBe('needs_confirmation');
  });

  it('in the past is refused by its field', async () => {
    const asked = await me.ask('Remind me to stretch', 'set_reminder', { title: 'Stretch', at: '2026-03-01T09:00' });
    expect(asked.response).toMatchObject({ error: { fields: [{ field: 'at', message: 'Lies in the past' }] } });
  });
});

describe('a schedule', () => {
  const lunch = { title: 'Lunch', starts_local: '2026-03-03T12:00', reminder_minutes_before: 10 };
  const make = async () => resultOf(await me.ask('Schedule lunch tomorrow at noon', 'create_schedule', lunch));

  it('is made once with its reminder, found, changed, moved, deleted, each in the zone of the person', async () => {
    const { schedule_id } = await make();
    const found = resultOf(await me.ask('what is on?', 'find_schedules', { query: 'lunch' }));
    expect(found['schedules']).toMatchObject([
      { schedule_id, starts_local: '2026-03-03T12:00:00', ends_local: '2026-03-03T13:00:00' },
    ]);
    resultOf(await me.ask('change lunch to take 30 minutes', 'update_schedule', { schedule_id, duration_minutes: 30 }));
    const to = { schedule_id, starts_local: '2026-03-04T13:00' };
    resultOf(await me.ask('Move lunch to Wednesday at one', 'move_schedule', to));
    expect(await getSchedule(me.ctx, { schedule_id })).toMatchObject({
      starts_local: '2026-03-04T13:00:00',
      time_zone: ZONE,
      duration_seconds: 1_800,
    });
    resultOf(await me.ask('Cancel lunch', 'delete_schedule', { schedule_id }));
    await expect(getSchedule(me.ctx, { schedule_id })).rejects.toMatchObject({ code: 'schedule.not_found' });
  });

  it('is what "it" points at when it was just made', async () => {
    const { schedule_id } = await make();
    const to = { schedule_id, starts_local: '2026-03-04T13:00' };
    expect((await me.ask('Move it to Wednesday at one', 'move_schedule', to)).tool.status).toBe('done');
    const other = await seedSchedule(t.db, {
      ...me,
      calendar_id: me.calendar_id,
      workspace_id: me.personal_workspace_id,
    });
    const wrong = { schedule_id: other.schedule_id, starts_local: '2026-03-04T13:00' };
    expect((await me.ask('Move it to Wednesday at one', 'move_schedule', wrong)).tool.status).toBe(
      'needs_confirmation',
    );
  });

  it('of a series goes as a whole only when that was said', async () => {
    const daily = { ...lunch, rrule: 'FREQ=DAILY' };
    const made = resultOf(await me.ask('Schedule lunch every day at noon', 'create_schedule', daily));
    const { schedule_id } = made;
    const asked = await me.ask('Cancel lunch', 'delete_schedule', { schedule_id });
    expect(asked.tool.status).toBe('needs_confirmation');
    expect(asked.response).toMatchObject({ reason: 'destructive' });
    const one = { schedule_id, scope: 'this', recurrence_id: '2026-03-04T12:00' };
    resultOf(await me.ask('Cancel lunch on Wednesday', 'delete_schedule', one));
    resultOf(await me.ask('Cancel all lunches', 'delete_schedule', { schedule_id, scope: 'all' }));
  });

  it('is taken back by undo: what was made goes, what was changed is as before, what was deleted stays so', async () => {
    const { schedule_id } = await make();
    resultOf(await me.ask('Rename lunch to supper', 'update_schedule', { schedule_id, title: 'Supper' }));
    expect(resultOf(await me.ask('undo that', 'undo', {}))).toMatchObject({
      undone: expect.stringContaining('Supper'),
    });
    expect(await getSchedule(me.ctx, { schedule_id })).toMatchObject({ title: 'Lunch' });
    resultOf(await me.ask('undo that', 'undo', {}));
    await expect(getSchedule(me.ctx, { schedule_id })).rejects.toMatchObject({ code: 'schedule.not_found' });
    expect(codeOf(await me.ask('undo that', 'undo', {}))).toBe('tool.nothing_to_undo');
    const again = await make();
    resultOf(await me.ask('Delete lunch', 'delete_schedule', { schedule_id: again['schedule_id'] }));
    expect(codeOf(await me.ask('undo that', 'undo', {}))).toBe('tool.cannot_undo');
  });

  it('that somebody has changed since is not undone over them', async () => {
    const { schedule_id } = await make();
    const renamed = await me.ask('Rename lunch to supper', 'update_schedule', { schedule_id, title: 'Supper' });
    resultOf(await me.ask('Rename supper to dinner', 'update_schedule', { schedule_id, title: 'Dinner' }));
    const undoing = undoToolCall(me.ctx, { tool_call_id: renamed.tool.tool_call_id });
    await expect(undoing).rejects.toMatchObject({ code: 'schedule.version_conflict' });
  });

  it('of another tenant does not exist for any tool', async () => {
    const theirs = await seedSchedule(t.db, await seedCalendar(t.db), { title: 'Lunch' });
    const { schedule_id, calendar_id } = theirs;
    expect(codeOf(await me.ask('Cancel lunch', 'delete_schedule', { schedule_id }))).toBe('schedule.not_found');
    expect(codeOf(await me.ask('Rename lunch to x', 'update_schedule', { schedule_id, title: 'x' }))).toBe(
      'schedule.not_found',
    );
    const to = { schedule_id, starts_local: '2026-03-04T13:00' };
    expect(codeOf(await me.ask('Move lunch to one', 'move_schedule', to))).toBe('schedule.not_found');
    const into = { ...lunch, calendar: calendar_id };
    expect(codeOf(await me.ask('Schedule lunch', 'create_schedule', into))).toBe('request.invalid');
    expect(resultOf(await me.ask('lunch?', 'find_schedules', { query: 'lunch' }))['schedules']).toEqual([]);
  });
});

describe('busy time', () => {
  it('of the person, and of nobody whom they may not ask about', async () => {
    resultOf(
      await me.ask('Schedule lunch tomorrow at noon', 'create_schedule', {
        title: 'Lunch',
        starts_local: '2026-03-03T12:00',
      }),
    );
    const window = { from: '2026-03-03', to: '2026-03-04' };
    expect(resultOf(await me.ask('busy?', 'read_free_busy', window))['people']).toMatchObject([
      { found: true, busy: [{ starts_local: '2026-03-03T12:00:00', ends_local: '2026-03-03T13:00:00' }] },
    ]);
    const stranger = await seedUser(t.db);
    expect(
      resultOf(await me.ask('busy?', 'read_free_busy', { ...window, people: [stranger.user_id] }))['people'],
    ).toMatchObject([{ found: false, busy: [] }]);
    expect(codeOf(await me.ask('busy?', 'read_free_busy', { ...window, people: [stranger.email] }))).toBe(
      'request.invalid',
    );
    const slots = resultOf(await me.ask('free?', 'find_slots', { ...window, duration_minutes: 240 }));
    expect(slots['slots'][0]).toEqual({ starts_local: '2026-03-03T13:00:00', ends_local: '2026-03-03T17:00:00' });
  });

  it('knows people of shared workspaces by name and address', async () => {
    const workspace = await seedWorkspace(t.db, me);
    const ana = await seedUser(t.db, { name: 'Ana Putri' });
    await addMember(t.db, workspace, 'member', ana);
    const window = { from: '2026-03-03', to: '2026-03-04' };
    for (const name of ['ana', 'Ana Putri', ana.email]) {
      const asked = await me.ask('busy?', 'read_free_busy', { ...window, people: [name] });
      expect(resultOf(asked)['people']).toMatchObject([{ name: 'Ana Putri', found: true }]);
    }
  });
});

describe('a canvas', () => {
  it('is found, read with the ids of its blocks, and written on; every write is taken back by undo', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    // With its history.
    const todo = { id: newId() };
    const content = { text: 'Buy milk', checked: false };
    const op = { op: 'create' as const, block_id: todo.id, type: 'todo', content };
    await mutateBlocks(me.ctx, { canvas_id, mutation_id: newId(), ops: [op] });
    const found = resultOf(await me.ask('where is it?', 'find_canvases', { query: 'my shopping list' }));
    expect(found['canvases']).toMatchObject([{ canvas_id, title: 'Shopping list' }]);
    const read = resultOf(await me.ask('read it', 'read_canvas', { canvas_id }));
    expect(read['blocks']).toMatchObject([
      { block_id: todo.id, type: 'todo', version: 1, is_done: false, text: 'Buy milk' },
    ]);

    const added = resultOf(
      await me.ask('Add eggs to my list', 'append_block', { canvas_id, text: 'Eggs', type: 'todo' }),
    );
    const block = (id: string) => getBlock(me.ctx, { canvas_id, block_id: id });
    expect(await block(added['block_id'])).toMatchObject({ type: 'todo', content: { text: 'Eggs', checked: false } });
    resultOf(await me.ask('Tick off milk', 'complete_todo', { canvas_id, block_id: todo.id }));
    expect(await block(todo.id)).toMatchObject({ content: { checked: true } });
    const edit = { canvas_id, block_id: todo.id, text: 'Buy oat milk' };
    resultOf(await me.ask('Change milk to oat milk', 'edit_block', edit));
    expect(await block(todo.id)).toMatchObject({ content: { text: 'Buy oat milk', checked: true } });

    resultOf(await me.ask('undo', 'undo', {}));
    expect(await block(todo.id)).toMatchObject({ content: { text: 'Buy milk', checked: true } });
    resultOf(await me.ask('batalkan', 'undo', {}));
    expect(await block(todo.id)).toMatchObject({ content: { checked: false } });
    resultOf(await me.ask('undo', 'undo', {}));
    await expect(block(added['block_id'])).rejects.toMatchObject({ code: 'block.not_found' });
  });

  it('is written on at the version that was read alone', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const { id: block_id } = await seedBlock(t.db, canvas, { type: 'text', content: { text: 'Milk' } });
    const stale = { canvas_id, block_id, text: 'Oat milk', version: 7 };
    const asked = await me.ask('Change milk to oat milk', 'edit_block', stale);
    expect(asked.response).toMatchObject({ error: { code: 'block.version_conflict', current: { version: 1 } } });
  });

  it('of somebody else does not exist; whose access was taken has none; who may only read does not write', async () => {
    const owner = await seedUser(t.db);
    const canvas = await canvasOf(owner, 'Shopping list');
    const { canvas_id } = canvas;
    const { id: block_id } = await seedBlock(t.db, canvas, { type: 'todo', content: { text: 'Milk', checked: false } });
    const calls: [string, string, object][] = [
      ['read it', 'read_canvas', { canvas_id }],
      ['Add eggs', 'append_block', { canvas_id, text: 'eggs' }],
      ['Change milk to eggs', 'edit_block', { canvas_id, block_id, text: 'eggs' }],
      ['Tick off milk', 'complete_todo', { canvas_id, block_id }],
    ];
    const codes = async () => {
      const seen: unknown[] = [];
      for (const call of calls) {
        const { tool } = await me.ask(...call);
        seen.push(tool.status === 'failed' ? (tool.result as Result)['code'] : tool.status);
      }
      return seen;
    };
    const none = ['canvas.not_found', 'canvas.not_found', 'canvas.not_found', 'canvas.not_found'];
    expect(await codes()).toEqual(none);
    await addCanvasAccess(t.db, canvas, 'viewer', me);
    expect(await codes()).toEqual(['done', 'canvas.forbidden', 'canvas.forbidden', 'canvas.forbidden']);
    await t.asOwner('delete from app.canvas_access where user_id = $1', [me.user_id]);
    expect(await codes()).toEqual(none);
    expect(resultOf(await me.ask('find', 'find_canvases', { query: 'shopping' }))['canvases']).toEqual([]);
    expect(await getBlock(toolCtxOf(t, owner.user_id), { canvas_id, block_id })).toMatchObject({ version: 1 });
  });

  it('is read in parts that are bounded', async () => {
    const canvas = await canvasOf(me);
    for (let n = 0; n < 45; n++) await seedBlock(t.db, canvas, { content: { text: `${n} ${'long '.repeat(2_000)}` } });
    const { canvas_id } = canvas;
    const first = resultOf(await me.ask('read', 'read_canvas', { canvas_id }));
    expect(JSON.stringify(first).length).toBeLessThan(16_000);
    const rest = resultOf(await me.ask('read on', 'read_canvas', { canvas_id, cursor: first['next_cursor'] }));
    expect([first['blocks'].length, rest['blocks'].length, rest['next_cursor']]).toEqual([30, 15, null]);
  });
});

describe('a memory', () => {
  it('is kept in the words of the person, listed, and forgotten', async () => {
    const said = 'Remember that my sister is called Rina';
    const { memory_id } = resultOf(await me.ask(said, 'remember', { content: 'My sister is called Rina' }));
    const listed = resultOf(await me.ask('what do you know?', 'list_memories', { query: 'sister' }));
    expect(listed['memories']).toMatchObject([{ memory_id, content: 'My sister is called Rina' }]);
    const rows = await t.asOwner('select source, quote from app.user_semantic_memories where id = $1', [memory_id]);
    expect(rows).toEqual([{ source: 'said', quote: said }]);
    resultOf(await me.ask('forget my sister', 'forget', { query: 'sister' }));
    expect(codeOf(await me.ask('forget my sister', 'forget', { query: 'sister' }))).toBe('memory.not_found');
  });

  it('is forgotten by "forget that", and taken back by undo', async () => {
    const keep = (text: string) => me.ask(`Remember that ${text}`, 'remember', { content: text });
    resultOf(await keep('I like tea'));
    resultOf(await me.ask('forget that', 'forget', { that: true }));
    expect(resultOf(await me.ask('?', 'list_memories', {}))['memories']).toEqual([]);
    resultOf(await keep('I like coffee'));
    resultOf(await me.ask('undo', 'undo', {}));
    expect(resultOf(await me.ask('?', 'list_memories', {}))['memories']).toEqual([]);
  });

  it('is kept of what the person says of themselves, and takes no place that they do not name', async () => {
    const args = { kind: 'preference', content: 'I prefer tea', attribute: 'employer' };
    resultOf(await me.ask('I prefer tea', 'remember', args));
    const rows = await t.asOwner('select attribute from app.memories where user_id = $1', [me.user_id]);
    expect(rows).toEqual([{ attribute: null }]);
  });

  it('goes with others only when that was confirmed, and never from another person', async () => {
    for (const text of ['I like green tea', 'I like black tea'])
      resultOf(await me.ask(`Remember ${text}`, 'remember', { content: text }));
    const asked = await me.ask('forget the tea', 'forget', { query: 'tea' });
    expect(asked.response).toMatchObject({ status: 'needs_confirmation', reason: 'destructive' });
    const { memories } = resultOf(await me.ask('?', 'list_memories', {}));
    const other = await makeTalker(t);
    const theirs = { memory_id: memories[0]['memory_id'] };
    expect(codeOf(await other.ask('forget the tea', 'forget', theirs))).toBe('memory.not_found');
    expect(resultOf(await other.ask('?', 'list_memories', {}))['memories']).toEqual([]);
  });
});

describe('a request', () => {
  it.each(['', '__proto__', 'a\u0000b', '\ud800', `${'x'.repeat(99)}😀`])('for %j is for no tool', async (name) => {
    expect(codeOf(await me.ask('x', name, {}))).toBe('tool.unknown');
  });

  it('that is none is answered with what is wrong with it, and is written down', async () => {
    const counted: string[] = [];
    me.ctx.tool_metrics = { countCall: (name, status) => void counted.push(`${name} ${status}`) };
    expect(codeOf(await me.ask('x', 'send_mail', { to: 'x' }))).toBe('tool.unknown');
    // Whatever a model makes up is one name to whoever counts.
    expect(counted).toEqual(['unknown failed']);
    const wrong = await me.ask('Remind me', 'set_reminder', { title: 'x', at: '2026-03-02T09:00:00Z', extra: 1 });
    const fields = (wrong.response as { error: { fields: { field: string }[] } }).error.fields.map(
      ({ field }) => field,
    );
    expect(fields).toEqual(['at', 'extra']);
    const nul = await me.ask('Remind me', 'set_reminder', { title: 'a\u0000b', at: '2026-03-02T09:00' });
    expect(codeOf(nul)).toBe('request.invalid');
    expect(codeOf(await me.ask('x', 'read_canvas', [1]))).toBe('request.invalid');
    const rows = await t.asOwner<{ name: string; status: string }>(
      'select name, status from app.tool_calls where user_id = $1 order by created_at',
      [me.user_id],
    );
    expect(rows.map(({ name, status }) => [name, status])).toEqual([
      ['send_mail', 'failed'],
      ['set_reminder', 'failed'],
      ['set_reminder', 'failed'],
      ['read_canvas', 'failed'],
    ]);
  });

  it('sent again by another attempt of its run is done once and answered the same', async () => {
    const calls: [string, string, object][] = [
      ['Schedule lunch tomorrow at noon', 'create_schedule', { title: 'Lunch', starts_local: '2026-03-03T12:00' }],
      ['Remind me tomorrow at 8 to stretch', 'set_reminder', { title: 'Stretch', at: '2026-03-03T08:00' }],
      ['Remember that I like tea', 'remember', { content: 'I like tea' }],
    ];
    for (const call of calls) {
      const first = await me.ask(...call);
      expect(await me.again()).toEqual(first);
    }
    const rows = await t.asOwner('select title from app.schedules where calendar_id = $1 order by title', [
      me.calendar_id,
    ]);
    expect(rows).toEqual([{ title: 'Lunch' }, { title: 'Stretch' }]);
  });

  it('whose process died after the write and before the word of it writes nothing twice', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const { id: block_id } = await seedBlock(t.db, canvas, { type: 'todo', content: { text: 'Milk', checked: false } });
    const calls: [string, string, object][] = [
      ['Remind me tomorrow at 8 to stretch', 'set_reminder', { title: 'Stretch', at: '2026-03-03T08:00' }],
      ['Add eggs', 'append_block', { canvas_id, text: 'eggs' }],
      ['Change milk to oat milk', 'edit_block', { canvas_id, block_id, text: 'Oat milk' }],
      ['Tick off milk', 'complete_todo', { canvas_id, block_id }],
    ];
    for (const call of calls) {
      const first = resultOf(await me.ask(...call));
      await t.asOwner(`update app.tool_calls set status = 'running', result = null where user_id = $1 and name = $2`, [
        me.user_id,
        call[1],
      ]);
      expect(resultOf(await me.again())).toEqual(first);
    }
    const [counts] = await t.asOwner(
      `select (select count(*)::int from app.schedules where calendar_id = $1) as schedules,
         (select count(*)::int from app.schedule_reminders where user_id = $2) as reminders,
         (select count(*)::int from app.blocks where canvas_id = $3) as blocks,
         (select version from app.blocks where id = $4) as version`,
      [me.calendar_id, me.user_id, canvas_id, block_id],
    );
    expect(counts).toEqual({ schedules: 1, reminders: 1, blocks: 2, version: 3 });
  });

  it('names things by ids that exist nowhere, and learns as much as of those of others', async () => {
    expect(codeOf(await me.ask('read', 'read_canvas', { canvas_id: newId() }))).toBe('canvas.not_found');
    expect(codeOf(await me.ask('cancel lunch', 'delete_schedule', { schedule_id: newId() }))).toBe(
      'schedule.not_found',
    );
  });
});
