import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createLogger } from '@potentia/config/logger';
import { createDb, type Db } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { type Receiver, startReceiver } from '@potentia/domain/webhook/testing/receiver';
import { Registry } from 'prom-client';
import { expect, onTestFinished, vi } from 'vitest';
import { observeEvents } from '../events/event-metrics.ts';
import { EventRelay, type RelayTimes } from '../events/event-relay.ts';
import { createEventSender } from '../events/event-sender.ts';

/* A relay of events, the database that it reads, and the other end. */

export const SECRETS: [string, string] = [
  `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  `whsec_${Buffer.alloc(32, 2).toString('base64')}`,
];
export const log = createLogger({ service: 'test', level: 'silent' });
const QUICK: Partial<RelayTimes> = {
  poll: 20,
  linger: 1,
  hold: 5_000,
  retry: 10,
  longest_away: 40,
  longest_retry: 40,
  breaker_rest: 30,
  breaker_longest_rest: 60,
};

/** A database of its own, since a relay takes whatever is due. */
export interface World {
  t: TestDatabase;
  db: Db;
  receiver: Receiver;
}
export async function setUp(): Promise<World> {
  const t = await createTestDatabase();
  const db = createDb({ url: t.wa_url, pool_size: 4, timeout_ms: 5_000, prepare: true, application_name: 'test' });
  const receiver = await startReceiver();
  onTestFinished(async () => {
    await receiver[Symbol.asyncDispose]();
    await db.end();
    await t.drop();
  });
  return { t, db, receiver };
}

interface Holder {
  worker_id: string;
  registry: Registry;
  relay: EventRelay;
}
export function makeRelay({ db, receiver }: World, times: Partial<RelayTimes> = {}, timeout_ms = 2_000): Holder {
  const worker_id = randomUUID();
  const registry = new Registry();
  const sender = createEventSender({ api_url: receiver.url.replace('/hook', ''), secrets: SECRETS, timeout_ms });
  const metrics = observeEvents({ registry, db });
  const relay = new EventRelay({ db, sender, metrics, log, workerId: () => worker_id, times: { ...QUICK, ...times } });
  onTestFinished(() => relay.stop());
  return { worker_id, registry, relay };
}
export const startRelay = (world: World, times: Partial<RelayTimes> = {}): Holder => {
  const holder = makeRelay(world, times);
  holder.relay.start();
  return holder;
};

/** A session under generation 1; held by nobody unless a worker is named, whose lease is good for `lease_s`. */
export async function makeSession({ t }: World, worker_id: string | null = null, lease_s = 60): Promise<string> {
  const session_id = randomUUID();
  await t.asOwner(
    `insert into wa.sessions (session_id, generation, worker_id, lease_until) values ($1, 1, $2, now() + make_interval(secs => $3))`,
    [session_id, worker_id, lease_s],
  );
  return session_id;
}

export async function append({ t }: World, session_id: string, kind: string, numbers: number[]): Promise<void> {
  for (const n of numbers) await t.asOwner('select wa.append_event($1, $2, $3)', [session_id, kind, { n }]);
}
export const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

interface Told {
  kind: string;
  worker_id: string;
  session_id: string;
  numbers: number[];
  ids: string[];
}
export const toldBy = ({ receiver }: World): Told[] =>
  receiver.requests.map(({ body, path }) => {
    const { worker_id, items } = JSON.parse(body) as {
      worker_id: string;
      items: { event_id: string; data: { n: number; session_id: string } }[];
    };
    return {
      kind: path.split('/').at(-1) ?? '',
      worker_id,
      session_id: items[0]?.data.session_id ?? '',
      numbers: items.map((item) => item.data.n),
      ids: items.map((item) => item.event_id),
    };
  });
export const left = async ({ t }: World) =>
  (
    await t.asOwner<{ n: number }>(
      'select (payload ->> $1)::int as n from wa.events where dead_at is null order by seq',
      ['n'],
    )
  ).map((row) => row.n);
export const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
export const drained = (world: World) => until(async () => expect(await left(world)).toEqual([]));
export const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end();
