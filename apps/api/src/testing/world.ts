import { randomUUID } from 'node:crypto';
import { addCanvasAccess, addMember, seedCanvas, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { seedSession } from '@potentia/db/testing/seed-whatsapp';
import { updateWorkspaceSettings } from '@potentia/db/workspace/settings-queries';
import { api_key_scopes, type Scope } from '@potentia/domain/auth/rules/scopes';
import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import type { Backends } from '@potentia/domain/platform/testing/backends';
import { startWorker, type TestWorker } from './worker.ts';
import { type Answer, person, type Person, type TestApi } from './api.ts';

/** An origin that every world's workspace lists, and no other: what a page of theirs may read tells nobody else that they exist. */
export const ORIGIN = 'https://app.tenant.example';

/** The people of every world. Nobody but the first six is in its workspace. */
export interface Cast {
  /** Of the workspace, the canvas and the calendar; a guest of its schedules. */
  owner: Person;
  /** Writes in the calendar. */
  admin: Person;
  /** Reads the calendar. */
  member: Person;
  /** Does not subscribe to the calendar, and is a guest of its schedules. */
  guest: Person;
  /** A guest of the workspace who sees of the calendar when it is busy. */
  onlooker: Person;
  /** An admin of the workspace who does not subscribe to the calendar. */
  outsider: Person;
  /** Invited to one canvas. */
  viewer: Person;
  /** The same; asks for nothing, but others change what they may. */
  commenter: Person;
  /** Owner of another workspace. */
  stranger: Person;
  /** Was an admin, and is no member any more. */
  removed: Person;
}

/** One workspace with one canvas and one calendar, of a test's own. */
export interface World {
  api: TestApi;
  backends: Backends;
  cast: Cast;
  workspace_id: string;
  canvas_id: string;
  calendar_id: string;
  /** It holds the WhatsApp sessions of all worlds of an API, and ends with the process. */
  worker: TestWorker;
  /** A WhatsApp session that no worker holds. */
  session_id: string;
}

/** The calendar of a world, as the seeds take it. */
export const calendarOf = ({ cast, workspace_id, calendar_id }: World): SeededCalendar => ({
  workspace_id,
  calendar_id,
  user_id: cast.owner.user_id,
});

export async function makeCast(api: TestApi, backends: Backends): Promise<Cast> {
  const somebody = async (name: string): Promise<Person> => {
    const who = await person(backends.issuer, { user_metadata: { full_name: name } });
    await api.call(who, 'GET', '/api/v1/me');
    return who;
  };
  return {
    owner: await somebody('Owner'),
    admin: await somebody('Admin'),
    member: await somebody('Member'),
    guest: await somebody('Guest'),
    onlooker: await somebody('Onlooker'),
    outsider: await somebody('Outsider'),
    viewer: await somebody('Viewer'),
    commenter: await somebody('Commenter'),
    stranger: await somebody('Stranger'),
    removed: await somebody('Removed'),
  };
}

export async function makeWorld(api: TestApi, backends: Backends, cast: Cast): Promise<World> {
  const { db } = backends.database;
  const workspace = await seedWorkspace(db, cast.owner);
  for (const role of ['admin', 'member', 'guest'] as const) await addMember(db, workspace, role, cast[role]);
  await addMember(db, workspace, 'guest', cast.onlooker);
  await addMember(db, workspace, 'admin', cast.outsider);
  const canvas = await seedCanvas(db, workspace, { title: 'canvas' });
  for (const role of ['viewer', 'commenter'] as const) await addCanvasAccess(db, canvas, role, cast[role]);
  const { workspace_id } = workspace;
  const calendar = await seedCalendar(db, workspace);
  await seedSubscription(db, calendar, 'editor', cast.admin);
  await seedSubscription(db, calendar, 'viewer', cast.member);
  await seedSubscription(db, calendar, 'freebusy', cast.onlooker);
  await updateWorkspaceSettings(db, {
    user_id: cast.owner.user_id,
    workspace_id,
    expected_version: 0,
    patch: { cors_origins: [ORIGIN], rate_limits: [{ limit: 50_000, window_ms: 60_000 }] },
    request_id: randomUUID(),
  });
  const { session_id } = await seedSession(backends.database, workspace);
  const { canvas_id } = canvas;
  const { calendar_id } = calendar;
  return { api, backends, cast, workspace_id, canvas_id, calendar_id, session_id, worker: await workerOf(api) };
}

const workers = new WeakMap<TestApi, Promise<TestWorker>>();
function workerOf(api: TestApi): Promise<TestWorker> {
  const worker = workers.get(api) ?? startWorker(api);
  workers.set(api, worker);
  return worker;
}

/** Makes `removed` an admin who was invited to the canvas and wrote in the calendar, who used all, and who is then removed over HTTP. */
export async function removeSomebody(world: World): Promise<void> {
  const { api, backends, cast, workspace_id, canvas_id, calendar_id } = world;
  const { db } = backends.database;
  const home = { workspace_id, owner_user_id: cast.owner.user_id };
  await addMember(db, home, 'admin', cast.removed);
  await addCanvasAccess(db, { workspace_id, canvas_id, user_id: cast.owner.user_id }, 'admin', cast.removed);
  await seedSubscription(db, calendarOf(world), 'editor', cast.removed);
  for (const path of [`canvases/${canvas_id}`, `workspaces/${workspace_id}`, `calendars/${calendar_id}`])
    mustBe(200, await api.call(cast.removed, 'GET', `/api/v1/${path}`, undefined, { origin: ORIGIN }));
  const member = `/api/v1/workspaces/${workspace_id}/members/${cast.removed.user_id}`;
  mustBe(204, await api.call(cast.owner, 'DELETE', member));
}

/**
 * An API key of this workspace with every scope that lets it do what needs `needed`, or with none of those. One for
 * calendars writes in the world's.
 */
export async function keyFor(world: World, needed: Scope | undefined, suited: boolean): Promise<Person> {
  const { workspace_id, cast, backends } = world;
  const unsuited = needed?.startsWith('canvas:') ? ['workspace:admin' as const] : ['canvas:write' as const];
  const scopes = suited && needed ? [needed] : needed ? unsuited : [...api_key_scopes];
  const home = { workspace_id, owner_user_id: cast.owner.user_id };
  const key = { ...(await giveApiKey(backends.database.db, home, scopes)), email: '' };
  if (suited && needed?.startsWith('calendar:'))
    await seedSubscription(backends.database.db, calendarOf(world), 'editor', key);
  return key;
}

/** The body of an answer of this status; throws what came instead. */
export function mustBe(status: number, answer: Answer): Answer['body'] {
  if (answer.status !== status) throw new Error(`${status} expected: ${answer.status} ${answer.text}`);
  return answer.body;
}
