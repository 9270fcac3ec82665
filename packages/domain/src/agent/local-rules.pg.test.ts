import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedCanvas } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLocalRules } from './adapters/local-rules.ts';
import type { ToolRequest, ToolRound } from './model.ts';
import type { Prompt, PromptMessage } from './prompt.ts';
import { orderText } from './rules/continue-command.ts';
import { toolDeclarations } from './tool-box.ts';
import { makeTalker, NOW, type Talker, ZONE } from './testing/tool-kit.ts';

let t: TestDatabase;
let me: Talker;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
let recent: PromptMessage[];
beforeEach(async () => {
  me = await makeTalker(t);
  recent = [];
});

const model = createLocalRules();
const signal = new AbortController().signal;

/** One turn with the rules and the real tools, as the person; what was answered in the end. */
async function say(message: string): Promise<string> {
  const prompt: Prompt = {
    ...{
      role: { id: null, name: 'Partner', prompt: '' },
      now: NOW,
      time_zone: ZONE,
      locale: 'en',
      user_name: 'Ana',
      pending: null,
    },
    ...{
      context: { id: me.context_id, title: 'Chat', summary: null },
      preferences: [],
      memories: [],
      history: [],
      blocks: [],
    },
    ...{ schedule: [], recent: [...recent], message, message_id: 'm' },
  };
  const rounds: ToolRound[] = [];
  for (;;) {
    const requests: ToolRequest[] = [];
    let text = '';
    for await (const event of model.respond({ prompt, tools: toolDeclarations(), rounds }, signal)) {
      if (event.type === 'text') text += event.text;
      if (event.type === 'tool') requests.push(event.request);
    }
    if (requests.length === 0) {
      recent.push(
        { role: 'user', content: message, created_at: NOW },
        { role: 'assistant', content: text, created_at: NOW },
      );
      return text;
    }
    const results: ToolRound['results'] = [];
    for (const request of requests) {
      const { response } = await me.ask(orderText(message, recent, NOW), request.name, request.arguments as object);
      results.push({ request, response });
    }
    rounds.push({ raw: null, results });
  }
}

test('what is ordered stands in the calendar, is found there, moved and cancelled', async () => {
  expect(await say('remind me every weekday at 8 to stretch')).toContain(
    'Done: a reminder of “stretch”: every weekday',
  );
  expect(await say('ingatkan aku besok jam 9 rapat')).toContain(
    'Selesai: pengingat “rapat”: Selasa, 3 Maret 2026 pukul 09.00',
  );
  expect(await say('schedule lunch with Budi on Friday 12-13')).toContain(
    'Done: “lunch with Budi”: Friday, 6 March 2026',
  );
  expect(await say("what's on my calendar tomorrow?")).toBe('Tuesday, 3 March 2026:\n- 08:00 stretch\n- 09:00 rapat');
  expect(await say('am I free on Friday afternoon?')).toContain('Busy: Friday, 6 March 2026 at 12:00–13:00');
  expect(await say('move lunch with Budi to 1pm')).toContain('Done: “lunch with Budi”');
  expect(await say('when is my lunch with Budi?')).toContain('13:00–14:00 lunch with Budi');
  expect(await say("cancel tomorrow's stretch")).toBe('Cancelled: “stretch”.');
  expect(await say("what's on my calendar tomorrow?")).toBe('Tuesday, 3 March 2026:\n- 09:00 rapat');
});

test('what is left open is asked, and the answer completes it', async () => {
  expect(await say('remind me to buy milk')).toBe('When? Please give a day and a time.');
  expect(await say('tomorrow at 9')).toContain('Done: a reminder of “buy milk”: Tuesday, 3 March 2026 at 09:00');
});

test('what was just ordered is corrected in a word', async () => {
  await say('remind me tomorrow to call mom');
  await say('at 9');
  expect(await say('no, at 10')).toContain('Done: “call mom”: Tuesday, 3 March 2026 at 10:00 (Asia/Jakarta).');
  expect(await say("what's on my calendar tomorrow?")).toBe('Tuesday, 3 March 2026:\n- 10:00 call mom');
  await say('jadwalkan senam setiap Sabtu jam 7 pagi');
  expect(await say('eh, jam 8')).toContain('Selesai: “senam”: Sabtu, 7 Maret 2026 pukul 08.00');
  expect(await say('jadwalku hari Sabtu')).toContain('08.00–09.00 senam');
});

test('several orders at once are all done', async () => {
  expect(await say('remind me tomorrow at 9 to call Ana and remind me on Friday at 10 to pay rent')).toBe(
    'Done: a reminder of “call Ana”: Tuesday, 3 March 2026 at 09:00 (Asia/Jakarta); ' +
      'a reminder of “pay rent”: Friday, 6 March 2026 at 10:00 (Asia/Jakarta).',
  );
  expect(await say("what's on my calendar on Friday?")).toContain('10:00 pay rent');
});

test('of a series that is asked about, "all" is an answer', async () => {
  await say('remind me to pay the rent on the 1st of every month at 10');
  expect(await say('cancel the rent reminder')).toContain('repeats. Say which:');
  expect(await say('all of them')).toBe('Cancelled: “pay the rent”.');
});

test('whom nobody knows is not told by a field of a tool', async () => {
  expect(await say('is Tuti free tomorrow?')).toBe('That did not work: Nobody of this name shares a workspace');
});

test('who is busy then is told so', async () => {
  await say('schedule lunch with Budi on Friday 12-13');
  expect(await say('schedule a call with Ana on Friday 12:30-13:30')).toContain(
    'You are busy then: Friday, 6 March 2026 at 12:00–13:00.',
  );
});

test('what is mistyped is understood', async () => {
  expect(await say('remnd me tomorow at 7 to buy milk')).toContain(
    'Done: a reminder of “buy milk”: Tuesday, 3 March 2026 at 07:00',
  );
  expect(await say('ingatkn aku bsk jm 9 rapat')).toContain('Selesai: pengingat “rapat”');
});

test('one of several that is chosen by its number is named', async () => {
  await say('schedule dentist on Friday 10-11');
  await say('schedule dentist on Thursday 10-11');
  expect(await say('cancel my dentist appointment')).toContain('Which one?');
  expect(await say('2')).toBe('Cancelled: “dentist”.');
});

test('to forget what was never remembered says so, and undo means what was done before it', async () => {
  await say('schedule lunch with Budi on Friday 12-13');
  expect(await say('forget what I said about Dewi')).toBe(
    'Nothing is remembered of “Dewi”. Your messages stay, and can be quoted, until you delete them in the conversation.',
  );
  expect(await say('forget that')).toContain('To take back what was done last, say “undo”.');
  expect(await say('undo')).toBe('Taken back.');
  expect(await say("what's on my calendar on Friday?")).toContain('Nothing stands in your calendar');
});

test('what is told to be remembered is, and forgotten when that is asked', async () => {
  expect(await say('remember that the spare key is in the drawer')).toBe(
    'Remembered: “the spare key is in the drawer”.',
  );
  expect(await say('what do you know about the spare key?')).toContain('- the spare key is in the drawer');
  expect(await say('forget that the spare key is in the drawer')).toContain(
    'Forgotten: “the spare key is in the drawer”',
  );
  expect(await say('what do you know about the spare key?')).toContain('Nothing that I was told is close to this');
  expect(await say('what do you know about me?')).toBe('Nothing of that is remembered.');
});

test('a list gets its todos, which are ticked off; nobody writes on what is not theirs', async () => {
  await seedCanvas(
    t.db,
    { workspace_id: me.personal_workspace_id, owner_user_id: me.user_id },
    { title: 'Shopping list' },
  );
  expect(await say('add milk, eggs to my shopping list')).toBe('Done: “milk”.\nDone: “eggs”.');
  expect(await say('check off milk on my shopping list')).toContain('Done');
  expect(await say('tambah gula ke shopping list')).toBe('Selesai: “gula”.');
  expect(await say("what's on my shopping list?")).toBe('“Shopping list”:\n- [x] milk\n- [ ] eggs\n- [ ] gula');
  expect(await say('apa isi shopping list?')).toContain('- [ ] gula');
  expect(await say("what's on my reading list?")).toContain('Nothing that I was told is close to this');
  const owner = me;
  me = await makeTalker(t);
  expect(await say('add milk to my shopping list')).toContain('Found no canvas for “shopping list”');
  me = owner;
});
