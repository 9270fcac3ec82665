import { randomInt, randomUUID } from 'node:crypto';
import {
  seedGuest,
  seedReminder,
  seedSchedule,
  seedSubscription,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import {
  seedContext,
  seedMemories,
  seedMessage,
  seedRolePrompt,
  seedRun,
  seedToolCall,
} from '@potentia/db/testing/seed-chat';
import {
  batchOf,
  inboundEvent,
  messageStatusEvent,
  statusEvent,
  usageEvent,
} from '@potentia/domain/whatsapp/testing/worker-events';
import { seedLink, seedSession } from '@potentia/db/testing/seed-whatsapp';
import type { Person } from './api.ts';
import type { Door } from './doors.ts';
import { CHAT, registerWorker } from './worker.ts';
import { calendarOf, mustBe, type World } from './world.ts';

/*
 * What every operation needs to be asked in earnest: something that each id in its path names, and a body that is valid.
 * An operation that is not provided for fails the tests that are made of the OpenAPI document.
 */

/** The world that is asked about, and who asks: some things only their author may change. */
interface Scene extends World {
  by: Person;
  operation_id: string;
}
type Make = (scene: Scene) => string | Promise<string>;

const inCanvas = ({ canvas_id }: World, path: string): string => `/api/v1/canvases/${canvas_id}/${path}`;
const inWorkspace = ({ workspace_id }: World, path: string): string => `/api/v1/workspaces/${workspace_id}/${path}`;
const post = async (scene: Scene, status: number, path: string, body?: object, who = scene.cast.owner) =>
  mustBe(status, await scene.api.call(who, 'POST', path, body));

const PNG = Buffer.from(`89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489${'01'.repeat(40)}`, 'hex');

/** By parameter; `operationId.parameter` comes first. */
const IDS: Record<string, Make> = {
  workspace_id: ({ workspace_id }) => workspace_id,
  canvas_id: ({ canvas_id }) => canvas_id,
  block_id: makeBlock,
  'restoreBlock.block_id': async (scene) => {
    const id = await makeBlock(scene);
    const ops = [{ op: 'delete', block_id: id, version: 1 }];
    await post(scene, 200, inCanvas(scene, 'mutate'), { mutation_id: randomUUID(), ops });
    return id;
  },
  'restoreBlockVersion.block_id': async (scene) => {
    const id = await makeBlock(scene);
    const ops = [{ op: 'edit', block_id: id, version: 1, content: { text: 'two' } }];
    await post(scene, 200, inCanvas(scene, 'mutate'), { mutation_id: randomUUID(), ops });
    return id;
  },
  version: () => '1',
  calendar_id: ({ calendar_id }) => calendar_id,
  // Who asks for their feed has one.
  'getFeed.calendar_id': withFeed,
  'revokeFeed.calendar_id': withFeed,
  'openFeed.token': makeFeedToken,
  schedule_id: async (scene) => (await makeSchedule(scene)).schedule_id,
  'getSubscription.user_id': subscribeSomebody,
  'updateSubscription.user_id': subscribeSomebody,
  'deleteSubscription.user_id': subscribeSomebody,
  'changeMember.user_id': ({ cast }) => cast.viewer.user_id,
  'removeMember.user_id': ({ cast }) => cast.commenter.user_id,
  user_id: ({ cast }) => cast.member.user_id,
  attachment_id: async (scene) => {
    const body = { name: 'a.png', media_type: 'image/png', size: PNG.length };
    const { attachment, upload } = await post(scene, 201, inCanvas(scene, 'attachments'), body);
    await send(upload as Upload, PNG);
    const { id } = attachment as { id: string };
    if (scene.operation_id !== 'completeAttachment')
      await post(scene, 200, inCanvas(scene, `attachments/${id}/complete`));
    return id;
  },
  comment_id: async (scene) => {
    const body = { mutation_id: randomUUID(), text: 'words' };
    const { comment } = await post(scene, 201, inCanvas(scene, 'comments'), body, scene.by);
    return comment.id;
  },
  share_link_id: async (scene) => (await post(scene, 201, inCanvas(scene, 'share-links'), {})).id,
  token: async (scene) => (await post(scene, 201, inCanvas(scene, 'share-links'), {})).token,
  invitation_id: (scene) => invite(scene, inWorkspace(scene, 'invitations'), 'member'),
  'resendCanvasInvitation.invitation_id': (scene) => invite(scene, inCanvas(scene, 'invitations'), 'viewer'),
  'revokeCanvasInvitation.invitation_id': (scene) => invite(scene, inCanvas(scene, 'invitations'), 'viewer'),
  api_key_id: async (scene) =>
    (await post(scene, 201, inWorkspace(scene, 'api-keys'), { name: 'key', scopes: ['canvas:read'] })).id,
  session_id: (scene) => makeSession(scene),
  'restoreWhatsappSession.session_id': (scene) =>
    makeSession(scene, { status: 'logged_out', desired_state: 'logged_out' }),
  // Of a session that nobody here has.
  chat_id: () => randomUUID(),
  link_id: async ({ backends, session_id, by }) => (await seedLink(backends.database, { session_id }, by)).link_id,
  // One of its own, at the same address, so that it may be emptied.
  worker_id: async ({ api, worker }) => (await registerWorker(api, worker.url)).worker_id,
  webhook_id: async (scene) => (await post(scene, 201, inWorkspace(scene, 'webhooks'), WEBHOOK)).id,
  transfer_id: async (scene) => {
    if (scene.operation_id.includes('Export')) return (await post(scene, 202, inWorkspace(scene, 'exports'))).id;
    const made = await post(scene, 201, inWorkspace(scene, 'imports'), { size: PNG.length });
    await send(made.upload as Upload, PNG);
    return made.import.id;
  },
  // What follows belongs to whoever asks.
  context_id: async ({ backends, by }) => (await seedContext(backends.database.db, by)).context_id,
  'restoreContext.context_id': async ({ backends, by }) =>
    (await seedContext(backends.database.db, by, { status: 'archived' })).context_id,
  'mergeContexts.context_id': async ({ backends, by, workspace_id }) => {
    merge_targets.set(workspace_id, (await seedContext(backends.database.db, by)).context_id);
    return (await seedContext(backends.database.db, by)).context_id;
  },
  message_id: async ({ backends, by }) => {
    const { db } = backends.database;
    return (await seedMessage(db, await seedContext(db, by))).message_id;
  },
  memory_id: async ({ backends, by }) => (await seedMemories(backends.database.db, by)).memory_id,
  role_prompt_id: async ({ backends, cast, workspace_id }) => {
    const workspace = { workspace_id, owner_user_id: cast.owner.user_id };
    return (await seedRolePrompt(backends.database.db, workspace)).role_prompt_id;
  },
  run_id: async ({ backends, by, workspace_id }) =>
    (await seedRun(backends.database.db, { user_id: by.user_id, workspace_id })).run_id,
  tool_call_id: async ({ backends, by, workspace_id }) => {
    const { db } = backends.database;
    return (await seedToolCall(db, await seedRun(db, { user_id: by.user_id, workspace_id }))).tool_call_id;
  },
  'undoToolCall.tool_call_id': async ({ backends, by, workspace_id }) => {
    const { db } = backends.database;
    const { memory_id } = await seedMemories(db, by);
    const undo = { tool: 'delete_memory', arguments: { memory_id } };
    const run = await seedRun(db, { user_id: by.user_id, workspace_id });
    return (await seedToolCall(db, run, { status: 'done', undo })).tool_call_id;
  },
};

/** A session of the world's workspace, connected, whose codes can be seen. */
async function makeSession(scene: Scene, overrides: { status?: string; desired_state?: string } = {}): Promise<string> {
  const { backends, cast, workspace_id, api, worker } = scene;
  const { worker_id } = worker;
  const home = { workspace_id, owner_user_id: cast.owner.user_id };
  const { session_id } = await seedSession(backends.database, home, { worker_id, ...overrides });
  const code = { text: 'words of a code', serial: 1, expires_at: new Date(Date.now() + 60_000).toISOString() };
  await api.context.live_codes.put('qr', session_id, code);
  return session_id;
}

/** The id of a group, in which WhatsApp has only digits. */
const someGroup = (): string => `120363${randomInt(1e9, 1e10)}`;

/** What names nothing, where a parameter of this name is to name something. */
export const nothingFor = (name: string): string => (name === 'group_id' ? someGroup() : randomUUID());

/** Something that the worker knows of the session before it in the path. */
const known =
  (make: () => string) =>
  ({ worker }: Scene, { session_id = '' }: Record<string, string>): Promise<string> => {
    const name = make();
    worker.know(session_id, name);
    return Promise.resolve(name);
  };

/** Where a context is to go, by the world in which that is asked: a second one of the same person. */
const merge_targets = new Map<string, string>();

/** Ids that belong to the one before them in the path. */
const IDS_BELOW: Record<string, (scene: Scene, ids: Record<string, string>) => Promise<string>> = {
  delivery_id: async (scene, { webhook_id = '' }) => {
    await post(scene, 202, inWorkspace(scene, `webhooks/${webhook_id}/test`));
    const list = await scene.api.call(scene.cast.owner, 'GET', inWorkspace(scene, `webhooks/${webhook_id}/deliveries`));
    return mustBe(200, list).items[0].id;
  },
  guest_id: async (scene, { schedule_id = '' }) => {
    const schedule = { ...calendarOf(scene), schedule_id, uid: '' };
    return (await seedGuest(scene.backends.database.db, schedule, { email: email() })).guest_id;
  },
  'getWhatsappMessage.message_id': known(() => randomUUID()),
  'getWhatsappMessageMedia.message_id': known(() => randomUUID()),
  media_id: known(() => randomUUID()),
  group_id: known(someGroup),
  // Whoever asks has it: a reminder is one person's.
  reminder_id: async (scene, { schedule_id = '' }) => {
    const schedule = { ...calendarOf(scene), schedule_id, uid: '' };
    return (await seedReminder(scene.backends.database.db, schedule, scene.by)).reminder_id;
  },
};

/** Past the verb, since a key that only reads makes none. */
async function withFeed({ backends, calendar_id, workspace_id, by }: Scene): Promise<string> {
  const text = `insert into app.calendar_feeds (workspace_id, calendar_id, user_id, token_hash)
    values ($1, $2, $3, encode(sha256(gen_random_uuid()::text::bytea), 'hex'))`;
  await backends.database.asOwner(text, [workspace_id, calendar_id, by.user_id]);
  return calendar_id;
}

async function makeFeedToken(scene: Scene): Promise<string> {
  const { url } = await post(scene, 201, `/api/v1/calendars/${scene.calendar_id}/feed`);
  return /feeds\/(.+)\.ics$/.exec(url as string)?.[1] ?? '';
}

/** A reader of the world's calendar who asks for nothing themselves. */
async function subscribeSomebody(world: World): Promise<string> {
  return (await seedSubscription(world.backends.database.db, calendarOf(world))).user_id;
}

/** A schedule of the world's calendar, as the seeds take it: an hour on 2 March 2026. The owner and the guest are its guests. */
async function makeSchedule(world: World): Promise<SeededSchedule> {
  const { db } = world.backends.database;
  const schedule = await seedSchedule(db, calendarOf(world));
  for (const { user_id } of [world.cast.owner, world.cast.guest]) await seedGuest(db, schedule, { user_id });
  return schedule;
}

const nowhere = () => ({ session_id: randomUUID(), generation: 1 });

/** An address, since no name is looked up where there may be no network. */
const WEBHOOK = { url: 'https://93.184.215.14/potentia' };

interface Upload {
  method: string;
  headers: Record<string, string>;
  url: string;
}

async function send({ method, headers, url }: Upload, file: Buffer): Promise<void> {
  const { status } = await fetch(url, { method, headers, body: new Uint8Array(file) });
  if (status !== 200) throw new Error(`no upload: ${status}`);
}

async function makeBlock(scene: Scene): Promise<string> {
  const [id = ''] = await scene.api.addBlocks(scene.cast.owner, scene.canvas_id, ['one']);
  return id;
}

async function invite(scene: Scene, path: string, role: string): Promise<string> {
  return (await post(scene, 201, path, { email: `${randomUUID()}@example.com`, role })).id;
}

/** Something in this world that a parameter of this name could name. */
export async function makeId(name: string, world: World): Promise<string> {
  const make = IDS[name];
  if (!make) throw new Error(`testing/fixtures.ts makes nothing that {${name}} could name`);
  return make({ ...world, by: world.cast.owner, operation_id: '' });
}

/** What the path of this operation names, in this world. Throws for a parameter that nobody has provided for. */
export async function makeIds(
  door: Door,
  world: World,
  by: Person = world.cast.owner,
): Promise<Record<string, string>> {
  const { operationId: operation_id, parameters = [] } = door.operation;
  const scene = { ...world, by, operation_id };
  const ids: Record<string, string> = {};
  for (const { name } of parameters.filter((parameter) => parameter.in === 'path')) {
    const below = IDS_BELOW[`${operation_id}.${name}`] ?? IDS_BELOW[name];
    const make = IDS[`${operation_id}.${name}`] ?? (below ? undefined : IDS[name]);
    if (make) ids[name] = await make(scene);
    else if (below) ids[name] = await below(scene, ids);
    else throw new Error(`${door.name}: testing/fixtures.ts makes nothing that {${name}} could name`);
  }
  return ids;
}

const mutation_id = randomUUID;
const email = (): string => `${randomUUID()}@example.com`;

const ICS = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:-//potentia//tests//EN',
  'BEGIN:VEVENT',
  'UID:one@example.com',
  'DTSTAMP:20260301T000000Z',
  'DTSTART:20260302T090000Z',
  'DURATION:PT1H',
  'SUMMARY:One',
  'END:VEVENT',
  'END:VCALENDAR',
  '',
].join('\r\n');

/** By operationId, for each that takes a body. */
const BODIES: Record<string, (world: World) => unknown> = {
  // Of sessions that nobody has.
  takeSessionStatus: () => batchOf(randomUUID(), [statusEvent(nowhere())]),
  takeMessageStatus: () => batchOf(randomUUID(), [messageStatusEvent(nowhere())]),
  takeMessageInbound: () => batchOf(randomUUID(), [inboundEvent(nowhere(), 'words')]),
  takeSessionUsage: () => batchOf(randomUUID(), [usageEvent(nowhere())]),
  echo: () => ({ any: 'thing' }),
  refreshSession: () => ({ refresh_token: 'none' }),
  updateMe: () => ({ locale: 'id' }),
  createCanvas: ({ workspace_id }) => ({ workspace_id, title: 'new' }),
  updateCanvas: () => ({ title: 'changed' }),
  updateCanvasMeta: () => ({ title: 'changed' }),
  mutateBlocks: () => ({
    mutation_id: mutation_id(),
    ops: [{ op: 'create', type: 'text', content: { text: 'two' } }],
  }),
  publishPresence: () => ({ cursor: { x: 1 } }),
  restoreBlockVersion: () => ({ mutation_id: mutation_id(), version: 2 }),
  restoreBlock: () => ({ mutation_id: mutation_id() }),
  moveBlock: () => ({ mutation_id: mutation_id() }),
  copyBlock: () => ({ mutation_id: mutation_id() }),
  duplicateCanvas: () => ({}),
  inviteMember: ({ cast }) => ({ user_id: cast.stranger.user_id, role: 'viewer' }),
  changeMember: () => ({ role: 'commenter' }),
  createAttachment: () => ({ name: 'a.png', media_type: 'image/png', size: 100 }),
  importMarkdown: () => '# Heading',
  createComment: () => ({ mutation_id: mutation_id(), text: 'words' }),
  updateComment: () => ({ mutation_id: mutation_id(), version: 1, text: 'other words' }),
  createShareLink: () => ({}),
  openShared: () => ({}),
  createWorkspace: () => ({ name: 'new' }),
  updateWorkspace: () => ({ name: 'changed' }),
  transferWorkspace: ({ cast }) => ({ user_id: cast.member.user_id }),
  changeWorkspaceMember: () => ({ role: 'guest' }),
  updateWorkspaceSettings: () => ({ locale: 'id' }),
  inviteToWorkspace: () => ({ email: email(), role: 'member' }),
  inviteToCanvas: () => ({ email: email(), role: 'viewer' }),
  respondToWorkspaceInvitation: () => ({ token: 'none', response: 'reject' }),
  respondToCanvasInvitation: () => ({ token: 'none', response: 'reject' }),
  previewInvitation: () => ({ token: 'none' }),
  createApiKey: () => ({ name: 'key', scopes: ['canvas:read'] }),
  createImport: () => ({ size: 100 }),
  createWebhook: () => WEBHOOK,
  updateWebhook: () => ({ description: 'changed' }),
  createSchedule: ({ calendar_id }) => ({
    calendar_id,
    title: 'new',
    starts_local: '2026-03-02T09:00:00',
    duration_seconds: 3_600,
  }),
  updateSchedule: () => ({ title: 'changed' }),
  moveSchedule: () => ({ starts_local: '2026-03-03T09:00:00' }),
  addGuests: () => ({ email: email() }),
  updateGuest: () => ({ is_optional: true }),
  respondToSchedule: () => ({ response: 'accepted' }),
  previewRsvp: () => ({ token: 'none' }),
  answerRsvp: () => ({ token: 'none', response: 'accepted' }),
  createCalendar: ({ workspace_id }) => ({ workspace_id, name: 'new' }),
  updateCalendar: () => ({ name: 'changed' }),
  transferCalendar: ({ cast }) => ({ user_id: cast.admin.user_id }),
  createSubscription: ({ cast }) => ({ user_id: cast.guest.user_id, role: 'viewer' }),
  updateSubscription: () => ({ role: 'editor' }),
  'updateSubscription of oneself': () => ({ is_hidden: true }),
  createReminder: () => ({ minutes_before: 10 }),
  updateReminder: () => ({ minutes_before: 20 }),
  importCalendar: () => ({ ics: ICS }),
  readFreebusy: ({ cast }) => ({
    user_ids: [cast.owner.user_id],
    from: '2026-03-01T00:00:00Z',
    to: '2026-03-08T00:00:00Z',
  }),
  checkRule: () => ({ rrule: 'FREQ=DAILY;COUNT=3', starts_local: '2026-03-01T09:00:00', time_zone: 'Asia/Jakarta' }),
  findSlots: ({ cast }) => ({
    user_ids: [cast.owner.user_id],
    from: '2026-03-01T00:00:00Z',
    to: '2026-03-08T00:00:00Z',
    duration_minutes: 30,
  }),
  registerWorker: ({ worker: { url } }) => ({ name: randomUUID(), url, version: '1', capacity: 1 }),
  beatWorker: () => ({ sessions: 0, load: {}, status: 'alive', held: [] }),
  redriveWorkerDeadLetters: () => ({}),
  sendWhatsappMessage: () => ({ to: { phone: '6281200000001' }, content: { type: 'text', text: 'words' } }),
  createWhatsappMedia: () => ({ kind: 'image', media_type: 'image/png', size: 100 }),
  checkWhatsappContacts: () => ({ phones: ['6281200000001'] }),
  createWhatsappGroup: () => ({ subject: 'new', phones: ['6281200000001'] }),
  updateWhatsappGroup: () => ({ subject: 'changed' }),
  changeWhatsappParticipants: () => ({ action: 'add', phones: ['6281200000001'] }),
  markWhatsappRead: () => ({ chat_id: CHAT.chat_id }),
  showWhatsappTyping: () => ({ to: { phone: '6281200000001' }, state: 'composing' }),
  requestWhatsappPairingCode: () => ({ phone: '6281200000001' }),
  readWhatsappQrPage: () => ({ token: 'none' }),
  createWhatsappSession: ({ workspace_id }) => ({ workspace_id, name: 'new' }),
  updateWhatsappSession: () => ({ name: 'changed' }),
  connectWhatsappSession: () => ({}),
  migrateWhatsappSession: () => ({}),
  createWhatsappLink: ({ session_id }) => ({ session_id }),
  startTurn: () => ({ content: 'words' }),
  createContext: () => ({ title: 'new' }),
  updateContext: () => ({ title: 'changed' }),
  mergeContexts: ({ workspace_id }) => ({ into_context_id: merge_targets.get(workspace_id) ?? randomUUID() }),
  importMessages: () => ({
    messages: [{ external_id: randomUUID(), content: 'words', created_at: '2026-01-01T00:00:00Z' }],
  }),
  createMemory: () => ({ content: randomUUID() }),
  updateMemory: () => ({ is_pinned: true }),
  forgetEverything: () => ({ confirm: 'forget everything' }),
  searchMemory: () => ({ query: 'words' }),
  updateChatSettings: () => ({ is_memory_enabled: false }),
  createRolePrompt: () => ({ name: randomUUID(), aim: 'an aim', tone: 'a tone', prompt: 'a prompt' }),
  updateRolePrompt: () => ({ aim: 'another aim' }),
};

/**
 * A body that this operation takes, of oneself where that is another; undefined where it takes none. Throws where nobody
 * has provided for one.
 */
export function makeBody(door: Door, world: World, of_oneself = false): unknown {
  const { operationId, requestBody } = door.operation;
  if (!requestBody) return undefined;
  const make = (of_oneself ? BODIES[`${operationId} of oneself`] : undefined) ?? BODIES[operationId];
  if (!make) throw new Error(`${door.name}: testing/fixtures.ts has no body for ${operationId}`);
  return make(world);
}

/** Query parameters without which an operation is not asked in earnest. */
const QUERIES: Record<string, string | ((world: World) => string)> = {
  listWhatsappUsage: ({ workspace_id }) => `?workspace_id=${workspace_id}&from=2026-03-01&to=2026-03-08`,
  deleteWorkspace: '?name=Seeded+workspace',
  search: '?q=words',
  viewSchedules: '?from=2026-03-01T00:00:00Z&to=2026-03-08T00:00:00Z',
};

export function queryOf(door: Door, world: World): string {
  const query = QUERIES[door.operation.operationId] ?? '';
  return typeof query === 'string' ? query : query(world);
}
