import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getChatSettings, updateChatSettings } from '../chat/chat-settings.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { createRolePrompt } from './create-role-prompt.ts';
import { deleteRolePrompt } from './delete-role-prompt.ts';
import { findRole, type FoundRole } from './find-role.ts';
import { getRolePrompt } from './get-role-prompt.ts';
import { listRolePrompts, listWorkspaceRolePrompts } from './list-role-prompts.ts';
import { BUILT_IN_ROLES } from './rules/built-in-roles.ts';
import { updateRolePrompt } from './update-role-prompt.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let workspace_id: string;
let owner: string;
let member: string;
let guest: string;
let stranger: { user_id: string; personal_workspace_id: string };
beforeAll(async () => {
  t = await createTestDatabase();
  stranger = await seedUser(t.db);
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  workspace_id = workspace.workspace_id;
  owner = workspace.owner_user_id;
  member = (await addMember(t.db, workspace)).user_id;
  guest = (await addMember(t.db, workspace, 'guest')).user_id;
});

const as = (user_id: string, more: object = {}) => personCtx(t.db, user_id, more);
const idOf = (key: string): string => BUILT_IN_ROLES.find((role) => role.key === key)!.id;
const find = (message: string, who = member, role_prompt_id: string | null = null, where = workspace_id) =>
  findRole(as(who), { message, workspace_id: where, role_prompt_id });
const keyOf = ({ id }: FoundRole): string => BUILT_IN_ROLES.find((role) => role.id === id)?.key ?? 'other';
const SUPPORT = {
  name: 'Support desk',
  aim: 'Answer customers who complain about invoices, refunds and broken deliveries',
  tone: 'Patient',
  prompt: 'Apologise once, then solve it.',
  examples: [
    'A customer wants a refund',
    'Pelanggan minta pengembalian uang',
    'Reply to this complaint about the delivery',
  ],
};
const add = async (fields: object = {}): Promise<string> =>
  (await createRolePrompt(as(owner), { workspace_id, ...SUPPORT, ...fields })).result.id;
const fix = (role_prompt_id: string | null, who = member) => updateChatSettings(as(who), { role_prompt_id });

/** Sentences that nobody wrote the examples from, and who should answer; partner: nobody in particular. */
const LABELLED: [string, string][] = [
  ['I keep procrastinating on my thesis, help me start', 'starter'],
  ['I have no motivation to go to the gym and feel lazy', 'starter'],
  ['Saya selalu menunda skripsi dan takut memulai', 'starter'],
  ['Aku malas olahraga, tolong dorong aku', 'starter'],
  ['Help me set priorities, I have far too many tasks and deadlines', 'organizer'],
  ['Break this launch down into tasks with a deadline for each', 'organizer'],
  ['Tolong bantu atur prioritas tugas saya yang berantakan', 'organizer'],
  ['I want a bold vision for my company in five years', 'visionary'],
  ['Should I dream bigger and take the leap?', 'visionary'],
  ['Apa visi dan tujuan hidup saya untuk masa depan?', 'visionary'],
  ['Proofread this email and fix the grammar', 'editor'],
  ['Rewrite the paragraph so it is shorter and clearer', 'editor'],
  ['Perbaiki ejaan dan tata bahasa surat ini', 'editor'],
  ['Calculate the average revenue per month from this table', 'data_analyst'],
  ['Compare these sales figures with last quarter', 'data_analyst'],
  ['Berapa rata-rata penjualan per bulan?', 'data_analyst'],
  ['Find a free slot for a meeting on Thursday', 'planner'],
  ['Plan my week around the trip', 'planner'],
  ['Cari waktu kosong untuk rapat hari Kamis', 'planner'],
  ['My sister has two cats', 'partner'],
  ['What did I tell you about Bandung?', 'partner'],
  ['hello', 'partner'],
  ['Remind me to call mom tomorrow at 9', 'partner'],
  ['ingatkan aku besok jam 9 rapat', 'partner'],
  ['How do I start a car in the cold?', 'partner'],
  ['I want a table for two at the restaurant', 'partner'],
  ['Summarise what we talked about last week', 'partner'],
  ['Terima kasih banyak!', 'partner'],
  ['The movie last night was great, I loved the soundtrack and the actors', 'partner'],
  ['Kucing saya bernama Milo', 'partner'],
  ['', 'partner'],
  ['👍', 'partner'],
];

describe('who answers', () => {
  it('is the built-in role that a message is like, in English and Indonesian, and else the default', async () => {
    const wrong: string[] = [];
    for (const [message, wanted] of LABELLED) {
      const found = await find(message);
      if (keyOf(found) !== wanted) wrong.push(`${message}: ${keyOf(found)} (${found.score}), not ${wanted}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is the default, with its name and prompt, for an empty account, a message without words and a letter of any length', async () => {
    const { user_id, personal_workspace_id } = await seedUser(t.db);
    for (const message of ['', '?!', 'zxqv', 'lorem ipsum '.repeat(3_000)]) {
      const found = await find(message, user_id, null, personal_workspace_id);
      expect(found).toMatchObject({ id: idOf('partner'), name: 'Partner', chosen_by: 'default' });
      expect(found.prompt).toContain('Tone: Warm');
    }
  });

  it('is a role of the workspace for its members, not for guests, other workspaces or strangers', async () => {
    const id = await add();
    const message = 'A customer complains about the delivery and wants a refund';
    expect(await find(message)).toMatchObject({
      id,
      name: 'Support desk',
      chosen_by: 'likeness',
      score: expect.any(Number),
    });
    for (const [who, where] of [
      [guest, workspace_id],
      [stranger.user_id, workspace_id],
      [stranger.user_id, stranger.personal_workspace_id],
      [member, newId()],
    ] as const)
      expect((await find(message, who, null, where)).id).not.toBe(id);
    await updateRolePrompt(as(owner), { workspace_id, role_prompt_id: id, is_enabled: false });
    expect((await find(message)).id).not.toBe(id);
  });

  it('is found by new words from the moment that they are written', async () => {
    const id = await add();
    await updateRolePrompt(as(owner), {
      workspace_id,
      role_prompt_id: id,
      examples: ['Brew me a cappuccino'],
      aim: '',
    });
    expect(await find('cappuccino please, brew it')).toMatchObject({ id });
    expect((await find('A customer complains about the delivery')).id).not.toBe(id);
  });

  it('is who the person has fixed, before who the turn asks for, before likeness', async () => {
    const message = 'Proofread this email and fix the grammar';
    expect(await find(message, member, idOf('planner'))).toMatchObject({ id: idOf('planner'), chosen_by: 'turn' });
    await fix(idOf('visionary'));
    expect(await find(message, member, idOf('planner'))).toMatchObject({
      id: idOf('visionary'),
      chosen_by: 'person',
      score: null,
    });
    await fix(null);
    expect(await find(message)).toMatchObject({ id: idOf('editor'), chosen_by: 'likeness' });
    expect(await find(message, member, newId())).toMatchObject({ id: idOf('editor') });
  });

  it('falls to the next when the fixed role is switched off, deleted, or not theirs any more', async () => {
    const id = await add();
    const fallen = async () => (await find('hello')).chosen_by;
    await fix(id);
    expect(await fallen()).toBe('person');
    await updateRolePrompt(as(owner), { workspace_id, role_prompt_id: id, is_enabled: false });
    expect(await fallen()).toBe('default');
    await updateRolePrompt(as(owner), { workspace_id, role_prompt_id: id, is_enabled: true });
    await t.asOwner('delete from app.workspace_members where user_id = $1', [member]);
    expect(await fallen()).toBe('default');
    expect(await getChatSettings(as(member))).toMatchObject({ role_prompt_id: null });
    await addMember(t.db, workspace, 'member', { user_id: member });
    expect(await getChatSettings(as(member))).toMatchObject({ role_prompt_id: id });
    await deleteRolePrompt(as(owner), { workspace_id, role_prompt_id: id });
    expect(await fallen()).toBe('default');
  });
});

describe('chat settings', () => {
  it('fix only a role that the person may use, at the version that they hold', async () => {
    const id = await add();
    expect(await getChatSettings(as(member))).toEqual({
      role_prompt_id: null,
      is_memory_enabled: true,
      active_context_id: null,
      version: 1,
    });
    for (const [who, role] of [
      [guest, id],
      [stranger.user_id, id],
      [member, newId()],
    ] as const)
      await expect(fix(role, who)).rejects.toMatchObject({ kind: 'not_found', code: 'role_prompt.not_found' });
    const settings = await fix(id);
    expect(settings).toMatchObject({ role_prompt_id: id, version: 2 });
    await expect(
      updateChatSettings(as(member), { is_memory_enabled: false, expected_version: 1 }),
    ).rejects.toMatchObject({
      kind: 'precondition',
      code: 'chat.version_conflict',
      meta: { current: settings },
    });
    expect(await updateChatSettings(as(member), { is_memory_enabled: false, expected_version: 2 })).toMatchObject({
      role_prompt_id: id,
      is_memory_enabled: false,
    });
    expect(await getChatSettings(as(owner))).toMatchObject({ role_prompt_id: null, is_memory_enabled: true });
  });
});

describe('roles of a workspace', () => {
  it('are written by its admins, read by its members and seen by nobody else', async () => {
    const admin = (await addMember(t.db, workspace, 'admin')).user_id;
    const { result } = await createRolePrompt(as(admin), { workspace_id, ...SUPPORT });
    const ref = { workspace_id, role_prompt_id: result.id };
    expect(await getRolePrompt(as(member), ref)).toEqual(result);
    expect((await listWorkspaceRolePrompts(as(member), { workspace_id })).items).toEqual([result]);
    const { items } = await listRolePrompts(as(member), { workspace_id });
    expect(items.map(({ key, name }) => key ?? name)).toEqual([
      ...BUILT_IN_ROLES.map(({ key }) => key),
      'Support desk',
    ]);
    expect((await listRolePrompts(as(stranger.user_id), {})).items).toHaveLength(BUILT_IN_ROLES.length);
    const writes = (who: string) => [
      () => createRolePrompt(as(who), { workspace_id, ...SUPPORT, name: 'Another' }),
      () => updateRolePrompt(as(who), { ...ref, name: 'Mine' }),
      () => deleteRolePrompt(as(who), ref),
    ];
    const reads = (who: string) => [
      () => getRolePrompt(as(who), ref),
      () => listWorkspaceRolePrompts(as(who), { workspace_id }),
      () => listRolePrompts(as(who), { workspace_id }),
    ];
    for (const attempt of [...writes(member), ...writes(guest), ...reads(guest)])
      await expect(attempt()).rejects.toMatchObject({ code: 'workspace.forbidden' });
    for (const attempt of [...writes(stranger.user_id), ...reads(stranger.user_id)])
      await expect(attempt()).rejects.toMatchObject({ code: 'workspace.not_found' });
    const built_in = { workspace_id, role_prompt_id: idOf('partner') };
    for (const attempt of [
      () => updateRolePrompt(as(owner), { ...built_in, name: 'Mine' }),
      () => deleteRolePrompt(as(owner), built_in),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'role_prompt.not_found' });
  });

  it('have names of their own, versions, a limit and an audit trail', async () => {
    const id = await add();
    const other = await add({ name: 'Other' });
    await expect(add({ name: 'SUPPORT desk' })).rejects.toMatchObject({ code: 'role_prompt.name_taken' });
    const ref = { workspace_id, role_prompt_id: other };
    await expect(updateRolePrompt(as(owner), { ...ref, name: 'support DESK' })).rejects.toMatchObject({
      code: 'role_prompt.name_taken',
      meta: { errors: [{ pointer: '/name' }] },
    });
    expect(await updateRolePrompt(as(owner), { ...ref, tone: 'Loud', expected_version: 1 })).toMatchObject({
      tone: 'Loud',
      version: 2,
    });
    await expect(updateRolePrompt(as(owner), { ...ref, tone: 'Low', expected_version: 1 })).rejects.toMatchObject({
      code: 'role_prompt.version_conflict',
      meta: { current: { tone: 'Loud' } },
    });
    await deleteRolePrompt(as(owner), ref);
    const audits = await t.asOwner<{ action: string; target_id: string }>(
      `select action, target_id from app.audit_logs where workspace_id = $1 and action like 'role_prompt.%' order by created_at, id`,
      [workspace_id],
    );
    expect(audits).toEqual([
      { action: 'role_prompt.create', target_id: id },
      { action: 'role_prompt.create', target_id: other },
      { action: 'role_prompt.update', target_id: other },
      { action: 'role_prompt.delete', target_id: other },
    ]);
    await t.asOwner(
      `insert into app.role_prompts (id, workspace_id, name, aim, tone, prompt) select gen_random_uuid(), $1, 'n' || n, '', '', 'p' from generate_series(1, 49) n`,
      [workspace_id],
    );
    await expect(add({ name: 'One more' })).rejects.toMatchObject({ code: 'role_prompt.too_many' });
  });

  it('are made once per key', async () => {
    const ctx = () => as(owner, { idempotency_key: 'k' });
    const first = await createRolePrompt(ctx(), { workspace_id, ...SUPPORT });
    expect(await createRolePrompt(ctx(), { workspace_id, ...SUPPORT })).toEqual({ ...first, replayed: true });
  });
});
