import { createHmac, randomUUID } from 'node:crypto';
import { addMember } from '@potentia/db/testing/seed';
import { type ReceivedRequest, type Receiver, startReceiver } from '@potentia/domain/webhook/testing/receiver';
import type { TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import { expect, vi } from 'vitest';
import { type Answer, type Person, person } from '../src/testing/api.ts';
import type { GatewayStack } from './gateway-stack.ts';

/* A customer of the gateway, who has nothing but its addresses: HTTP, the user channel, and an endpoint for webhooks. */

export const SOON = { timeout: 20_000, interval: 50 };
export type Phone = ReturnType<TestWhatsApp['addPhone']>;

// The tests' expectations say what it is.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

/** One request over the network, as the bearer of `token` if any. An object is sent as JSON. */
export async function request(
  base: string,
  token: string | null,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const is_json = /[/+]json\b/.test(answer.headers.get('content-type') ?? '');
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    text,
    body: is_json && text ? JSON.parse(text) : text,
  };
}

/** Waits for an answer other than undefined, null or false. */
export const until = <T>(find: () => T | Promise<T>, what: string): Promise<NonNullable<T>> =>
  vi.waitFor(async () => {
    const found = await find();
    if (found === undefined || found === null || found === false) throw new Error(`there is not: ${what}`);
    return found;
  }, SOON);

/** What came to a customer's endpoint. Throws for what is not signed as the specification of Standard Webhooks says. */
export function verified({ headers, body }: ReceivedRequest, secret: string, now_ms = Date.now()): Json {
  const [id, sent_at, signatures] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`]);
  if (Math.abs(now_ms / 1_000 - Number(sent_at)) > 300) throw new Error('it is too old, or too new');
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = `v1,${createHmac('sha256', key)
    .update(`${String(id)}.${String(sent_at)}.${body}`)
    .digest('base64')}`;
  if (!String(signatures).split(' ').includes(expected)) throw new Error('it is not signed with this secret');
  return JSON.parse(body);
}

/** Frames of `/ws/me`, or events of a stream, as they came. */
export interface Watch extends AsyncDisposable {
  seen: Json[];
  find(matches: (event: Json) => boolean, what?: string): Promise<Json>;
}

const watch = (seen: Json[], stop: () => Promise<void>): Watch => ({
  seen,
  find: (matches, what = String(matches)) => until<Json>(() => seen.find(matches), what),
  [Symbol.asyncDispose]: stop,
});

export class Tenant implements AsyncDisposable {
  readonly stack: GatewayStack;
  readonly who: Person;
  workspace_id = '';
  readonly #receivers: Receiver[] = [];

  private constructor(stack: GatewayStack, who: Person) {
    this.stack = stack;
    this.who = who;
  }

  /** Somebody new, with a workspace of their own. */
  static async start(stack: GatewayStack): Promise<Tenant> {
    const tenant = new Tenant(stack, await person(stack.backends.issuer));
    const { id } = await tenant.ok('POST', '/workspaces', { name: 'Shop' });
    tenant.workspace_id = id as string;
    return tenant;
  }

  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    return request(this.stack.api.url, this.who.token, method, `/api/v1${path}`, body, headers);
  }

  /** The same, of what has to succeed. */
  async ok(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Json> {
    const answer = await this.call(method, path, body, headers);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    return answer.body;
  }

  /** An endpoint of this customer's. `told`: what it was told, each once, having been verified. */
  async hook(event_types: string[] = ['whatsapp.*']) {
    const receiver = await startReceiver();
    this.#receivers.push(receiver);
    const hooks = `/workspaces/${this.workspace_id}/webhooks`;
    const { id, secret }: Json = await this.ok('POST', hooks, { url: receiver.url, event_types });
    const told = (): Json[] => {
      const by_id = new Map(receiver.requests.map((each) => [each.headers['webhook-id'], each]));
      return [...by_id.values()].map((each) => verified(each, secret as string));
    };
    return {
      id: id as string,
      secret: secret as string,
      receiver,
      told,
      find: (matches: (event: Json) => boolean, what = String(matches)): Promise<Json> =>
        until<Json>(() => told().find(matches), `a webhook: ${what}`),
    };
  }

  /** Somebody new in the workspace. */
  async colleague(role: 'admin' | 'member' | 'guest'): Promise<Person> {
    const { api, backends } = this.stack;
    const somebody = await person(backends.issuer);
    await request(api.url, somebody.token, 'GET', '/api/v1/me');
    const workspace = { workspace_id: this.workspace_id, owner_user_id: this.who.user_id };
    await addMember(backends.database.db, workspace, role, somebody);
    return somebody;
  }

  /** The bearer of a new API key of the workspace. */
  async key(scopes: string[]): Promise<string> {
    const made = await this.ok('POST', `/workspaces/${this.workspace_id}/api-keys`, { name: 'A key', scopes });
    return made.key as string;
  }

  /** `/ws/me`, from now on, of this person or another. */
  async me(who = this.who): Promise<Watch> {
    const seen: Json[] = [];
    const headers = { authorization: `Bearer ${who.token}` };
    const socket = new WebSocket(`${this.stack.realtime.url.replace('http', 'ws')}/ws/me`, { headers });
    socket.addEventListener('message', ({ data }) => seen.push(JSON.parse(String(data))));
    const watched = watch(seen, async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
      socket.close();
      await closed;
    });
    await watched.find(({ type }) => type === 'hello');
    return watched;
  }

  /** The events of a session as a stream, from now on. */
  async follow(session_id: string): Promise<Watch> {
    const seen: Json[] = [];
    const gone = new AbortController();
    const answer = await fetch(`${this.stack.api.url}/api/v1/whatsapp/sessions/${session_id}/events`, {
      headers: { authorization: `Bearer ${this.who.token}`, accept: 'text/event-stream' },
      signal: gone.signal,
    });
    expect(answer.status).toBe(200);
    const reading = readEvents(answer, seen).catch(() => undefined);
    const watched = watch(seen, async () => {
      gone.abort();
      await reading;
    });
    await watched.find(({ type }) => type === 'whatsapp.session');
    return watched;
  }

  /** The card of a session that may send as much as it likes. */
  async card(settings: object = {}): Promise<Session> {
    const unpaced = { messages_per_minute: 6_000, cold_per_day: 1_000, warm_up_days: 0 };
    const body = { workspace_id: this.workspace_id, name: 'Front desk', settings: { ...unpaced, ...settings } };
    const { id } = await this.ok('POST', '/whatsapp/sessions', { ...body, unlinked_reply: null });
    return new Session(this, id as string);
  }

  /** A session that a phone has linked. */
  async linked(): Promise<Session & { phone: Phone }> {
    const session = await this.card();
    const phone = this.stack.whatsapp.addPhone();
    await session.ok('POST', '/connect', {});
    await phone.scan((await session.qr()).qr as string);
    await session.untilStatus('connected');
    return Object.assign(session, { phone });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => receiver[Symbol.asyncDispose]()));
  }
}

async function readEvents(answer: Response, into: Json[]): Promise<void> {
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const data = /^data: ?(.*)$/m.exec(part)?.[1];
      if (data) into.push(JSON.parse(data));
    }
  }
}

/** A session as its customer sees it. */
export class Session {
  readonly tenant: Tenant;
  readonly id: string;
  readonly path: string;

  constructor(tenant: Tenant, id: string) {
    this.tenant = tenant;
    this.id = id;
    this.path = `/whatsapp/sessions/${id}`;
  }

  call(method: string, path = '', body?: object, headers?: Record<string, string>): Promise<Answer> {
    return this.tenant.call(method, this.path + path, body, headers);
  }

  ok(method: string, path = '', body?: object, headers?: Record<string, string>): Promise<Json> {
    return this.tenant.ok(method, this.path + path, body, headers);
  }

  qr(): Promise<Json> {
    return until(async () => {
      const { status, body } = await this.call('GET', '/qr');
      return status === 200 ? body : null;
    }, 'a QR code');
  }

  untilStatus(status: string, reason?: string | null): Promise<Json> {
    return vi.waitFor(async () => {
      const card = await this.ok('GET');
      expect(card).toMatchObject({ status, ...(reason !== undefined && { status_reason: reason }) });
      return card;
    }, SOON);
  }

  /** Asks for a message; its WhatsApp id, and the id of the request. */
  async send(to: object, content: object | string, more: object = {}) {
    const body = { to, content: typeof content === 'string' ? { type: 'text', text: content } : content, ...more };
    const answer = await this.call('POST', '/messages', body, { 'idempotency-key': randomUUID() });
    expect(answer.status, answer.text).toBe(202);
    return { message_id: answer.body.message_id as string, request_id: answer.headers['x-request-id'] };
  }

  /** Uploads a file as a client does; the id to send it by. */
  async upload(kind: string, media_type: string, bytes: Buffer, file_name?: string): Promise<string> {
    const announced = { kind, media_type, size: bytes.length, ...(file_name && { file_name }) };
    const { media, upload } = await this.ok('POST', '/media', announced);
    const { method, url, headers } = upload as { method: string; url: string; headers: Record<string, string> };
    const put = await fetch(url, { method, headers, body: new Uint8Array(bytes) });
    expect(put.status, await put.text()).toBeLessThan(300);
    await this.ok('POST', `/media/${media.media_id}/complete`);
    return media.media_id as string;
  }

  /** One message, by WhatsApp's id, as soon as it is there and as wanted. */
  message(message_id: string, matches: (message: Json) => boolean = () => true): Promise<Json> {
    return until(async () => {
      const { status, body } = await this.call('GET', `/messages/${message_id}`);
      return status === 200 && body.message && matches(body.message) ? body.message : null;
    }, `the message ${message_id}`);
  }
}
