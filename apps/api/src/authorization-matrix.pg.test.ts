import { randomUUID } from 'node:crypto';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { Access } from './platform/openapi.ts';
import { type Answer, type Person, startApi, type TestApi } from './testing/api.ts';
import { type Door, doorsOf, fillPath } from './testing/doors.ts';
import { makeBody, makeId, makeIds, nothingFor, queryOf } from './testing/fixtures.ts';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { type Cast, keyFor, makeCast, makeWorld, ORIGIN, removeSomebody, type World } from './testing/world.ts';

/*
 * Every operation of the OpenAPI document × everybody. What each is answered follows from `x-potentia-access` and
 * `x-potentia-scope` alone, so a new operation is in it by saying who may call it.
 */

const CANVAS_ROLES = ['viewer', 'commenter', 'editor', 'admin', 'owner'];
const WORKSPACE_ROLES = ['guest', 'member', 'admin', 'owner'];
const CALENDAR_ROLES = ['freebusy', 'viewer', 'editor', 'owner'];
const SCHEDULE_ROLES = ['viewer', 'guest', 'editor'];

/** What somebody is; null: nothing, so that there is nothing. */
interface Roles {
  canvas: string | null;
  workspace: string | null;
  calendar: string | null;
  schedule: string | null;
  /** Among the guests of the schedule: they alone answer. */
  is_guest?: boolean;
}
const NOTHING: Roles = { canvas: null, workspace: null, calendar: null, schedule: null };

/** What everybody is on the canvas, in the workspace, on the calendar and its schedules of a world. */
const ACTORS = {
  stranger: NOTHING,
  removed: NOTHING,
  viewer: { ...NOTHING, canvas: 'viewer' },
  guest: { ...NOTHING, workspace: 'guest', schedule: 'guest', is_guest: true },
  onlooker: { ...NOTHING, workspace: 'guest', calendar: 'freebusy' },
  outsider: { ...NOTHING, canvas: 'admin', workspace: 'admin' },
  member: { canvas: 'editor', workspace: 'member', calendar: 'viewer', schedule: 'viewer' },
  admin: { canvas: 'admin', workspace: 'admin', calendar: 'editor', schedule: 'editor' },
  owner: { canvas: 'owner', workspace: 'owner', calendar: 'owner', schedule: 'editor', is_guest: true },
} as const satisfies Record<string, Roles>;
type Actor = keyof typeof ACTORS;

/** And what a key with one scope is. */
const KEYS: Record<Scope, Roles> = {
  'canvas:read': ACTORS.member,
  'canvas:write': ACTORS.member,
  // That of a world writes in its calendar.
  'calendar:read': ACTORS.admin,
  'calendar:write': ACTORS.admin,
  'whatsapp:read': ACTORS.member,
  'whatsapp:write': ACTORS.member,
  'workspace:read': ACTORS.member,
  'workspace:admin': ACTORS.admin,
};

/** Who is let in and still not served, since what they ask is not for them to ask. */
const SERVED_OTHERWISE: Record<string, number> = {
  'leaveWorkspace by owner': 409,
  'deleteSubscription of oneself by owner': 409,
  // Whom the workspace gives access, not an invitation, leaves the workspace.
  'removeMember of oneself by member': 409,
  'removeMember of oneself by outsider': 409,
  'removeMember of oneself by admin': 409,
  'removeMember of oneself by owner': 409,
  'removeMember of oneself by a key with workspace:admin': 409,
};

let backends: Backends;
let objects: TestObjects;
let api: TestApi;
/** `of_oneself`: whoever asks names themselves in the path. */
type Asked = Door & { of_oneself?: true };

let doors: Asked[];
let cast: Cast;

beforeAll(async () => {
  [backends, objects] = await Promise.all([startBackends(), startObjects()]);
  api = await startApi(backends, objects.env);
  doors = doorsOf(api.app).flatMap((door) => [door, ...doorOfOneself(door)]);
  cast = await makeCast(api, backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await objects[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

/** An operation that needs another role where it is about oneself is asked that way, too. */
function doorOfOneself(door: Door): Asked[] {
  const access = door.operation['x-potentia-access'];
  if (typeof access !== 'object' || !('oneself' in access) || access.oneself === undefined) return [];
  const mine = 'canvas' in access ? { canvas: access.oneself } : { calendar: access.oneself };
  const operation = { ...door.operation, 'x-potentia-access': mine as Access };
  return [{ ...door, name: `${door.name} of oneself`, operation, of_oneself: true }];
}
const labelOf = ({ operation, of_oneself }: Asked): string =>
  of_oneself ? `${operation.operationId} of oneself` : operation.operationId;

const newWorld = (): Promise<World> => makeWorld(api, backends, cast);
const idsOf = ({ operation }: Door): string[] =>
  (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);

type Ids = Record<string, string>;
const ask = (
  door: Asked,
  world: World,
  who: Person | null,
  ids: Ids,
  body = makeBody(door, world, door.of_oneself),
): Promise<Answer> => {
  const type: Record<string, string> = typeof body === 'string' ? { 'content-type': 'text/markdown' } : {};
  const named = door.of_oneself && who ? { ...ids, user_id: who.user_id } : ids;
  const url = fillPath(door.path, named) + queryOf(door, world);
  return api.call(who, door.method, url, body, { origin: ORIGIN, ...type });
};

/**
 * An answer without what differs from one request to the next. Whose budget a request counts for is remembered for a minute:
 * until then who was just removed is told the limits of where they were.
 */
function essence({ status, headers, body, text }: Answer, actor?: string): unknown {
  const { date: _date, 'x-request-id': _id, ratelimit: _left, ...kept } = headers;
  if (actor === 'removed') delete kept['ratelimit-policy'];
  if (typeof body !== 'object' || body === null) return { status, kept, text };
  const { request_id: _request_id, instance: _instance, ...rest } = body as Record<string, unknown>;
  return { status, kept, rest };
}

/** The same ids, but what the path begins with is nothing at all. */
const withoutRoot = (door: Door, ids: Ids): Ids => ({ ...ids, [idsOf(door)[0] ?? '']: randomUUID() });

type Verdict = 'served' | 'forbidden' | 'not_found';
/** `is_theirs`: of what belongs to persons (`access: 'person'`), that it is this one's. To everybody else there is none. */
function verdictOf(door: Door, role: Roles, is_theirs: boolean): Verdict {
  const access = door.operation['x-potentia-access'];
  if (access === 'person') return is_theirs ? 'served' : 'not_found';
  if (typeof access !== 'object') throw new Error(`${door.name} names ids, and says nothing of whose they are`);
  if ('session' in access) {
    // Guests of its workspace know nothing of a session.
    if (role.workspace === null || role.workspace === 'guest') return 'not_found';
    return access.session === 'admin' && role.workspace === 'member' ? 'forbidden' : 'served';
  }
  const [have, needed, order] =
    'canvas' in access
      ? [role.canvas, access.canvas, CANVAS_ROLES]
      : 'calendar' in access
        ? [role.calendar, access.calendar, CALENDAR_ROLES]
        : 'schedule' in access
          ? [role.schedule, access.schedule, SCHEDULE_ROLES]
          : [role.workspace, access.workspace, WORKSPACE_ROLES];
  if (have === null) return 'not_found';
  if ('schedule' in access && needed === 'guest') return role.is_guest === true ? 'served' : 'forbidden';
  return order.indexOf(have) < order.indexOf(needed) ? 'forbidden' : 'served';
}

const NOT_FOUND =
  /^(canvas|workspace|calendar|schedule|memory|turn|tool|agent)\.not_found$|^chat\.(context|message)_not_found$|^(agent|whatsapp)\.\w+_not_found$/;

/** What is wrong with an answer; empty when nothing is. */
function faults(name: string, door: Door, verdict: Verdict, answer: Answer): string[] {
  const { status, text } = answer;
  const code = (answer.body as { code?: string } | null)?.code ?? '';
  const good = {
    served: () => (SERVED_OTHERWISE[name] === undefined ? status < 300 : status === SERVED_OTHERWISE[name]),
    forbidden: () => status === 403 && /^(canvas|workspace|calendar|schedule)\.forbidden$/.test(code),
    not_found: () => status === 404 && NOT_FOUND.test(code),
  }[verdict]();
  return good ? [] : [`${name} (${door.name}) is to be ${verdict}: ${status} ${text.slice(0, 200)}`];
}

function differences(name: string, what: string, there: Answer, not_there: Answer, actor?: string): string[] {
  const [a, b] = [JSON.stringify(essence(there, actor)), JSON.stringify(essence(not_there, actor))];
  return a === b ? [] : [`${name} can tell ${what} from nothing:\n  ${a}\n  ${b}`];
}

const countAudit = async ({ workspace_id }: World): Promise<number> => {
  const text = 'select count(*)::int as n from app.audit_logs where workspace_id = $1';
  return (await backends.database.asOwner<{ n: number }>(text, [workspace_id]))[0]?.n ?? 0;
};

/** All who are refused, in one world that they leave as it was. */
async function checkRefused(door: Asked): Promise<string[]> {
  const world = await newWorld();
  await removeSomebody(world);
  const { 'x-potentia-scope': scope } = door.operation;
  const label = labelOf(door);
  const unsuited_key = await keyFor(world, scope, false);
  const foreign_key = scope && (await keyFor(await newWorld(), scope, true));
  const ids = await makeIds(door, world);
  const before = await countAudit(world);
  const found: string[] = [];

  const anonymous = await ask(door, world, null, ids);
  if (anonymous.status !== 401) found.push(`${label} without a token: ${anonymous.status}`);
  found.push(
    ...differences(
      `${label} without a token`,
      'a thing',
      anonymous,
      await ask(door, world, null, withoutRoot(door, ids)),
    ),
  );

  const keyless = await ask(door, world, unsuited_key, ids);
  if (keyless.body?.code !== 'api_key.scope_missing') found.push(`${label} by a key without scope: ${keyless.text}`);

  const refused = (Object.keys(ACTORS) as Actor[]).map((actor) => ({ actor, who: cast[actor], role: ACTORS[actor] }));
  const strangers = foreign_key ? [{ actor: 'foreign key', who: foreign_key, role: ACTORS.stranger }] : [];
  for (const { actor, who, role } of [...refused, ...strangers]) {
    const verdict = verdictOf(door, role, who === cast.owner);
    if (verdict === 'served') continue;
    const name = `${label} by ${actor}`;
    const body = makeBody(door, world, door.of_oneself);
    const answer = await ask(door, world, who, ids, body);
    found.push(...faults(name, door, verdict, answer));
    if (verdict === 'not_found') {
      found.push(
        ...differences(name, 'a thing', answer, await ask(door, world, who, withoutRoot(door, ids), body), actor),
      );
    }
  }
  if ((await countAudit(world)) !== before) found.push(`${label} did something for somebody who was refused`);
  return found;
}

/** All who are served, each in a world of their own. */
async function checkServed(door: Asked): Promise<string[]> {
  const { 'x-potentia-scope': scope } = door.operation;
  const label = labelOf(door);
  const found: string[] = [];
  for (const actor of Object.keys(ACTORS) as Actor[]) {
    if (verdictOf(door, ACTORS[actor], true) !== 'served') continue;
    const world = await newWorld();
    const ids = await makeIds(door, world, cast[actor]);
    found.push(...faults(`${label} by ${actor}`, door, 'served', await ask(door, world, cast[actor], ids)));
  }
  if (scope) {
    const world = await newWorld();
    const key = await keyFor(world, scope, true);
    const verdict = verdictOf(door, KEYS[scope], true);
    const ids = await makeIds(door, world, verdict === 'served' ? key : cast.owner);
    found.push(...faults(`${label} by a key with ${scope}`, door, verdict, await ask(door, world, key, ids)));
  }
  return found;
}

/** A world of the stranger's own. */
const newForeignWorld = (): Promise<World> => makeWorld(api, backends, { ...cast, owner: cast.stranger });

/** Somebody's own canvas or workspace, with what another tenant's path names below it, and with what nothing names. */
async function checkMixed(door: Door): Promise<string[]> {
  const [root = '', ...below] = idsOf(door).filter((name) => name !== 'version');
  // Users are of no tenant: whether there is one is no secret.
  if (below.length === 0 || below.includes('user_id')) return [];
  const [mine, theirs] = [await newForeignWorld(), await newWorld()];
  const foreign = { ...(await makeIds(door, theirs)), [root]: (await makeIds(door, mine))[root] ?? '' };
  const nothing = { ...foreign, ...Object.fromEntries(below.map((name) => [name, nothingFor(name)])) };
  const body = makeBody(door, mine);
  const answer = await ask(door, mine, cast.stranger, foreign, body);
  const name = `${door.operation.operationId} in a place of one's own`;
  const found = differences(
    name,
    "another tenant's thing",
    answer,
    await ask(door, mine, cast.stranger, nothing, body),
  );
  if (answer.status !== 404) found.push(`${name} answers ${answer.status}: ${answer.text.slice(0, 200)}`);
  return found;
}

/** What fields of bodies and queries name, by the parameter of a path that would name the same. */
const NAMED_BY: Record<string, string> = {
  workspace_id: 'workspace_id',
  canvas_id: 'canvas_id',
  to_canvas_id: 'canvas_id',
  block_id: 'block_id',
  parent_id: 'block_id',
  after_id: 'block_id',
  thread_id: 'comment_id',
  invitation_id: 'invitation_id',
  calendar_id: 'calendar_id',
  schedule_id: 'schedule_id',
  context_id: 'context_id',
  into_context_id: 'context_id',
  message_id: 'message_id',
  memory_id: 'memory_id',
  role_prompt_id: 'role_prompt_id',
  run_id: 'run_id',
  tool_call_id: 'tool_call_id',
  session_id: 'session_id',
  chat_id: 'chat_id',
};
/** What the client makes up, and users, who are of no tenant. */
const OF_NO_TENANT = ['mutation_id', 'user_id', 'actor_user_id', 'target_id', 'recurrence_id', 'worker_id'];

/** The fields of the body and the query of an operation that name something of a tenant. */
function fieldsOf({ operation }: Door): { field: string; where: 'body' | 'query' }[] {
  const { schemas } = (api.app.swagger() as { components: { schemas: Record<string, { properties?: object }> } })
    .components;
  const given = operation.requestBody?.content['application/json']?.schema as { $ref?: string; properties?: object };
  const schema = given?.$ref === undefined ? given : schemas[given.$ref.split('/').at(-1) ?? ''];
  const body = Object.keys(schema?.properties ?? {}).map((field) => ({ field, where: 'body' as const }));
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  return [...body, ...query.map(({ name }) => ({ field: name, where: 'query' as const }))].filter(
    ({ field }) => field.endsWith('_id') && !OF_NO_TENANT.includes(field),
  );
}

/** In a body or a query of one's own, an id of another tenant's, and one of nothing. */
async function checkNamed(door: Door): Promise<string[]> {
  const found: string[] = [];
  for (const { field, where } of fieldsOf(door)) {
    const named = NAMED_BY[field];
    if (named === undefined) return [`${door.name}: nobody has said what ${field} in its ${where} names`];
    const [mine, theirs] = [await newForeignWorld(), await newWorld()];
    const ids = await makeIds(door, mine);
    const own = makeBody(door, mine) as object | undefined;
    const answers: Answer[] = [];
    for (const id of [await makeId(named, theirs), randomUUID()]) {
      const query = where === 'query' ? `${queryOf(door, mine) || '?'}&${field}=${id}` : queryOf(door, mine);
      const body = where === 'body' ? { ...own, [field]: id } : own;
      answers.push(await api.call(cast.stranger, door.method, fillPath(door.path, ids) + query, body));
    }
    const [there, not_there] = answers as [Answer, Answer];
    found.push(
      ...differences(`${door.operation.operationId} with ${field}`, "another tenant's thing", there, not_there),
    );
    if (there.status < 300 && where === 'body') found.push(`${door.name} takes another tenant's ${field}`);
  }
  return found;
}

/** Several at once: most of the time of each is waiting. */
async function checkAll(list: Asked[], check: (door: Asked) => Promise<string[]>): Promise<string[]> {
  const queue = [...list];
  const found: string[] = [];
  const work = async (): Promise<void> => {
    for (let door = queue.shift(); door; door = queue.shift()) {
      const { name } = door;
      found.push(...(await check(door).catch((error: unknown) => [`${name}: ${(error as Error).message}`])));
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return found;
}

/** What is for people; services are refused and served in the tests of what is theirs. */
const closed = (): Asked[] => doors.filter((door) => !door.is_public && !door.is_service);
const withIds = (): Asked[] => closed().filter((door) => idsOf(door).length > 0);

describe('the authorisation matrix', () => {
  it('has every operation in it: each that is not public says who may call it', () => {
    const silent = closed().filter((door) => door.path.startsWith('/api/') && !door.operation['x-potentia-access']);
    expect(silent.map(({ name }) => name)).toEqual([]);
    expect(withIds().length).toBeGreaterThan(60);
    expect(doors.filter((door) => door.is_public && idsOf(door).length > 0).map(({ name }) => name)).toEqual([
      'GET /ws/canvas/{canvas_id}',
      'GET /api/v1/shared/{token}',
      'POST /api/v1/shared/{token}',
      'GET /api/v1/feeds/{token}',
    ]);
  });

  it('refuses everybody whose role is too low, and to whoever may not see a thing it is as if there were none', async () => {
    expect(await checkAll(withIds(), checkRefused)).toEqual([]);
  }, 180_000);

  it('serves everybody whose role is enough', async () => {
    expect(await checkAll(withIds(), checkServed)).toEqual([]);
  }, 180_000);

  it("tells another tenant's thing below a path of one's own from nothing, to nobody", async () => {
    expect(await checkAll(withIds(), checkMixed)).toEqual([]);
  }, 120_000);

  it("tells another tenant's thing in a body or a query from nothing, to nobody", async () => {
    expect(closed().flatMap(fieldsOf).length).toBeGreaterThan(10);
    expect(await checkAll(closed(), checkNamed)).toEqual([]);
  }, 120_000);

  it('lets nobody without a token, and no key without the scope, do what names no id', async () => {
    const world = await newWorld();
    const found: string[] = [];
    for (const door of closed().filter((each) => idsOf(each).length === 0)) {
      const key = await keyFor(world, door.operation['x-potentia-scope'], false);
      const [anonymous, keyless] = [await ask(door, world, null, {}), await ask(door, world, key, {})];
      if (anonymous.status !== 401) found.push(`${door.name} without a token: ${anonymous.status}`);
      if (keyless.body?.code !== 'api_key.scope_missing') found.push(`${door.name} by a key: ${keyless.text}`);
    }
    expect(found).toEqual([]);
  });
});
