import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyBlockMutations } from './canvas/queries.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import {
  addCanvasAccess,
  addMember,
  seedAttachment,
  seedBlock,
  seedCanvas,
  seedInvitation,
  seedUser,
  seedWorkspace,
  type SeededCanvas,
} from './testing/seed.ts';
import {
  seedCalendar,
  seedGuest,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from './testing/seed-calendar.ts';
import {
  seedContext,
  seedMemories,
  seedMessage,
  seedRolePrompt,
  seedRun,
  type SeededMessage,
  type SeededRun,
} from './testing/seed-chat.ts';
import { seedLink, seedSession, type SeededSession } from './testing/seed-whatsapp.ts';

/*
 * SECURITY DEFINER functions see every row, so each filters by the person it is told. Here a stranger calls every one of
 * them; the list is compared with the catalogue, so none can be added without a case.
 */

let t: TestDatabase;
let canvas: SeededCanvas;
/** The member may write in it; its schedule is private, so that no viewer would do. */
let calendar: SeededCalendar;
let schedule: SeededSchedule;
/** Of the schedule, by address. */
let guest: { guest_id: string };
let member: { user_id: string };
/** The member's. */
let run: SeededRun;
let message: SeededMessage;
/** Of the workspace. */
let role: { role_prompt_id: string };
/** Of the workspace; the member has a link to it. */
let session: SeededSession;
let link: { link_id: string };
let stranger: { user_id: string };
/** To the member: one to look at, one to answer. */
let invitations: { shown: { id: string; token_hash: string }; answered: { id: string; token_hash: string } };
beforeAll(async () => {
  t = await createTestDatabase();
  const workspace = await seedWorkspace(t.db);
  canvas = await seedCanvas(t.db, workspace);
  member = await addMember(t.db, workspace);
  stranger = await seedUser(t.db);
  await seedAttachment(t.db, canvas, { size: 7 });
  calendar = await seedCalendar(t.db, workspace);
  await seedSubscription(t.db, calendar, 'editor', member);
  schedule = await seedSchedule(t.db, calendar, { visibility: 'private' });
  guest = await seedGuest(t.db, schedule, { email: `${randomUUID()}@example.test` });
  const { canvas_id } = canvas;
  const second = await seedCanvas(t.db, workspace);
  invitations = {
    shown: await seedInvitation(t.db, workspace, { canvas_id, user_id: member.user_id, role: 'admin' }),
    answered: await seedInvitation(t.db, workspace, { canvas_id: second.canvas_id, user_id: member.user_id }),
  };
  message = await seedMessage(t.db, await seedContext(t.db, member));
  const { message_id } = message;
  const words = { terms: [['word', 1]] };
  await t.asOwner('select app.put_message_terms($1, $2)', [member.user_id, [{ message_id, ...words }]]);
  const block = await seedBlock(t.db, canvas, { content: { text: 'word' } });
  const block_words = [{ canvas_id: canvas.canvas_id, block_id: block.id, ...words }];
  await t.asOwner('select app.put_block_terms($1, $2)', [canvas.workspace_id, block_words]);
  role = await seedRolePrompt(t.db, workspace);
  await t.asOwner(`update app.role_prompts set terms = array[app.term_id(workspace_id, 'quokka')] where id = $1`, [
    role.role_prompt_id,
  ]);
  session = await seedSession(t, workspace);
  await seedLink(t, session, member);
  link = await seedLink(t, await seedSession(t, workspace), member);
  run = await seedRun(t.db, { ...member, workspace_id: workspace.workspace_id });
  // Held by a process that goes by the member's id.
  await t.asOwner(`update app.agent_runs set status = 'running', lease_owner = user_id where id = $1`, [run.run_id]);
  await seedCanvas(t.db, {
    workspace_id: (await seedUser(t.db, stranger)).personal_workspace_id,
    owner_user_id: stranger.user_id,
  });
});
afterAll(() => t.drop());

/** A query of words. */
const WORD = [{ stems: ['word'], weight: 1 }];
/** One that no built-in role has. */
const QUOKKA = [{ stems: ['quokka'], weight: 1 }];

type Case = (user_id: string) => Promise<unknown>;
const call = async (text: string, params: unknown[]): Promise<unknown> => t.db.call(text, params);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error as { code: string }).code);

/** What the stranger gets, and what somebody with access gets, so that the emptiness means something. */
const CASES: Record<string, { run: Case; stranger: unknown; member: unknown }> = {
  set_tenant_context: {
    run: (user_id) => failure(call('select app.set_tenant_context($1, $2) as role', [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: [{ role: 'member' }],
  },
  set_canvas_context: {
    run: (user_id) => failure(call('select role from app.set_canvas_context($1, $2)', [user_id, canvas.canvas_id])),
    stranger: 'canvas.not_found',
    member: [{ role: 'editor' }],
  },
  lock_canvas: {
    run: (user_id) =>
      failure(call('select role from app.lock_canvas($1, $2, $3)', [user_id, canvas.canvas_id, 'viewer'])),
    stranger: 'canvas.not_found',
    member: [{ role: 'editor' }],
  },
  get_canvas_role: {
    run: (user_id) => call('select app.get_canvas_role($1, $2) as role', [user_id, canvas.canvas_id]),
    stranger: [{ role: null }],
    member: [{ role: 'editor' }],
  },
  get_canvas_tenant: {
    run: (user_id) => call('select app.get_canvas_tenant($1, $2) is null as unknown', [user_id, canvas.canvas_id]),
    stranger: [{ unknown: true }],
    member: [{ unknown: false }],
  },
  get_canvas_members_detailed: {
    run: (user_id) =>
      failure(call('select count(*) as n from app.get_canvas_members_detailed($1, $2)', [user_id, canvas.canvas_id])),
    stranger: 'canvas.not_found',
    member: [{ n: 2 }],
  },
  list_canvases: {
    run: (user_id) =>
      call(`select count(*) as n from app.list_canvases($1, true, null, null, 50) where canvas ->> 'id' = $2`, [
        user_id,
        canvas.canvas_id,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  personal_workspace: {
    run: (user_id) => call('select app.personal_workspace($1) = $2 as yes', [user_id, canvas.workspace_id]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  ensure_user: {
    run: (user_id) =>
      call('select personal_workspace_id = $2 as yes from app.ensure_user($1, null, null)', [
        user_id,
        canvas.workspace_id,
      ]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  get_me: {
    run: (user_id) => call(`select app.get_me($1) ->> 'user_id' = $2 as yes`, [user_id, member.user_id]),
    stranger: [{ yes: false }],
    member: [{ yes: true }],
  },
  update_me: {
    run: async (user_id) => {
      const text = 'select time_zone from app.users where id = $1';
      const before = await t.asOwner(text, [member.user_id]);
      await call('select app.update_me($1, $2, $3)', [user_id, { time_zone: `Zone/${randomUUID()}` }, 'r']);
      const after = await t.asOwner(text, [member.user_id]);
      return { changed: JSON.stringify(before) !== JSON.stringify(after) };
    },
    stranger: { changed: false },
    member: { changed: true },
  },
  get_workspace: {
    run: (user_id) =>
      failure(call(`select app.get_workspace($1, $2) ->> 'role' as role`, [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: [{ role: 'member' }],
  },
  list_workspaces: {
    run: (user_id) =>
      call(`select count(*) as n from app.list_workspaces($1, true, null, null, 50) where workspace ->> 'id' = $2`, [
        user_id,
        canvas.workspace_id,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  list_workspace_members: {
    run: (user_id) =>
      failure(
        call('select count(*) as n from app.list_workspace_members($1, $2, null, null, null, 50)', [
          user_id,
          canvas.workspace_id,
        ]),
      ),
    stranger: 'workspace.not_found',
    member: [{ n: 2 }],
  },
  set_owner_context: {
    run: (user_id) => failure(call('select app.set_owner_context($1, $2)', [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: 'workspace.forbidden',
  },
  leave_workspace: {
    run: async (user_id) => {
      const workspace = await seedWorkspace(t.db);
      if (user_id === member.user_id) await addMember(t.db, workspace, 'guest', member);
      return failure(
        call(`select app.leave_workspace($1, $2, 'r') is null as left`, [user_id, workspace.workspace_id]),
      );
    },
    stranger: 'workspace.not_found',
    member: [{ left: false }],
  },
  get_canvas_roles: {
    run: (user_id) => call('select role from app.get_canvas_roles($1, $2)', [[user_id], [canvas.canvas_id]]),
    stranger: [{ role: null }],
    member: [{ role: 'editor' }],
  },
  count_owned_workspaces: {
    run: (user_id) => call('select app.count_owned_workspaces($1) as n', [user_id]),
    stranger: [{ n: 0 }],
    member: [{ n: 0 }],
  },
  // These tell numbers and yes or no of ids that one knows, to anybody, and no content.
  get_canvas_heads: {
    run: () => call('select to_jsonb(h) - $2 as head from app.get_canvas_heads($1) h', [[canvas.canvas_id], 'epoch']),
    stranger: [{ head: { canvas_id: expect.any(String), seq: 0, access_version: 0 } }],
    member: [{ head: { canvas_id: expect.any(String), seq: 0, access_version: 0 } }],
  },
  get_user_heads: {
    run: (user_id) => call('select to_jsonb(h) - $2 as head from app.get_user_heads($1) h', [[user_id], 'epoch']),
    stranger: [{ head: { user_id: expect.any(String), seq: 0 } }],
    member: [{ head: { user_id: expect.any(String), seq: 0 } }],
  },
  is_personal: {
    run: () => call('select app.is_personal($1) as yes', [canvas.workspace_id]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  user_exists: {
    run: () => call('select app.user_exists($1) as yes', [randomUUID()]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  is_workspace_owner: {
    run: (user_id) => call('select app.is_workspace_owner($1, $2) as yes', [user_id, canvas.workspace_id]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  read_workspace_settings: {
    run: () => call(`select app.read_workspace_settings($1) ->> 'locale' as locale`, [canvas.workspace_id]),
    stranger: [{ locale: 'en' }],
    member: [{ locale: 'en' }],
  },
  is_tenant_origin: {
    run: () => call('select app.is_tenant_origin($1) as yes', ['https://app.example.com']),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  is_feature_enabled: {
    run: () => call('select app.is_feature_enabled($1, $2) as yes', [canvas.workspace_id, 'share_links']),
    stranger: [{ yes: true }],
    member: [{ yes: true }],
  },
  get_stored_bytes: {
    run: (user_id) => call('select app.get_stored_bytes($1, $2) as bytes', [user_id, canvas.canvas_id]),
    stranger: [{ bytes: 0 }],
    member: [{ bytes: 7 }],
  },
  copy_attachments: {
    run: (user_id) => failure(call('select app.copy_attachments($1, $2, $2) as copied', [user_id, canvas.canvas_id])),
    stranger: 'canvas.not_found',
    member: [{ copied: 0 }],
  },
  check_invitable: {
    run: (user_id) =>
      failure(
        call('select app.check_invitable($1, $2, $3, null, null, $4, $5)', [
          user_id,
          randomUUID(),
          canvas.workspace_id,
          'ada@example.test',
          'guest',
        ]),
      ),
    stranger: 'workspace.forbidden',
    member: 'workspace.forbidden',
  },
  announce_invitation: {
    run: (user_id) =>
      failure(call('select app.announce_invitation($1, $2, null, null, null)', [user_id, invitations.shown.id])),
    stranger: 'invitation.not_found',
    member: 'invitation.not_found',
  },
  list_my_invitations: {
    run: (user_id) =>
      call(
        `select count(*) as n from app.list_my_invitations($1, null, 50) where invitation ->> 'invitation_id' = $2`,
        [user_id, invitations.shown.id],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  // Whoever has the token sees two names, and nobody else anything.
  preview_invitation: {
    run: (user_id) =>
      failure(
        call(`select count(*) as n from jsonb_object_keys(app.preview_invitation($1))`, [
          user_id === member.user_id ? invitations.shown.token_hash : 'f'.repeat(64),
        ]),
      ),
    stranger: 'invitation.not_found',
    member: [{ n: 2 }],
  },
  respond_to_invitation: {
    run: (user_id) =>
      failure(
        call(`select app.respond_to_invitation($1, 'canvas', null, $2, 'reject', null) ->> 'status' as status`, [
          user_id,
          invitations.answered.id,
        ]),
      ),
    stranger: 'invitation.not_found',
    member: [{ status: 'rejected' }],
  },
  revoke_invitations_of: {
    run: (user_id) => failure(call('select app.revoke_invitations_of($2, $1)', [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: 'workspace.not_found',
  },
  disable_webhooks_of: {
    run: (user_id) => failure(call('select app.disable_webhooks_of($2, $1)', [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: 'workspace.not_found',
  },
  // Outside of the canvas's context there is no canvas, whoever asks.
  revoke_canvas_invitations_of: {
    run: (user_id) =>
      failure(
        call('select app.revoke_canvas_invitations_of($2, $3, $1, null)', [
          user_id,
          canvas.workspace_id,
          canvas.canvas_id,
        ]),
      ),
    stranger: 'canvas.not_found',
    member: 'canvas.not_found',
  },
  check_person_domain: {
    run: (user_id) => failure(call('select app.check_person_domain($2, $1)', [user_id, canvas.workspace_id])),
    stranger: 'canvas.not_found',
    member: 'canvas.not_found',
  },
  embedding_backlog: {
    run: (user_id) => call(`select (app.embedding_backlog($1) ->> 'pending')::int as pending`, [user_id]),
    stranger: [{ pending: 0 }],
    member: [{ pending: 1 }],
  },
  find_relevant_history: {
    run: (user_id) =>
      call(`select count(*) as n from app.find_relevant_history($1, $2, null, null, 10)`, [user_id, WORD]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  find_relevant_blocks: {
    run: (user_id) =>
      call(`select count(*) as n from app.find_relevant_blocks($1, $2, null, null, 10)`, [user_id, WORD]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  requeue_messages: {
    run: async (user_id) => {
      const text = 'select revision from app.embedding_queue where subject_id = $1';
      const before = await t.asOwner(text, [message.message_id]);
      await call('select app.requeue_messages($1, $2)', [user_id, [message.message_id]]);
      return { changed: JSON.stringify(before) !== JSON.stringify(await t.asOwner(text, [message.message_id])) };
    },
    stranger: { changed: false },
    member: { changed: true },
  },
  move_message_terms: {
    run: (user_id) =>
      failure(call('select count(*) as n from app.move_message_terms($1, $2, $2)', [user_id, message.context_id])),
    stranger: 'chat.context_not_found',
    member: [{ n: 1 }],
  },
  may_use_role_prompt: {
    run: (user_id) => call('select app.may_use_role_prompt($1, $2) as yes', [user_id, role.role_prompt_id]),
    stranger: [{ yes: false }],
    member: [{ yes: true }],
  },
  list_role_prompts: {
    run: (user_id) =>
      failure(call('select count(*) as n from app.list_role_prompts($1, $2, false)', [user_id, canvas.workspace_id])),
    stranger: 'workspace.not_found',
    member: [{ n: 1 }],
  },
  find_relevant_role_id: {
    run: (user_id) =>
      call('select count(role_prompt_id) as n from app.find_relevant_role_id($1, $2, $3)', [
        user_id,
        canvas.workspace_id,
        QUOKKA,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  choose_role: {
    run: (user_id) =>
      call('select chosen_by from app.choose_role($1, $2, $3, $4, 0.3)', [
        user_id,
        canvas.workspace_id,
        role.role_prompt_id,
        QUOKKA,
      ]),
    stranger: [{ chosen_by: 'default' }],
    member: [{ chosen_by: 'turn' }],
  },
  // Each their own personal workspace; here nobody has anything to pay.
  pay_search: {
    run: (user_id) => call(`select app.pay_search($1, '[]') as results`, [user_id]),
    stranger: [{ results: [] }],
    member: [{ results: [] }],
  },
  // Not for app_user at all.
  ...Object.fromEntries(
    Object.entries({
      forget_old_rows: [1],
      claim_released_objects: [1],
      forget_released_objects: [['x']],
      count_released_objects: [],
      sweep_pending_attachments: [1],
      sweep_unreferenced_attachments: [1],
      sweep_transfers: [1],
      claim_transfer: [randomUUID()],
      report_transfer: [randomUUID(), 0, 0],
      finish_transfer: [randomUUID(), 0, 0, 0, [], null],
      list_exported_calendars: [randomUUID(), null, 1],
      open_exported_calendar: [randomUUID(), randomUUID(), 'r'],
      list_exported_schedules: [randomUUID(), randomUUID(), null, 1],
      release_object: [],
      read_message_windows: [randomUUID(), [randomUUID()]],
      put_message_terms: [randomUUID(), '[]'],
      read_block_texts: [randomUUID(), '[]'],
      put_block_terms: [randomUUID(), '[]'],
      find_message_owners: [[randomUUID()]],
      count_indexed: [],
      drop_user_lexicon: [],
      drop_workspace_lexicon: [],
      drop_context_terms: [],
      drop_canvas_terms: [],
      requeue_neighbours: [],
      take_embeddings: [false, 1, '1 minute'],
      finish_indexing: ['[]', false],
      postpone_embeddings: ['[]', '2026-01-01T00:00:00Z', 'x', false, 1],
      measure_embeddings: [],
      postpone_payer: [randomUUID(), '2026-01-01T00:00:00Z', 'x', 1],
      read_embedding_texts: ['[]'],
      store_embeddings: ['x', 768, '[]', []],
      walk_embeddings: ['message', null, 1],
      abandon_embeddings: ['1 minute', 1],
      enqueue_messages: [],
      enqueue_message: [],
      enqueue_memory: [],
      dequeue_messages: [],
      dequeue_memories: [],
      dequeue_blocks: [],
      index_block: [],
      index_canvas: [],
      place_whatsapp_session: [randomUUID(), null, [], null],
      choose_whatsapp_worker: [[], null],
      settle_whatsapp_session: [randomUUID(), 1, 1, 'held'],
      postpone_whatsapp_session: [randomUUID(), 1, 'x', '1 minute'],
      find_whatsapp_route: [randomUUID()],
      sweep_whatsapp: [1, 'r'],
      rebalance_whatsapp: ['1 minute', 1, 'r'],
      count_whatsapp: [],
      take_whatsapp_sends: [randomUUID(), 1],
      settle_whatsapp_send: [randomUUID(), null],
      sweep_whatsapp_sends: ['1 day', '1 day', 1],
      take_whatsapp_turn: [randomUUID(), randomUUID(), randomUUID(), '1 minute'],
      renew_whatsapp_turn: [randomUUID(), randomUUID(), '1 minute'],
      release_whatsapp_turn: [randomUUID(), randomUUID(), '1 minute'],
      settle_whatsapp_turn: [randomUUID(), randomUUID(), {}, [], 'r', null],
      get_whatsapp_line: [randomUUID(), randomUUID(), randomUUID()],
      say_whatsapp_line: [randomUUID(), randomUUID(), [], 'r', null],
      sweep_whatsapp_turns: ['1 minute', 1],
      // Triggers; no role has them, and none needs them.
      emit_webhooks: [],
      take_webhook_deliveries: [randomUUID(), randomUUID(), 8, '1 minute'],
      yield_webhook: [randomUUID(), randomUUID()],
      record_webhook_attempt: [randomUUID(), 1, true, 200, 1, null, null, null, false, 1, '1 day', 'r'],
      disable_webhook: [randomUUID(), 'gone', 'r'],
      sweep_webhooks: ['1 minute', 1],
      forget_webhook: [randomUUID(), randomUUID(), 1],
      forget_webhook_deliveries: ['2026-01-01T00:00:00Z', 1],
      get_webhook_disabled_mail: [randomUUID(), randomUUID()],
    }).map(([name, params]: [string, unknown[]]) => [
      name,
      {
        run: () => failure(call(`select app.${name}(${params.map((_, n) => `$${n + 1}`).join(', ')})`, params)),
        stranger: 'db.forbidden',
        member: 'db.forbidden',
      },
    ]),
  ),
  may_offer: {
    run: (user_id) => failure(call('select app.may_offer($1, $2, null, $3)', [user_id, canvas.workspace_id, 'guest'])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  my_invitation_json: {
    run: () => failure(call('select app.my_invitation_json(i) from app.invitations i', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  get_invitation_mail: {
    run: () =>
      failure(call('select app.get_invitation_mail($1, $2)', [invitations.shown.id, invitations.shown.token_hash])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  expire_tool_calls: {
    run: () => failure(call('select app.expire_tool_calls(1)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  expire_invitations: {
    run: () => failure(call('select app.expire_invitations(1)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  begin_mail: {
    run: () => failure(call('select app.begin_mail($1, null, $2, $2)', [randomUUID(), 'x'])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  finish_mail: {
    run: () => failure(call('select app.finish_mail($1, $2, null)', [randomUUID(), 'sent'])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  create_api_key: {
    run: (user_id) =>
      failure(
        call('select app.create_api_key($1, $2, $3, $4, $5, $6, $7, $8, null, $9)', [
          user_id,
          canvas.workspace_id,
          randomUUID(),
          'key',
          ['canvas:read'],
          'pot_aaaa',
          'aaaa',
          randomBytes(32),
          'r',
        ]),
      ),
    stranger: 'workspace.not_found',
    member: 'workspace.forbidden',
  },
  // Its argument is the proof: the hash of a secret.
  use_api_key: {
    run: () => call('select * from app.use_api_key($1)', [randomBytes(32)]),
    stranger: [],
    member: [],
  },
  list_audit_logs: {
    run: (user_id) =>
      failure(
        call('select * from app.list_audit_logs($1, $2, $3, null, null, 10)', [user_id, canvas.workspace_id, {}]),
      ),
    stranger: 'workspace.not_found',
    member: 'workspace.forbidden',
  },
  expire_api_keys: {
    run: () => failure(call('select app.expire_api_keys(10)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  cited_text: {
    run: (user_id) =>
      call(`select app.cited_text($1, 'schedule', $2, $3) is not null as told`, [
        user_id,
        schedule.schedule_id,
        calendar.calendar_id,
      ]),
    stranger: [{ told: false }],
    member: [{ told: true }],
  },
  apply_ledger: {
    run: (user_id) => failure(call(`select app.apply_ledger($1, $2, '[]') as results`, [user_id, run.run_id])),
    stranger: 'agent.run_not_found',
    member: [{ results: [] }],
  },
  apply_usage: {
    run: (user_id) => failure(call(`select app.apply_usage($1, $2, '[]')`, [user_id, canvas.workspace_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  find_known_memories: {
    run: async (user_id) => {
      const { memory_id } = await seedMemories(t.db, member);
      const text = `select k.known @> jsonb_build_array(jsonb_build_object('id', $2::text)) as yes
        from app.find_known_memories($1, 'user', '{}', $2::uuid) k`;
      return call(text, [user_id, memory_id]);
    },
    stranger: [{ yes: false }],
    member: [{ yes: true }],
  },
  get_user_facts_and_rules: {
    run: async (user_id) => {
      const { preference_id } = await seedMemories(t.db, member);
      return call('select count(*) as n from app.get_user_facts_and_rules($1, 1000) where id = $2', [
        user_id,
        preference_id,
      ]);
    },
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  get_user_semantic_memories: {
    run: async (user_id) => {
      const { memory_id } = await seedMemories(t.db, member);
      await t.asOwner(
        `update app.user_semantic_memories m set terms = w.terms, weights = w.weights
         from app.index_terms($2, '[["durian", 1]]') w where m.id = $1`,
        [memory_id, member.user_id],
      );
      const query = JSON.stringify([{ stems: ['durian'], weight: 1 }]);
      return call('select count(*) as n from app.get_user_semantic_memories($1, $2, null, null, 10) where id = $3', [
        user_id,
        query,
        memory_id,
      ]);
    },
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  forget_everything: {
    run: async (user_id) => {
      const forgetful = user_id === member.user_id ? await seedUser(t.db) : null;
      const whose = forgetful ?? member;
      const { memory_id } = await seedMemories(t.db, whose);
      await call(`select app.forget_everything($1, now() + interval '1 minute', 100, $2, 'r', null)`, [
        forgetful?.user_id ?? user_id,
        randomUUID(),
      ]);
      return t.asOwner('select count(*)::int as n from app.user_semantic_memories where id = $1', [memory_id]);
    },
    stranger: [{ n: 1 }],
    member: [{ n: 0 }],
  },
  find_payer: {
    run: (user_id) =>
      failure(
        call('select reason from app.find_payer($1, $2, null, $3)', [
          ...[user_id, canvas.workspace_id],
          { tokens: 1, cost_micros: 1, share: 1, limits: {} },
        ]),
      ),
    stranger: 'workspace.not_found',
    member: [{ reason: null }],
  },
  renew_turns: {
    run: (user_id) =>
      call('select is_cancelled from app.renew_turns($1, array[$2]::uuid[], 1000)', [user_id, run.run_id]),
    stranger: [],
    member: [{ is_cancelled: false }],
  },
  find_left_turns: {
    run: () => failure(call('select * from app.find_left_turns(0, 10)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  sweep_turn: {
    run: () => failure(call('select app.sweep_turn($1, $2, 1, null)', [member.user_id, run.run_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  set_whatsapp_context: {
    run: (user_id) =>
      failure(call('select app.set_whatsapp_context($1, $2) as workspace_id', [user_id, session.session_id])),
    stranger: 'whatsapp.session_not_found',
    member: [{ workspace_id: expect.any(String) }],
  },
  get_whatsapp_tenant: {
    run: (user_id) =>
      call('select app.get_whatsapp_tenant($1, $2) is not null as is_known', [user_id, session.session_id]),
    stranger: [{ is_known: false }],
    member: [{ is_known: true }],
  },
  list_whatsapp_sessions: {
    run: (user_id) =>
      call('select count(*) as n from app.list_whatsapp_sessions($1, $2, null, null, 9)', [
        user_id,
        canvas.workspace_id,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 2 }],
  },
  // No person's either: what comes through the doors that a token of a service opens. It tells of processes, not of tenants.
  register_whatsapp_worker: {
    run: () =>
      call(`select app.register_whatsapp_worker($1, $2, 'http://a', '1', 1, 1000, 'r') -> 'orphans' as orphans`, [
        ...[randomUUID(), randomUUID()],
      ]),
    stranger: [{ orphans: 0 }],
    member: [{ orphans: 0 }],
  },
  beat_whatsapp_worker: {
    run: () => failure(call(`select app.beat_whatsapp_worker($1, 0, '{}', 'alive', '[]', 'r')`, [randomUUID()])),
    stranger: 'worker.unknown',
    member: 'worker.unknown',
  },
  drain_whatsapp_worker: {
    run: () => failure(call(`select app.drain_whatsapp_worker($1, 'r')`, [randomUUID()])),
    stranger: 'worker.not_found',
    member: 'worker.not_found',
  },
  list_whatsapp_workers: {
    run: () =>
      call(
        `select count(*) as n from jsonb_array_elements(app.list_whatsapp_workers()) w where w ? 'workspace_id'`,
        [],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 0 }],
  },
  create_whatsapp_link_code: {
    run: (user_id) =>
      failure(
        call(`select app.create_whatsapp_link_code($1, $2, null, $3, $4, '1 minute', 'r') #> '{session,id}' as id`, [
          ...[user_id, session.session_id, randomUUID(), randomBytes(32)],
        ]),
      ),
    stranger: 'whatsapp.session_not_found',
    member: [{ id: expect.any(String) }],
  },
  list_whatsapp_links: {
    run: (user_id) =>
      call(
        `select count(*) as n from jsonb_array_elements(app.list_whatsapp_links($1)) l where l #>> '{session,id}' = $2`,
        [user_id, session.session_id],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  delete_whatsapp_link: {
    run: (user_id) =>
      failure(call(`select 1 as n from app.delete_whatsapp_link($1, $2, 'r')`, [user_id, link.link_id])),
    stranger: 'whatsapp.link_not_found',
    member: [{ n: 1 }],
  },
  // No person's: what comes through the door that the workers' secret opens. It tells numbers alone.
  take_whatsapp_events: {
    run: async () => {
      const item = { event_id: randomUUID(), seq: 1, data: { session_id: randomUUID(), generation: 1 } };
      return call(`select app.take_whatsapp_events('message-inbound', $1, $2) as answer`, [randomUUID(), [item]]);
    },
    stranger: [{ answer: { taken: 0, repeated: 0, ignored: 1, qr: null } }],
    member: [{ answer: { taken: 0, repeated: 0, ignored: 1, qr: null } }],
  },
  append_system_audit: {
    run: () =>
      failure(
        call(`select app.append_system_audit('a.reason', $1, null, 'x.y', 'x', 'x', null, null, 'r')`, [
          canvas.workspace_id,
        ]),
      ),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  search: {
    run: (user_id) =>
      call(
        `select count(*) as n from app.search($1, '{"any": [["seeded"]], "without": []}', null, $2, null, true, null, null, null, 9)`,
        [user_id, canvas.canvas_id],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  filter_canvas_people: {
    run: (user_id) =>
      failure(
        call('select app.filter_canvas_people($1, $2, $3) = $4 as yes', [
          user_id,
          canvas.canvas_id,
          [member.user_id, stranger.user_id],
          [member.user_id],
        ]),
      ),
    stranger: 'canvas.not_found',
    member: [{ yes: true }],
  },
  // Whoever has the token needs nothing else, and without it there is nothing; who asks is not even told.
  open_share_link: {
    run: () => call(`select * from app.open_share_link(decode(repeat('00', 32), 'hex'), null)`, []),
    stranger: [],
    member: [],
  },
  find_canvas_access: {
    run: (user_id) => failure(call('select * from app.find_canvas_access($1, $2)', [user_id, canvas.canvas_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  rebalance_ranks: {
    run: () => failure(call('select * from app.rebalance_ranks($1, $2)', [canvas.canvas_id, 'request-1'])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  find_workspace_role: {
    run: (user_id) => failure(call('select app.find_workspace_role($1, $2)', [user_id, canvas.workspace_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  purge_workspace_step: {
    run: () => failure(call(`select * from app.purge_workspace_step(1, 'r')`, [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  purge_rows: {
    run: () => failure(call('select app.purge_rows($1, 1)', [canvas.workspace_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  purge_trash: {
    run: () => failure(call('select * from app.purge_trash(1, $1)', ['r'])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  purge_departed: {
    run: () => failure(call('select * from app.purge_departed(1)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  thin_history: {
    run: () => failure(call('select * from app.thin_history(null, 1)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  append_user_event: {
    run: (user_id) =>
      failure(call('select * from app.append_user_event($1, $2, $3, $4)', [user_id, randomUUID(), 'x.y', {}])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
};

/** Those of the calendar. */
Object.assign(CASES, {
  set_calendar_context: {
    run: (user_id) =>
      failure(call('select role from app.set_calendar_context($1, $2)', [user_id, calendar.calendar_id])),
    stranger: 'calendar.not_found',
    member: [{ role: 'editor' }],
  },
  set_schedule_context: {
    run: (user_id) =>
      failure(call('select role from app.set_schedule_context($1, $2)', [user_id, schedule.schedule_id])),
    stranger: 'schedule.not_found',
    member: [{ role: 'editor' }],
  },
  list_calendars: {
    run: (user_id) =>
      call('select count(*) as n from app.list_calendars($1, null, null, null, 50) where id = $2', [
        user_id,
        calendar.calendar_id,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  // Tells yes or no of ids that one knows.
  people_among: {
    run: () => call('select count(*) as n from app.people_among($1)', [[member.user_id, randomUUID()]]),
    stranger: [{ n: 1 }],
    member: [{ n: 1 }],
  },
  default_calendar: {
    run: (user_id) => call('select app.default_calendar($1) = $2 as yes', [user_id, calendar.calendar_id]),
    stranger: [{ yes: false }],
    member: [{ yes: false }],
  },
  count_calendars: {
    run: (user_id) => call('select app.count_calendars($1, $2) as n', [user_id, calendar.workspace_id]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  // Their own, of which one is in everybody's personal space.
  count_subscriptions: {
    run: (user_id) => call('select app.count_subscriptions($1) as n', [user_id]),
    stranger: [{ n: 1 }],
    member: [{ n: 2 }],
  },
  get_time_zone: {
    run: () => call('select app.get_time_zone($1) as time_zone', [randomUUID()]),
    stranger: [{ time_zone: 'UTC' }],
    member: [{ time_zone: 'UTC' }],
  },
  get_calendar_tenant: {
    run: (user_id) =>
      call('select app.get_calendar_tenant($1, $2) is null as unknown', [user_id, calendar.calendar_id]),
    stranger: [{ unknown: true }],
    member: [{ unknown: false }],
  },
  get_schedule_tenant: {
    run: (user_id) =>
      call('select app.get_schedule_tenant($1, $2) is null as unknown', [user_id, schedule.schedule_id]),
    stranger: [{ unknown: true }],
    member: [{ unknown: false }],
  },
  list_subscriptions: {
    run: (user_id) =>
      failure(
        call('select count(*) as n from app.list_subscriptions($1, $2, null, null, 50)', [
          user_id,
          calendar.calendar_id,
        ]),
      ),
    stranger: 'calendar.not_found',
    member: [{ n: 2 }],
  },
  is_in_calendar_workspace: {
    run: (user_id) => failure(call('select app.is_in_calendar_workspace($1, $2, $1)', [user_id, calendar.calendar_id])),
    stranger: 'calendar.not_found',
    member: 'calendar.forbidden',
  },
  // Outside of the context of its owner there is no such calendar, whoever asks.
  bury_calendar_guests: {
    run: () =>
      failure(call(`select app.bury_calendar_guests($1, $2, '{}')`, [calendar.workspace_id, calendar.calendar_id])),
    stranger: 'calendar.not_found',
    member: 'calendar.not_found',
  },
  end_calendar_membership: {
    run: (user_id) =>
      failure(call('select app.end_calendar_membership($1, $2, $3)', [calendar.workspace_id, member.user_id, user_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  leave_calendars: {
    run: () => failure(call('select app.leave_calendars()', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  // Counts up a number that nobody reads through it.
  bump_user_calendars: {
    run: () => call('select app.bump_user_calendars($1) is null as told', [[member.user_id]]),
    stranger: [{ told: false }],
    member: [{ told: false }],
  },
  // Only guests of a schedule of the calendar whose context the caller has.
  bury_schedule_guests: {
    run: (user_id) =>
      call('select app.bury_schedule_guests($1, $2) is null as told', [schedule.schedule_id, [user_id]]),
    stranger: [{ told: false }],
    member: [{ told: false }],
  },
  list_schedule_guests: {
    run: (user_id) =>
      failure(
        call(`select count(*) as n from app.list_schedule_guests($1, $2, null, null, 9) where guest ->> 'id' = $3`, [
          user_id,
          schedule.schedule_id,
          guest.guest_id,
        ]),
      ),
    stranger: 'schedule.not_found',
    member: [{ n: 1 }],
  },
  find_invitees: {
    run: (user_id) =>
      failure(
        call('select user_id = $3 as found, unknown from app.find_invitees($1, $2, $4)', [
          user_id,
          calendar.calendar_id,
          member.user_id,
          [{ user_id: member.user_id }],
        ]),
      ),
    stranger: 'calendar.not_found',
    member: [{ found: true, unknown: false }],
  },
  // For guests of it alone, of whom neither is one.
  find_organiser: {
    run: (user_id) => failure(call('select app.find_organiser($1, $2)', [user_id, schedule.schedule_id])),
    stranger: 'schedule.not_found',
    member: 'schedule.not_found',
  },
  // For anybody with a token that the service has signed; it names the guest.
  preview_rsvp: {
    run: (user_id) =>
      failure(
        call('select count(*) as n from jsonb_object_keys(app.preview_rsvp($1))', [
          user_id === member.user_id ? guest.guest_id : randomUUID(),
        ]),
      ),
    stranger: 'rsvp.not_found',
    member: [{ n: 9 }],
  },
  answer_rsvp: {
    run: (user_id) =>
      failure(
        call(`select app.answer_rsvp($1, 'accepted', null, 'r', null) ->> 'response' as response`, [
          user_id === member.user_id ? guest.guest_id : randomUUID(),
        ]),
      ),
    stranger: 'rsvp.not_found',
    member: [{ response: 'accepted' }],
  },
  get_guest_mail: {
    run: () => failure(call('select app.get_guest_mail($1, $2)', [randomUUID(), guest.guest_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  get_cancellation_mail: {
    run: (user_id) =>
      failure(
        call(`select app.get_cancellation_mail($1, $2, $3, now(), $4, 'a@b.test', $5)`, [
          randomUUID(),
          schedule.workspace_id,
          guest.guest_id,
          schedule.schedule_id,
          user_id,
        ]),
      ),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  take_due_reminders: {
    run: () => failure(call('select app.take_due_reminders(now(), 1)', [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  settle_reminders: {
    run: () => failure(call(`select app.settle_reminders('[]', '[]', 'r')`, [])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  get_reminder_mail: {
    run: (user_id) =>
      failure(call('select app.get_reminder_mail($1, $2, now()::timestamp)', [user_id, schedule.schedule_id])),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  },
  move_schedule_to_calendar: {
    run: (user_id) =>
      failure(
        call(`select app.move_schedule_to_calendar($1, $2, $3, null, 'r', null) ->> 'role' as role`, [
          user_id,
          schedule.schedule_id,
          calendar.calendar_id,
        ]),
      ),
    stranger: 'schedule.not_found',
    member: [{ role: 'editor' }],
  },
  view_schedules: {
    run: (user_id) =>
      call(
        `select count(*) as n from app.view_schedules($1, '2026-03-01', '2026-04-01', null, null, true, null, 9, 9) where calendar_id = $2`,
        [user_id, calendar.calendar_id],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  sync_heads: {
    run: (user_id) =>
      call('select count(*) as n from app.sync_heads($1, null, null, null) where calendar_id = $2', [
        user_id,
        calendar.calendar_id,
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  sync_schedules: {
    run: (user_id) =>
      call(
        `select count(*) as n from app.sync_schedules($1, array[$2]::uuid[], '{-1}', array[$2]::uuid[], -1, '2026-03-01', '2026-04-01',
          '2026-03-01', null, 9) where calendar_id = $2`,
        [user_id, calendar.calendar_id],
      ),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  sync_busy: {
    run: (user_id) =>
      call(`select count(*) as n from app.sync_busy($1, array[$2]::uuid[], '2026-03-01', '2026-04-01', 9)`, [
        user_id,
        calendar.calendar_id,
      ]),
    // The editor sees what it is; that somebody is busy is told to whoever sees no more (views.pg.test.ts of the API).
    stranger: [{ n: 0 }],
    member: [{ n: 0 }],
  },
  // Only of schedules that one may read; the free/busy of the workspace's people is its members' to know.
  name_occurrence: {
    run: (user_id) =>
      call(`select app.name_occurrence($1, $2, '2026-03-02T09:00:00') ->> 'schedule_id' = $2::uuid::text as named`, [
        user_id,
        schedule.schedule_id,
      ]),
    stranger: [{ named: null }],
    member: [{ named: true }],
  },
  freebusy_stamps: {
    run: (user_id) => call(`select app.freebusy_stamps($1, $2) = '' as unknown`, [[user_id], [calendar.user_id]]),
    stranger: [{ unknown: true }],
    member: [{ unknown: false }],
  },
  read_freebusy: {
    run: (user_id) =>
      call(`select count(*) as n from app.read_freebusy($1, $2, '2026-03-01', '2026-03-08')`, [
        user_id,
        [calendar.user_id],
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
  list_busy: {
    run: (user_id) =>
      call(`select count(*) as n from app.list_busy($1, $2, '{2026-03-01}', '{2026-03-08}', '{}')`, [
        user_id,
        [calendar.user_id],
      ]),
    stranger: [{ n: 0 }],
    member: [{ n: 1 }],
  },
} satisfies typeof CASES);

/** Those of ICS. */
Object.assign(CASES, {
  open_export: {
    run: (user_id) =>
      failure(
        call(`select calendar ->> 'name' is not null as named from app.open_export($1, $2)`, [
          user_id,
          calendar.calendar_id,
        ]),
      ),
    stranger: 'calendar.not_found',
    member: [{ named: true }],
  },
  export_schedules: {
    run: (user_id) =>
      failure(call('select count(*) as n from app.export_schedules($1, $2, null, 9)', [user_id, calendar.calendar_id])),
    stranger: 'calendar.not_found',
    member: [{ n: 1 }],
  },
  // By a token alone, which nobody has who was not given it.
  find_feed: {
    run: () => failure(call(`select user_id from app.find_feed(repeat('0', 64))`, [])),
    stranger: 'calendar.feed_not_found',
    member: 'calendar.feed_not_found',
  },
} satisfies typeof CASES);

/** Those that write instances: nobody's but the jobs'. */
for (const [name, params] of Object.entries({
  read_expansion: [randomUUID()],
  write_instances: [randomUUID(), 0, 'infinity', null, [], false, 'infinity', 'infinity', [], [], [], []],
  finish_instances: [randomUUID(), 0, 'infinity', [], false, 'infinity', 'infinity', 'infinity', null, 'x', null],
  prune_instances: [randomUUID(), 1],
  trim_instances: [randomUUID(), 1],
  list_horizons: ['2026-01-01T00:00:00Z', null, null, 1],
  list_uncovered: [null, 1],
  count_uncovered: [],
  list_zone_rules: ['x', '2026-01-01T00:00:00Z'],
  begin_zone_change: ['UTC', 'x'],
  finish_zone_check: [['UTC'], 'x'],
  uncover_zones: [['UTC'], 'x', null, 1, 'r'],
  // Triggers; no role has them, and none needs them.
  leave_instances: [],
  bump_workspace_calendars: [],
  list_left_instances: [null, 1],
  forget_tombstones: ['2026-01-01T00:00:00Z', 1],
  choose_fan_out: [randomUUID(), 1, 1],
  copy_instances: [randomUUID(), 0, [], false, null, 1],
  turn_subscriptions: [randomUUID(), 0, [], []],
  prune_calendar: [randomUUID(), null, 1, 1],
}))
  CASES[name] = {
    run: () => failure(call(`select app.${name}(${params.map((_, n) => `$${n + 1}`).join(', ')})`, params)),
    stranger: 'db.forbidden',
    member: 'db.forbidden',
  };

test.each(Object.keys(CASES))('%s tells a stranger nothing', async (name) => {
  const { run, stranger: nothing, member: something } = CASES[name]!;
  expect(await run(stranger.user_id)).toEqual(nothing);
  expect(await run(member.user_id)).toEqual(something);
});

test('every definer function has its case', async () => {
  const rows = await t.asOwner<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = 'app'::regnamespace and prosecdef`,
  );
  expect(rows.map((row) => row.name).toSorted()).toEqual(Object.keys(CASES).toSorted());
});

test('to a stranger a foreign canvas and none at all are the same, on every function that takes one', async () => {
  const rows = await t.asOwner<{ name: string; args: string }>(`
    select p.proname as name, string_agg(format_type(a.type, null), ',' order by a.n) as args
    from pg_proc p cross join unnest(p.proargtypes) with ordinality as a (type, n)
    where p.pronamespace = 'app'::regnamespace and p.proargnames[1:2] = array['p_user_id', 'p_canvas_id']
      and has_function_privilege('app_user', p.oid, 'execute')
      and p.proname not in ('create_canvas', 'get_canvas_role', 'get_canvas_tenant', 'get_stored_bytes')
    group by p.oid, p.proname`);
  expect(rows.length).toBeGreaterThan(12);
  const values: Record<string, unknown> = {
    uuid: randomUUID(),
    'uuid[]': [randomUUID()],
    bytea: Buffer.alloc(32),
    text: 'viewer',
    jsonb: [{ op: 'delete', block_id: randomUUID(), version: 1 }],
    integer: 1,
    bigint: 0,
    boolean: true,
    'timestamp with time zone': null,
  };
  for (const { name, args } of rows) {
    const types = args.split(',');
    const ask = async (canvas_id: string): Promise<unknown> => {
      const params = types.map((type, n) => (n === 0 ? stranger.user_id : n === 1 ? canvas_id : values[type]));
      const list = types.map((type, n) => `$${n + 1}::${type}`).join(', ');
      const error: unknown = await t.db
        .call(`select * from app.${name}(${list})`, params)
        .catch((reason: unknown) => reason);
      const { kind, code, message, meta } = error as { kind: string; code: string; message: string; meta: unknown };
      return { kind, code, message, meta };
    };
    const foreign = await ask(canvas.canvas_id);
    expect(foreign, name).toMatchObject({ kind: 'not_found', code: 'canvas.not_found' });
    expect(foreign, name).toEqual(await ask(randomUUID()));
  }
});

test('to a stranger a foreign calendar or schedule and none at all are the same, on every function that takes one', async () => {
  const rows = await t.asOwner<{ name: string; args: string; thing: string }>(
    `select p.proname as name, string_agg(format_type(a.type, null), ',' order by a.n) as args,
       split_part(p.proargnames[2], '_', 2) as thing
     from pg_proc p cross join unnest(p.proargtypes) with ordinality as a (type, n)
     where p.pronamespace = 'app'::regnamespace and p.proargnames[1] = 'p_user_id'
       and p.proargnames[2] in ('p_calendar_id', 'p_schedule_id')
       and has_function_privilege('app_user', p.oid, 'execute') and p.proname <> all ($1)
     group by p.oid, p.proname`,
    [NOT_OF_ONE_CALENDAR],
  );
  expect(rows.length).toBeGreaterThan(1);
  for (const { name, args, thing } of rows) {
    const types = args.split(',');
    const ask = async (id: string): Promise<unknown> => {
      const params = types.map((type, n) => (n === 0 ? stranger.user_id : n === 1 ? id : ARGUMENTS[type]));
      const list = types.map((type, n) => `$${n + 1}::${type}`).join(', ');
      return t.db.call(`select * from app.${name}(${list})`, params).catch((error: unknown) => {
        const { kind, code, message, meta } = error as { kind: string; code: string; message: string; meta: unknown };
        return { kind, code, message, meta };
      });
    };
    const foreign = await ask(thing === 'schedule' ? schedule.schedule_id : calendar.calendar_id);
    expect(foreign, name).toEqual(await ask(randomUUID()));
    if (!Array.isArray(foreign)) {
      const { kind, code } = foreign as { kind: string; code: string };
      expect([`${thing}.not_found`, 'invalid'], name).toContain(kind === 'invalid' ? kind : code);
    }
  }
});

/** Take the id of what is yet to be made. */
const NOT_OF_ONE_CALENDAR = ['create_calendar', 'create_schedule'];

const ARGUMENTS: Record<string, unknown> = {
  uuid: randomUUID(),
  'uuid[]': [randomUUID()],
  text: 'viewer',
  'text[]': ['viewer'],
  jsonb: {},
  integer: 1,
  bigint: 0,
  boolean: true,
  bytea: Buffer.alloc(32),
  'timestamp without time zone': '2026-03-02T09:00:00',
  'timestamp with time zone': '2026-03-02T09:00:00Z',
};

test('access of every kind shows the right role, the highest path wins, and a deleted workspace ends all', async () => {
  const workspace = await seedWorkspace(t.db);
  const home = await seedCanvas(t.db, workspace);
  const role = async (user_id: string): Promise<unknown> => {
    const [row] = await t.db.call<{ role: unknown }>('select app.get_canvas_role($1, $2) as role', [
      user_id,
      home.canvas_id,
    ]);
    return row?.role;
  };
  const admin = await addMember(t.db, workspace, 'admin');
  const plain = await addMember(t.db, workspace, 'member');
  const guest = await addMember(t.db, workspace, 'guest');
  const invited = await addCanvasAccess(t.db, home, 'commenter');
  expect(
    await Promise.all([home.user_id, admin.user_id, plain.user_id, guest.user_id, invited.user_id].map(role)),
  ).toEqual(['owner', 'admin', 'editor', null, 'commenter']);
  await addCanvasAccess(t.db, home, 'viewer', plain);
  await addCanvasAccess(t.db, home, 'viewer', guest);
  await addCanvasAccess(t.db, home, 'admin', invited);
  expect(await Promise.all([plain.user_id, guest.user_id, invited.user_id].map(role))).toEqual([
    'editor',
    'viewer',
    'admin',
  ]);
  await t.asOwner('update app.workspaces set deleted_at = now() where id = $1', [workspace.workspace_id]);
  expect(await Promise.all([home.user_id, admin.user_id, invited.user_id].map(role))).toEqual([null, null, null]);
  const edit = applyBlockMutations(t.db, {
    ...home,
    mutation_id: randomUUID(),
    request_hash: 'h',
    request_id: 'r',
    ops: [{ op: 'delete', block_id: randomUUID(), version: 1 }],
  });
  await expect(edit).rejects.toMatchObject({ code: 'canvas.not_found' });
});
