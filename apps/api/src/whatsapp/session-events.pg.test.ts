import { seedSession } from '@potentia/db/testing/seed-whatsapp';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, startApi, type TestApi } from '../testing/api.ts';
import { type Cast, makeCast, makeWorld, type World } from '../testing/world.ts';

let backends: Backends;
let api: TestApi;
let url: string;
/** Another replica. */
let other: TestApi;
let cast: Cast;
let world: World;
beforeAll(async () => {
  backends = await startBackends();
  const env = { WHATSAPP_STREAM_MS: '30000' };
  [api, other] = await Promise.all([startApi(backends, env), startApi(backends, env)]);
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  cast = await makeCast(api, backends);
  world = await makeWorld(api, backends, cast);
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  await backends[Symbol.asyncDispose]();
});

interface Told {
  id: string | undefined;
  type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

/** A client of the stream. `next` waits for an event of this type, and drops those before it. */
class Reader implements AsyncDisposable {
  readonly #gone = new AbortController();
  #told: AsyncGenerator<Told> | undefined;
  status = 0;

  async open(who: Person | null, session_id: string, headers: Record<string, string> = {}, at = url): Promise<this> {
    const answer = await fetch(`${at}/api/v1/whatsapp/sessions/${session_id}/events`, {
      headers: { ...(who && { authorization: `Bearer ${who.token}` }), ...headers },
      signal: this.#gone.signal,
    });
    this.status = answer.status;
    if (answer.ok && answer.body) this.#told = parse(answer.body);
    else await answer.body?.cancel();
    return this;
  }

  async next(type: string): Promise<Told> {
    for (;;) {
      const { value, done } = await this.#told!.next();
      if (done) throw new Error(`the stream ended before ${type}`);
      if (value.type === type) return value;
    }
  }

  async rest(): Promise<Told[]> {
    const told: Told[] = [];
    for await (const one of this.#told!) told.push(one);
    return told;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort();
    return Promise.resolve();
  }
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      text = text.slice(end + 2);
      const type = fields.get('event');
      if (type !== undefined) yield { id: fields.get('id'), type, data: JSON.parse(fields.get('data') ?? 'null') };
    }
  }
}

async function session(status = 'pairing'): Promise<string> {
  const home = { workspace_id: world.workspace_id, owner_user_id: cast.owner.user_id };
  return (await seedSession(backends.database, home, { status })).session_id;
}
const putQr = (session_id: string, text: string, serial: number) =>
  other.context.live_codes.put('qr', session_id, {
    text,
    serial,
    expires_at: new Date(Date.now() + 60_000).toISOString(),
  });
const say = (session_id: string, n: number) =>
  other.context.session_stream.append(session_id, [{ type: 'whatsapp.message', json: JSON.stringify({ n }) }]);

it('tells an admin the status, each code and that it is gone, and messages, whichever replica they came to', async () => {
  const session_id = await session();
  await using reader = await new Reader().open(cast.admin, session_id);
  expect((await reader.next('whatsapp.session')).data).toMatchObject({ session_id, status: 'pairing' });
  await putQr(session_id, 'one', 1);
  expect((await reader.next('whatsapp.qr')).data).toMatchObject({ session_id, qr: 'one', serial: 1 });
  await putQr(session_id, 'two', 2);
  expect((await reader.next('whatsapp.qr')).data).toMatchObject({ qr: 'two', serial: 2 });
  await other.context.live_codes.forget(session_id);
  expect((await reader.next('whatsapp.qr')).data).toMatchObject({ qr: null });
  await backends.database.asOwner(`update app.whatsapp_sessions set status = 'connected' where id = $1`, [session_id]);
  expect((await reader.next('whatsapp.session')).data.status).toBe('connected');
  say(session_id, 1);
  expect((await reader.next('whatsapp.message')).data).toEqual({ n: 1 });
});

it('goes on after the message that a client has', async () => {
  const session_id = await session('connected');
  await using reader = await new Reader().open(cast.member, session_id);
  await reader.next('whatsapp.session');
  for (const n of [1, 2, 3]) say(session_id, n);
  const { id, data } = await reader.next('whatsapp.message');
  expect(data).toEqual({ n: 1 });
  await using again = await new Reader().open(cast.member, session_id, { 'last-event-id': id ?? '' });
  expect((await again.next('whatsapp.message')).data).toEqual({ n: 2 });
  expect((await again.next('whatsapp.message')).data).toEqual({ n: 3 });
});

it('tells a member no code', async () => {
  const session_id = await session();
  await putQr(session_id, 'one', 1);
  await using reader = await new Reader().open(cast.member, session_id);
  await reader.next('whatsapp.session');
  say(session_id, 1);
  await reader.next('whatsapp.message');
  await backends.database.asOwner(`update app.whatsapp_sessions set desired_state = 'deleted' where id = $1`, [
    session_id,
  ]);
  const rest = await reader.rest();
  expect(rest.map(({ type }) => type)).toEqual(['error']);
});

it('ends for who is no member any more, within seconds, and says why', async () => {
  const session_id = await session('connected');
  const world_of_one = await makeWorld(api, backends, cast);
  const home = { workspace_id: world_of_one.workspace_id, owner_user_id: cast.owner.user_id };
  const own = await seedSession(backends.database, home);
  await using reader = await new Reader().open(cast.member, own.session_id);
  await reader.next('whatsapp.session');
  const remove = 'delete from app.workspace_members where workspace_id = $1 and user_id = $2';
  await backends.database.asOwner(remove, [home.workspace_id, cast.member.user_id]);
  const rest = await reader.rest();
  expect(rest.at(-1)).toMatchObject({ type: 'error', data: { code: 'whatsapp.session_not_found' } });
  await using again = await new Reader().open(cast.member, own.session_id);
  expect(again.status).toBe(404);
  await using elsewhere = await new Reader().open(cast.member, session_id);
  expect(elsewhere.status).toBe(200);
});

it('is refused to guests and strangers, without a token, and beyond ten at a time', async () => {
  const session_id = await session();
  for (const [who, status] of [
    [cast.guest, 404],
    [cast.stranger, 404],
    [null, 401],
  ] as const) {
    await using reader = await new Reader().open(who, session_id);
    expect(reader.status).toBe(status);
  }
  const readers = await Promise.all(Array.from({ length: 10 }, () => new Reader().open(cast.outsider, session_id)));
  expect(readers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  await using eleventh = await new Reader().open(cast.outsider, session_id);
  expect(eleventh.status).toBe(429);
  await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  await expect
    .poll(async () => {
      await using reader = await new Reader().open(cast.outsider, session_id);
      return reader.status;
    })
    .toBe(200);
});

it('ends when the replica stops, so that its clients go to another', async () => {
  const session_id = await session();
  const third = await startApi(backends, { WHATSAPP_STREAM_MS: '30000' });
  const at = await third.app.listen({ host: '127.0.0.1', port: 0 });
  await using reader = await new Reader().open(cast.member, session_id, {}, at);
  await reader.next('whatsapp.session');
  const [rest] = await Promise.all([reader.rest(), third[Symbol.asyncDispose]()]);
  expect(rest).toEqual([]);
});
