import { createHash, randomBytes, randomUUIDv7 } from 'node:crypto';
import { createServer } from 'node:net';
import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedCanvas, seedInvitation, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { createSmtpMailer } from '@potentia/domain/platform/adapters/smtp';
import { createSealer } from '@potentia/domain/platform/seal';
import { type MailJob, sendMail } from '@potentia/domain/platform/send-mail';
import { buildSandbox, type Sandbox } from '@potentia/sandbox/app';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JobCtx } from './context.ts';
import { MAIL_TEMPLATES } from './mail-templates.ts';

let t: TestDatabase;
let sandbox: Sandbox;
let home: SeededWorkspace;
const sealer = createSealer([{ kid: 'test', key: new Uint8Array(32) }]);

beforeAll(async () => {
  [t, sandbox] = await Promise.all([createTestDatabase(), buildSandbox({ smtp_port: 0 })]);
  await sandbox.listen();
  home = await seedWorkspace(t.db);
});
afterAll(async () => {
  await sandbox.close();
  await t.drop();
});

function ctxTo(url = sandbox.smtp_url ?? ''): JobCtx {
  const mailer = createSmtpMailer({ url, from: 'Potentia <no-reply@potentia.example>' });
  onTestFinished(() => mailer.close());
  const log = createLogger({ service: 'test', level: 'silent' });
  return { db: t.job_db, log, mailer, sealer, app_url: 'https://app.example.com' } as unknown as JobCtx;
}

/** A pending invitation and the outbox row of its mail, as `app.announce_invitation` writes one. */
async function invited(email: string, { canvas_id, to = home }: { canvas_id?: string; to?: SeededWorkspace } = {}) {
  const token = randomBytes(32).toString('base64url');
  const token_hash = createHash('sha256').update(token).digest('hex');
  const { id } = await seedInvitation(t.db, to, { email, token_hash, ...(canvas_id && { canvas_id }) });
  const job: MailJob = {
    outbox_id: randomUUIDv7(),
    workspace_id: to.workspace_id,
    user_id: null,
    payload: { template: 'invitation', reference: id, sealed_token: sealer.seal(token, `invitation:${id}`) },
    traceparent: null,
    request_id: 'request-1',
    created_at: new Date().toISOString(),
  };
  return { id, token, job };
}

interface Mail {
  subject: string;
  text: string;
  html: string;
  from: string;
  message_id: string;
}
const inbox = async (to: string) =>
  ((await (await fetch(`${sandbox.url}/inbox?to=${encodeURIComponent(to)}`)).json()) as { items: Mail[] }).items;
const delivery = async ({ outbox_id }: MailJob) =>
  (
    await t.asOwner<{ status: string; attempts: number; reason: string | null }>(
      'select status, attempts, reason from app.mail_deliveries where outbox_id = $1',
      [outbox_id],
    )
  )[0];
const send = (ctx: JobCtx, job: MailJob) => sendMail(ctx, MAIL_TEMPLATES, job);
const address = () => `person-${randomUUIDv7()}@example.com`;

test('the mail of an invitation arrives in both forms, with a link that carries its token in the fragment', async () => {
  const to = address();
  const { token, job } = await invited(to);
  expect(await send(ctxTo(), job)).toBe('sent');
  const [mail, ...more] = await inbox(to);
  expect(more).toEqual([]);
  expect(mail).toMatchObject({
    from: '"Potentia" <no-reply@potentia.example>',
    subject: expect.stringMatching(/invited you to “Seeded workspace” on Potentia$/),
    message_id: `<${job.outbox_id}@potentia.example>`,
  });
  for (const form of [mail?.text, mail?.html]) {
    expect(form).toContain(`https://app.example.com/invitations#token=${token}`);
  }
  expect(await delivery(job)).toEqual({ status: 'sent', attempts: 1, reason: null });
});

test('is in the language of its reader; of a canvas it says so in its link', async () => {
  const { user_id, email } = await seedUser(t.db);
  await t.asOwner(`update app.users set locale = 'id' where id = $1`, [user_id]);
  const { canvas_id } = await seedCanvas(t.db, home, { title: 'Rencana' });
  const { token, job } = await invited(email, { canvas_id });
  await send(ctxTo(), job);
  const [mail] = await inbox(email);
  expect(mail?.subject).toMatch(/mengundang Anda ke “Rencana”/);
  expect(mail?.text).toContain(`#token=${token}&to=canvas`);
});

test('in that of the workspace, where its reader has chosen none or nobody has that address yet', async () => {
  const own = await seedWorkspace(t.db);
  await t.asOwner(
    `insert into app.workspace_settings (workspace_id, locale) values ($1, 'id')
     on conflict (workspace_id) do update set locale = 'id'`,
    [own.workspace_id],
  );
  for (const to of [address(), (await seedUser(t.db)).email]) {
    const { job } = await invited(to, { to: own });
    await send(ctxTo(), job);
    expect((await inbox(to))[0]?.subject).toMatch(/mengundang Anda/);
  }
});

test('a job that runs again sends nothing again; one whose process died in between sends a recognisable copy', async () => {
  const to = address();
  const { job } = await invited(to);
  const ctx = ctxTo();
  await send(ctx, job);
  expect(await send(ctx, job)).toBe('done_before');
  expect(await inbox(to)).toHaveLength(1);
  await t.asOwner(`update app.mail_deliveries set status = 'sending' where outbox_id = $1`, [job.outbox_id]);
  await send(ctx, job);
  const ids = (await inbox(to)).map(({ message_id }) => message_id);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test('an address that does not exist parks the mail with the reason', async () => {
  const { job } = await invited(`reject-${address()}`);
  const refused = { kind: 'invalid', code: 'mail.refused' };
  await expect(send(ctxTo(), job)).rejects.toMatchObject(refused);
  expect(await delivery(job)).toMatchObject({ status: 'parked', reason: expect.stringContaining('no such mailbox') });
  expect(await send(ctxTo(), job)).toBe('done_before');
});

test('one that is put off is tried again', async () => {
  const to = `defer-${address()}`;
  const { job } = await invited(to);
  const later = { kind: 'unavailable', code: 'mail.unavailable', meta: { retry_after_ms: 2_000 } };
  await expect(send(ctxTo(), job)).rejects.toMatchObject(later);
  expect(await send(ctxTo(), job)).toBe('sent');
  expect(await delivery(job)).toMatchObject({ status: 'sent', attempts: 2 });
  expect(await inbox(to)).toHaveLength(1);
});

test('while the server is away, or hangs, a mail waits, longer each time', async () => {
  const { job } = await invited(address());
  const hanging = createServer((socket) => void socket.on('error', () => undefined));
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void hanging.close());
  const { port } = hanging.address() as { port: number };
  for (const [url, retry_after_ms] of [
    ['smtp://127.0.0.1:1', 2_000],
    [`smtp://127.0.0.1:${port}`, 4_000],
  ] as const) {
    const away = { kind: 'unavailable', code: 'mail.unavailable', meta: { retry_after_ms } };
    await expect(send(ctxTo(url), job)).rejects.toMatchObject(away);
  }
  expect(await send(ctxTo(), job)).toBe('sent');
});

test.each([
  ['revoked', `update app.invitations set status = 'revoked' where id = $1`],
  ['sent anew', `update app.invitations set token_hash = encode(sha256(id::text::bytea), 'hex') where id = $1`],
  ['over', `update app.invitations set expires_at = now() where id = $1`],
])('what was %s meanwhile is not sent', async (_how, sql) => {
  const to = address();
  const { id, job } = await invited(to);
  await t.asOwner(sql, [id]);
  expect(await send(ctxTo(), job)).toBe('dropped');
  expect(await inbox(to)).toEqual([]);
  expect(await delivery(job)).toMatchObject({ status: 'dropped' });
});

test('a token that was sealed for another invitation is not opened', async () => {
  const [one, other] = [await invited(address()), await invited(address())];
  const swapped = { ...one.job, payload: { ...other.job.payload, reference: one.id } };
  await expect(send(ctxTo(), swapped)).rejects.toThrow('sealed for another purpose');
});
