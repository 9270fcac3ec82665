import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { expect, it, onTestFinished } from 'vitest';
import { buildSandbox, type Sandbox } from '../app.ts';
import type { StoredMail } from './store.ts';

async function start(data_dir?: string): Promise<Sandbox> {
  const sandbox = await buildSandbox({ smtp_port: 0, data_dir });
  await sandbox.listen();
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** Sends as a service would, with a client that is not ours. */
async function send(sandbox: Sandbox, to: string, html = '<p>Hello</p>'): Promise<void> {
  const transport = createTransport(sandbox.smtp_url ?? '');
  await transport.sendMail({ from: 'Potentia <no-reply@example.com>', to, subject: 'Größe', text: 'Hello', html });
  transport.close();
}

async function inbox(sandbox: Sandbox, query = ''): Promise<StoredMail[]> {
  return ((await (await fetch(`${sandbox.url}/inbox${query}`)).json()) as { items: StoredMail[] }).items;
}

it('shows what was sent, newest first, to whom it was sent', async () => {
  const sandbox = await start();
  await send(sandbox, 'Ada@example.com');
  await send(sandbox, 'bob@example.com');
  expect((await inbox(sandbox)).map(({ to }) => to)).toEqual([['bob@example.com'], ['ada@example.com']]);
  const [mail] = await inbox(sandbox, '?to=ADA@example.com');
  expect(mail).toMatchObject({ subject: 'Größe', text: 'Hello', html: '<p>Hello</p>' });
  const one = (await (await fetch(`${sandbox.url}/inbox/${mail?.id ?? ''}`)).json()) as StoredMail;
  expect(one).toEqual(mail);
});

it('shows the HTML of a mail where its scripts are dead and its links open beside', async () => {
  const sandbox = await start();
  await send(sandbox, 'ada@example.com', '<script>alert(1)</script><a href="https://example.com">go</a>');
  const [mail] = await inbox(sandbox);
  const page = await fetch(`${sandbox.url}/inbox/${mail?.id ?? ''}/html`);
  expect(page.headers.get('content-security-policy')).toMatch(/^sandbox allow-popups [^;]+; default-src 'none'/);
  expect(await page.text()).toMatch(/^<base target="_blank">/);
});

it('forgets one, those of an address, or all', async () => {
  const sandbox = await start();
  for (const to of ['a@example.com', 'b@example.com', 'b@example.com', 'c@example.com']) await send(sandbox, to);
  const [last] = await inbox(sandbox);
  const remove = async (path: string) => (await fetch(`${sandbox.url}/inbox${path}`, { method: 'DELETE' })).status;
  expect(await remove(`/${last?.id ?? ''}`)).toBe(204);
  expect(await remove(`/${last?.id ?? ''}`)).toBe(404);
  expect(await remove('?to=b@example.com')).toBe(204);
  expect((await inbox(sandbox)).map(({ to }) => to)).toEqual([['a@example.com']]);
  expect(await remove('')).toBe(204);
  expect(await inbox(sandbox)).toEqual([]);
});

it('keeps mails over a restart', async () => {
  const data_dir = await mkdtemp(join(tmpdir(), 'sandbox-mail-'));
  onTestFinished(() => rm(data_dir, { recursive: true }));
  const first = await start(data_dir);
  await send(first, 'ada@example.com');
  await first.close();
  expect(await inbox(await start(data_dir))).toHaveLength(1);
});

it('refuses some addresses as real servers do: for good, or for now', async () => {
  const sandbox = await start();
  await expect(send(sandbox, 'reject@example.com')).rejects.toMatchObject({ responseCode: 550 });
  await expect(send(sandbox, 'defer@example.com')).rejects.toMatchObject({ responseCode: 451 });
  await send(sandbox, 'defer@example.com');
  expect(await inbox(sandbox)).toHaveLength(1);
});
