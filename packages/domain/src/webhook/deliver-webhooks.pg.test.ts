import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createLogger } from '@potentia/config/logger';
import { setCanvasAccess } from '@potentia/db/canvas/queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addCanvasAccess, addMember, seedCanvas, seedWorkspace } from '@potentia/db/testing/seed';
import { Webhook as Witness } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCanvas } from '../canvas/create-canvas.ts';
import { mutateBlocks } from '../canvas/mutate-blocks.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { createSealer } from '../platform/seal.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { createHttpSender } from './adapters/http-sender.ts';
import { composeDisabledMail } from './compose-disabled-mail.ts';
import { createWorkspace } from '../workspace/create-workspace.ts';
import { createWebhook } from './create-webhook.ts';
import type { WebhookCtx } from './ctx.ts';
import { deleteWebhook } from './delete-webhook.ts';
import { type DeliverCtx, deliverWebhooks, WEBHOOK_DELIVER } from './deliver-webhooks.ts';
import { getDelivery } from './get-delivery.ts';
import { getWebhook } from './get-webhook.ts';
import { listDeliveries } from './list-deliveries.ts';
import { redeliver } from './redeliver.ts';
import { rotateWebhookSecret } from './rotate-webhook-secret.ts';
import { expireDeliveries, sweepWebhooks } from './sweep-webhooks.ts';
import { createTargetGuard } from './target.ts';
import { startReceiver } from './testing/receiver.ts';
import { testWebhook } from './test-webhook.ts';
import { updateWebhook } from './update-webhook.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const sealer = createSealer([{ kid: 'test', key: new Uint8Array(32).fill(7) }]);
const targets = createTargetGuard({
  resolve: () => Promise.reject(new Error('no names here')),
  allow_http: true,
  allowed_networks: ['127.0.0.0/8'],
});
const log = createLogger({ service: 'test', level: 'silent' });

const ctxOf = (user_id: string): WebhookCtx => ({ ...personCtx(t.db, user_id), sealer, targets });

/** What the jobs have; `delays` of the schedule in milliseconds. */
function jobs(delays: number[] = [], timeout_ms = 5_000) {
  const sender = createHttpSender({ guard: targets, timeout_ms });
  onTestFinished(() => sender.close());
  const observed = { attempts: [] as string[], disabled: [] as string[] };
  const ctx: DeliverCtx = {
    db: t.job_db,
    bus: recordBus(),
    log,
    request_id: 'job',
    clock: () => new Date(),
    sealer,
    webhooks: {
      sender,
      retry_delays_ms: delays,
      observeAttempt: (outcome) => void observed.attempts.push(outcome),
      observeDisabled: (reason) => void observed.disabled.push(reason),
    },
  };
  return { ctx, observed };
}

type DeliverJob = Parameters<typeof deliverWebhooks>[1];

/** Takes the due rows of a workspace out of the outbox, as the relay does. */
async function dueJobs(workspace_id: string): Promise<DeliverJob[]> {
  const rows = await t.asOwner<OutboxJob & { id: string }>(
    `delete from app.outbox where topic = $1 and workspace_id = $2 and available_at <= now() returning *`,
    [WEBHOOK_DELIVER, workspace_id],
  );
  return rows.map((row) => ({ ...row, outbox_id: row.id, payload: row.payload as DeliverJob['payload'] }));
}

async function runDue(workspace_id: string, ctx: DeliverCtx): Promise<number> {
  const due = await dueJobs(workspace_id);
  for (const job of due) await deliverWebhooks(ctx, job);
  return due.length;
}

const runUntilQuiet = async (workspace_id: string, ctx: DeliverCtx): Promise<void> => {
  while ((await runDue(workspace_id, ctx)) > 0);
};

async function setUp(event_types: string[] = []) {
  const receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const workspace = await seedWorkspace(t.db);
  const owner = ctxOf(workspace.owner_user_id);
  const { workspace_id } = workspace;
  const { result: webhook } = await createWebhook(owner, { workspace_id, url: receiver.url, event_types });
  const ref = { workspace_id, webhook_id: webhook.id };
  const makeCanvas = async (title: string) => (await createCanvas(owner, { workspace_id, title })).result;
  return { receiver, workspace, workspace_id, owner, webhook, ref, makeCanvas };
}

const payloadsOf = (receiver: { requests: { body: string }[] }) =>
  receiver.requests.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> });
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();
const verify = (webhook: { secret: string }, { headers, body }: { headers: object; body: string }) =>
  new Witness(webhook.secret).verify(body, headers as Record<string, string>);

describe('what is audited is delivered', () => {
  test('with who did what to what, signed so that the specification’s own library takes it', async () => {
    const { receiver, workspace_id, owner, webhook, makeCanvas } = await setUp(['canvas.create']);
    const canvas = await makeCanvas('Plans');
    await runUntilQuiet(workspace_id, jobs().ctx);
    expect(payloadsOf(receiver)).toEqual([
      {
        type: 'canvas.create',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: {
          workspace_id,
          canvas_id: canvas.id,
          actor: { type: 'user', user_id: owner.actor.user_id, reason: null },
          target: { type: 'canvas', id: canvas.id },
          before: null,
          after: { title: 'Plans', icon: null },
          request_id: owner.request_id,
        },
      },
    ]);
    expect(verify(webhook, receiver.requests[0]!)).toMatchObject({ type: 'canvas.create' });
    expect(receiver.requests[0]!.headers).toMatchObject({ 'content-type': 'application/json' });
    const tampered = { ...receiver.requests[0]!, body: receiver.requests[0]!.body.replace('Plans', 'Plots') };
    expect(() => verify(webhook, tampered)).toThrow();
  });

  test('also what somebody does who sees the canvas alone, and knows nothing of the workspace', async () => {
    const { receiver, workspace, workspace_id } = await setUp(['block.*']);
    const canvas = await seedCanvas(t.db, workspace);
    const { user_id } = await addCanvasAccess(t.db, canvas, 'editor');
    await mutateBlocks(personCtx(t.db, user_id), {
      canvas_id: canvas.canvas_id,
      mutation_id: randomUUID(),
      ops: [{ op: 'create', type: 'text', content: { text: 'hello' } }],
    });
    await runUntilQuiet(workspace_id, jobs().ctx);
    expect(payloadsOf(receiver)).toMatchObject([
      { type: 'block.mutate', data: { canvas_id: canvas.canvas_id, actor: { user_id }, after: { ops: 1, seq: 1 } } },
    ]);
  });

  test('only what was asked for, by action or by kind; without a wish, everything', async () => {
    const { receiver, workspace_id, ref, owner, makeCanvas, workspace } = await setUp(['member.*', 'canvas.update']);
    const canvas = await makeCanvas('One');
    await runUntilQuiet(workspace_id, jobs().ctx);
    expect(receiver.requests).toEqual([]);
    await updateWebhook(owner, { ...ref, event_types: [] });
    const { user_id: target_user_id } = await addMember(t.db, workspace);
    await setCanvasAccess(t.db, {
      ...{ user_id: owner.actor.user_id, canvas_id: canvas.id, target_user_id },
      role: 'viewer',
      request_id: 'r',
    });
    await runUntilQuiet(workspace_id, jobs().ctx);
    expect(payloadsOf(receiver).map(({ type }) => type)).toEqual(['webhook.update', 'canvas.set_access']);
  });

  test('never to another tenant, nor to an endpoint that is disabled or deleted', async () => {
    const [mine, theirs] = [await setUp(), await setUp()];
    await mine.makeCanvas('Mine');
    for (const { workspace_id } of [mine, theirs]) await runUntilQuiet(workspace_id, jobs().ctx);
    expect(payloadsOf(mine.receiver).map(({ type }) => type)).toEqual(['webhook.create', 'canvas.create']);
    expect(payloadsOf(theirs.receiver).map(({ data }) => data['workspace_id'])).toEqual([theirs.workspace_id]);

    await updateWebhook(mine.owner, { ...mine.ref, status: 'disabled' });
    await deleteWebhook(theirs.owner, theirs.ref);
    await mine.makeCanvas('Quiet');
    await theirs.makeCanvas('Gone');
    for (const { workspace_id } of [mine, theirs]) await runUntilQuiet(workspace_id, jobs().ctx);
    expect([mine.receiver.requests.length, theirs.receiver.requests.length]).toEqual([2, 1]);
    const left = await t.asOwner('select 1 from app.webhook_deliveries where webhook_id = $1', [theirs.ref.webhook_id]);
    expect(left).toEqual([]);
  });

  test('not at all when what happened was taken back', async () => {
    const { workspace, owner, receiver, workspace_id } = await setUp(['block.mutate']);
    const canvas = await seedCanvas(t.db, workspace);
    const refused = mutateBlocks(owner, {
      canvas_id: canvas.canvas_id,
      mutation_id: randomUUID(),
      ops: [{ op: 'delete', block_id: randomUUID(), version: 1 }],
    });
    await expect(refused).rejects.toMatchObject({ code: 'block.not_found' });
    await runUntilQuiet(workspace_id, jobs().ctx);
    expect(receiver.requests).toEqual([]);
  });
});

describe('an attempt that fails', () => {
  test('is made again under the same id with a fresh time, as the schedule says, until it succeeds', async () => {
    const { receiver, workspace_id, owner, ref, webhook } = await setUp(['webhook.test']);
    receiver.answer(status(500));
    const { id } = await testWebhook(owner, ref);
    const { ctx, observed } = jobs([100, 60_000]);
    let at = Date.now();
    ctx.clock = () => new Date((at += 2_000));
    await runDue(workspace_id, ctx);
    expect(await getDelivery(owner, { ...ref, delivery_id: id })).toMatchObject({
      ...{ status: 'pending', attempts: 1, last_status: 500, last_error: 'The endpoint answered 500' },
      payload: { type: 'webhook.test' },
    });
    await vi.waitFor(async () => expect(await runDue(workspace_id, ctx)).toBe(1));
    // The third is a minute away.
    const rows = await t.asOwner<{ in_s: number }>(
      `select extract(epoch from available_at - now())::float as in_s from app.outbox where workspace_id = $1`,
      [workspace_id],
    );
    expect(rows).toHaveLength(1);
    expect(Math.abs(rows[0]!.in_s - 66)).toBeLessThan(7);
    await t.asOwner(`update app.outbox set available_at = now() where workspace_id = $1`, [workspace_id]);
    await t.asOwner(`update app.webhook_deliveries set next_attempt_at = now() where id = $1`, [id]);
    receiver.answer(status(201));
    await runDue(workspace_id, ctx);

    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
    for (const request of receiver.requests) expect(verify(webhook, request)).toMatchObject({ type: 'webhook.test' });
    expect(observed.attempts).toEqual(['retry', 'retry', 'delivered']);
    const done = await getDelivery(owner, { ...ref, delivery_id: id });
    expect(done).toMatchObject({ status: 'delivered', attempts: 3, last_status: 201, next_attempt_at: null });
    expect(await getWebhook(owner, ref)).toMatchObject({ consecutive_failures: 0, failing_since: null });
  });

  test('is put off by Retry-After of a 503, not of a 500', async () => {
    for (const [code, wait_s] of [
      [503, 3_600],
      [429, 3_600],
      [500, 100],
    ] as const) {
      const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
      receiver.answer(status(code, { 'retry-after': '3600' }));
      const { id } = await testWebhook(owner, ref);
      await runDue(workspace_id, jobs([100_000]).ctx);
      const { next_attempt_at } = await getDelivery(owner, { ...ref, delivery_id: id });
      const in_s = (Date.parse(next_attempt_at!) - Date.now()) / 1_000;
      expect(in_s, String(code)).toBeGreaterThan(wait_s * 0.9);
      expect(in_s, String(code)).toBeLessThan(wait_s * 1.3);
    }
  });

  test('a redirect is a failure and leads nowhere', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    receiver.answer(status(302, { location: receiver.url }));
    const { id } = await testWebhook(owner, ref);
    await runDue(workspace_id, jobs([60_000]).ctx);
    expect(receiver.requests).toHaveLength(1);
    expect(await getDelivery(owner, { ...ref, delivery_id: id })).toMatchObject({
      status: 'pending',
      last_status: 302,
    });
  });

  test('counts once, however often it is recorded, and a job that comes again does not send again', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    await testWebhook(owner, ref);
    const { ctx } = jobs();
    const [job] = await dueJobs(workspace_id).then((all) => all.slice(-1));
    for (let n = 0; n < 3; n++) await deliverWebhooks(ctx, job!);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('an endpoint is disabled', () => {
  const isTold = async (workspace_id: string) =>
    t.asOwner<{ topic: string; user_id: string; payload: Record<string, unknown> }>(
      `select topic, user_id, payload from app.outbox where workspace_id = $1 and topic <> $2 order by topic, user_id`,
      [workspace_id, WEBHOOK_DELIVER],
    );

  test('at once by 410; what waits for it fails, and owner and admins are told', async () => {
    const { receiver, workspace, workspace_id, owner, ref } = await setUp(['webhook.test']);
    const admin = await addMember(t.db, workspace, 'admin');
    await addMember(t.db, workspace, 'member');
    receiver.answer(status(410));
    for (let n = 0; n < 20; n++) await testWebhook(owner, ref);
    const { ctx, observed } = jobs([60_000]);
    await runUntilQuiet(workspace_id, ctx);
    expect(await getWebhook(owner, ref)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
    expect(receiver.requests.length).toBeLessThanOrEqual(8);
    const { items } = await listDeliveries(owner, ref);
    expect(new Set(items.map((item) => item.status))).toEqual(new Set(['failed']));
    expect(observed.disabled).toEqual(['gone']);
    const told = await isTold(workspace_id);
    const people = [owner.actor.user_id, admin.user_id].toSorted();
    expect(told.filter(({ topic }) => topic === 'me.deliver').map(({ user_id }) => user_id)).toEqual(people);
    expect(told.filter(({ topic }) => topic === 'mail.send').map(({ user_id }) => user_id)).toEqual(people);
    expect(told.find(({ topic }) => topic === 'me.deliver')!.payload).toMatchObject({
      type: 'webhook.disabled',
      webhook_id: ref.webhook_id,
      reason: 'gone',
    });
    const mails = told
      .filter(({ topic }) => topic === 'mail.send')
      .map((row) => ({ ...row, outbox_id: row.user_id }) as never);
    const compose = (job: never) =>
      composeDisabledMail({ db: t.job_db, log, app_url: 'https://app.example', mailer: {} as never }, job);
    const [mail] = await Promise.all(mails.map(compose));
    expect(mail).toMatchObject({ subject: expect.stringContaining('was disabled'), to: expect.stringContaining('@') });
    expect(mail!.text).toContain(receiver.url);
    expect(mail!.text).toContain(`https://app.example/workspaces/${workspace_id}/webhooks/${ref.webhook_id}`);
    const audited = await t.asOwner(
      `select actor_type, reason, after from app.audit_logs where workspace_id = $1 and action = 'webhook.disable'`,
      [workspace_id],
    );
    expect(audited).toEqual([
      { actor_type: 'system', reason: 'webhook.deliver', after: { status: 'disabled', reason: 'gone' } },
    ]);
    await expect(testWebhook(owner, ref)).rejects.toMatchObject({ code: 'webhook.disabled' });
    await updateWebhook(owner, { ...ref, status: 'enabled' });
    expect(await Promise.all(mails.map(compose))).toEqual([null, null]);
  });

  test('again and again, and people are mailed of it once an hour; on /ws/me they hear it each time', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    receiver.answer(status(410));
    const { ctx } = jobs([60_000]);
    const disableAgain = async (): Promise<number[]> => {
      await updateWebhook(owner, { ...ref, status: 'enabled' });
      await testWebhook(owner, ref);
      await runUntilQuiet(workspace_id, ctx);
      expect(await getWebhook(owner, ref)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
      const told = await isTold(workspace_id);
      return ['me.deliver', 'mail.send'].map((topic) => told.filter((row) => row.topic === topic).length);
    };
    expect(await disableAgain()).toEqual([1, 1]);
    expect(await disableAgain()).toEqual([2, 1]);
    expect(await disableAgain()).toEqual([3, 1]);
    await t.asOwner(`update app.webhooks set disabled_mail_at = now() - interval '1 hour' where id = $1`, [
      ref.webhook_id,
    ]);
    expect(await disableAgain()).toEqual([4, 2]);
    expect(await disableAgain()).toEqual([5, 2]);
  });

  test('when every attempt of a message failed and no other got through meanwhile; enabled, it starts anew', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    receiver.answer(status(500));
    const { id } = await testWebhook(owner, ref);
    const { ctx } = jobs([1, 1]);
    await vi.waitFor(async () => {
      await runDue(workspace_id, ctx);
      expect(await getWebhook(owner, ref)).toMatchObject({ status: 'disabled', disabled_reason: 'failing' });
    });
    expect(receiver.requests).toHaveLength(3);
    receiver.answer(status(200));
    const again = await updateWebhook(owner, { ...ref, status: 'enabled' });
    expect(again).toMatchObject({
      status: 'enabled',
      disabled_reason: null,
      disabled_at: null,
      consecutive_failures: 0,
    });
    await redeliver(owner, { ...ref, delivery_id: id });
    await runUntilQuiet(workspace_id, ctx);
    expect(receiver.requests.at(-1)!.headers['webhook-id']).toBe(id);
    expect(await getDelivery(owner, { ...ref, delivery_id: id })).toMatchObject({ status: 'delivered', attempts: 4 });
  });

  test('not for one message that it never takes, while it takes others', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    const { id: bad } = await testWebhook(owner, ref);
    receiver.answer((response, { headers }) =>
      response.writeHead(headers['webhook-id'] === bad ? 400 : 200).end('\0no such event'),
    );
    const { ctx } = jobs([60_000, 60_000, 60_000]);
    for (let attempt = 1; attempt <= 4; attempt++) {
      await t.asOwner('update app.webhook_deliveries set next_attempt_at = now() where id = $1', [bad]);
      await testWebhook(owner, ref);
      await runUntilQuiet(workspace_id, ctx);
      expect(await getDelivery(owner, { ...ref, delivery_id: bad })).toMatchObject({ attempts: attempt });
    }
    expect(await getDelivery(owner, { ...ref, delivery_id: bad })).toMatchObject({
      status: 'failed',
      response_excerpt: 'no such event',
    });
    expect(await getWebhook(owner, ref)).toMatchObject({ status: 'enabled' });
  });
});

describe('a secret that is rotated', () => {
  test('signs beside the new one for a day, and then no more', async () => {
    const { receiver, workspace_id, owner, ref, webhook } = await setUp(['webhook.test']);
    const { result: rotated } = await rotateWebhookSecret(owner, ref);
    expect(rotated.secret).not.toBe(webhook.secret);
    const left_h = (Date.parse(rotated.previous_secret_expires_at!) - Date.now()) / 3_600_000;
    expect(left_h).toBeCloseTo(24, 0);
    await testWebhook(owner, ref);
    await runUntilQuiet(workspace_id, jobs().ctx);
    const [both] = receiver.requests;
    expect(both!.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    for (const { secret } of [webhook, rotated]) verify({ secret }, both!);

    await t.asOwner(`update app.webhooks set previous_secret_expires_at = now() where id = $1`, [ref.webhook_id]);
    await testWebhook(owner, ref);
    await runUntilQuiet(workspace_id, jobs().ctx);
    verify(rotated, receiver.requests[1]!);
    expect(() => verify(webhook, receiver.requests[1]!)).toThrow();
    expect((await getWebhook(owner, ref)).previous_secret_expires_at).toBeNull();
  });

  test('is nowhere to be read: sealed in its row, and in what an Idempotency-Key remembers', async () => {
    const { workspace_id, owner, webhook } = await setUp();
    const ctx = { ...owner, idempotency_key: 'k1' };
    const input = { workspace_id, url: webhook.url };
    const first = await createWebhook(ctx, input);
    const again = await createWebhook(ctx, input);
    expect(again).toEqual({ result: first.result, replayed: true });
    const stored = await t.asOwner<{ text: string }>(
      `select to_jsonb(w)::text as text from app.webhooks w union all select to_jsonb(k)::text from app.idempotency_keys k
       union all select to_jsonb(a)::text from app.audit_logs a union all select to_jsonb(o)::text from app.outbox o`,
    );
    for (const { secret } of [webhook, first.result]) {
      expect(stored.filter(({ text }) => text.includes(secret.slice('whsec_'.length)))).toEqual([]);
    }
  });
});

describe('jobs side by side', () => {
  test('one is with an endpoint at a time; the others leave, and nothing is sent twice or left', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    const ids: string[] = [];
    for (let n = 0; n < 40; n++) ids.push((await testWebhook(owner, ref)).id);
    let open = 0;
    let most = 0;
    receiver.answer((response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.writeHead(204).end();
      }, 10);
    });
    const { ctx } = jobs();
    await Promise.all((await dueJobs(workspace_id)).map((job) => deliverWebhooks(ctx, job)));
    expect(receiver.requests.map(({ headers }) => headers['webhook-id']).toSorted()).toEqual(ids.toSorted());
    expect(most).toBeLessThanOrEqual(8);
  });

  test('a slow endpoint holds up no other, of the same tenant neither', async () => {
    const slow = await setUp(['webhook.test']);
    slow.receiver.answer(() => undefined);
    const fast = await startReceiver();
    onTestFinished(() => fast[Symbol.asyncDispose]());
    const { workspace_id, owner } = slow;
    const { result: quick } = await createWebhook(owner, {
      workspace_id,
      url: fast.url,
      event_types: ['webhook.test'],
    });
    for (let n = 0; n < 20; n++) await testWebhook(owner, slow.ref);
    await testWebhook(owner, { workspace_id, webhook_id: quick.id });
    const { ctx } = jobs([60_000], 1_500);
    const all = (await dueJobs(workspace_id)).map((job) => deliverWebhooks(ctx, job));
    await vi.waitFor(() => expect(fast.requests).toHaveLength(1), { timeout: 1_000 });
    await expect(Promise.race([Promise.all(all), Promise.resolve('still busy')])).resolves.toBe('still busy');
    await deleteWebhook(owner, slow.ref);
    await Promise.all(all);
  });

  test('one owner has so many endpoints delivered to at once and no more, in all workspaces; the others have their turn after', async () => {
    const { receiver, workspace_id, owner } = await setUp(['webhook.test']);
    const second = await createWorkspace(owner, { name: 'second' });
    const homes = [workspace_id, second.result.id];
    for (let n = 0; n < 24; n++) {
      const ref = { workspace_id: homes[n % 2]! };
      const { result } = await createWebhook(owner, { ...ref, url: receiver.url, event_types: ['webhook.test'] });
      await testWebhook(owner, { ...ref, webhook_id: result.id });
    }
    const other = await setUp(['webhook.test']);
    await testWebhook(other.owner, other.ref);
    const answers: (() => void)[] = [];
    receiver.answer((response) => void answers.push(() => response.writeHead(204).end()));
    const { ctx } = jobs();
    const due = (await Promise.all(homes.map(dueJobs))).flat();
    const running = due.map((job) => deliverWebhooks(ctx, job));
    await vi.waitFor(() => expect(answers).toHaveLength(16), { timeout: 5_000 });
    await runDue(other.workspace_id, ctx);
    expect(other.receiver.requests).toHaveLength(1);
    expect(receiver.requests).toHaveLength(16);

    receiver.answer((response) => response.writeHead(204).end());
    for (const answer of answers) answer();
    await Promise.all(running);
    while ((await Promise.all(homes.map((home) => runDue(home, ctx)))).some((count) => count > 0));
    expect(receiver.requests).toHaveLength(24);
  });

  test('what a dead process had begun is done by the job that comes again, or by whoever comes after the lease', async () => {
    const { receiver, workspace_id, owner, ref } = await setUp(['webhook.test']);
    await testWebhook(owner, ref);
    const [job] = await dueJobs(workspace_id);
    const { ctx } = jobs();
    // It took the work and died.
    const dead = randomUUID();
    const hold = (until: string) =>
      t.asOwner(`update app.webhooks set lease_holder = $2, lease_until = now() + $3::interval where id = $1`, [
        ref.webhook_id,
        dead,
        until,
      ]);
    await hold('1 minute');
    await deliverWebhooks(ctx, job!);
    expect(receiver.requests).toHaveLength(0);
    await deliverWebhooks(ctx, { ...job!, outbox_id: dead });
    expect(receiver.requests).toHaveLength(1);

    await testWebhook(owner, ref);
    await dueJobs(workspace_id);
    await hold('-1 second');
    await t.asOwner(
      `update app.webhook_deliveries set next_attempt_at = now() - interval '1 hour' where status = 'pending'`,
    );
    expect(await sweepWebhooks({ db: t.job_db, bus: recordBus() })).toBeGreaterThanOrEqual(1);
    await runUntilQuiet(workspace_id, ctx);
    expect(receiver.requests).toHaveLength(2);
  });

  test('the log is kept for 30 days', async () => {
    const { workspace_id, owner, ref } = await setUp(['webhook.test']);
    const { id } = await testWebhook(owner, ref);
    await testWebhook(owner, ref);
    await runUntilQuiet(workspace_id, jobs().ctx);
    await t.asOwner(`update app.webhook_deliveries set created_at = now() - interval '31 days' where id = $1`, [id]);
    expect(await expireDeliveries({ db: t.job_db, clock: () => new Date() })).toBe(1);
    expect((await listDeliveries(owner, ref)).items).toHaveLength(1);
  });
});
