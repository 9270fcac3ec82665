import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Client, readInbox, signUp } from './client.ts';
import { startStack, type Stack } from './stack.ts';

const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const PASSWORD = 'correct horse battery';
const WITHIN = { timeout: 10_000, interval: 50 };

let stack: Stack;
let browser: Browser;
let owner: Client;
let workspace_id: string;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  const executablePath = process.env.CHROME_PATH ?? BROWSERS.find((path) => existsSync(path));
  if (!executablePath) throw new Error('No Chromium: install chromium-headless-shell or set CHROME_PATH');
  [stack, browser] = await Promise.all([
    startStack(),
    chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] }),
  ]);
  owner = await signUp(stack, 'owner@example.com', 'Olive');
  const made = await owner.call('POST', '/api/v1/workspaces', { name: 'Garden' });
  workspace_id = (made.body as { id: string }).id;
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
});
afterEach(() => context.close());

const roleOf = async (email: string): Promise<string | undefined> => {
  const { body } = await owner.call('GET', `/api/v1/workspaces/${workspace_id}/members`);
  return (body as { items: { email: string; role: string }[] }).items.find((member) => member.email === email)?.role;
};

/** Invites an address, and opens the page where the link of its mail leads. */
async function openLink(email: string): Promise<void> {
  await owner.call('POST', `/api/v1/workspaces/${workspace_id}/invitations`, { email, role: 'member' });
  await expect.poll(() => readInbox(stack, email), WITHIN).toHaveLength(1);
  const [mail] = await readInbox(stack, email);
  await page.goto(/http\S+#\S+/.exec(mail?.text ?? '')?.[0] ?? '');
  await page.getByRole('heading', { name: 'Olive invites you to Garden' }).waitFor();
}

async function enter(how: 'Sign in' | 'Sign up', email: string): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: how }).click();
}

it('a mail in the console opens, its link leads to the invitation, and a new account takes it', async () => {
  const email = 'nora@example.com';
  await owner.call('POST', `/api/v1/workspaces/${workspace_id}/invitations`, { email, role: 'member' });
  await page.goto(stack.sandbox.url);
  const row = page.getByRole('list', { name: 'Mails' }).locator('li', { hasText: email });
  await row.getByRole('button', { name: 'Olive invited you to “Garden” on Potentia' }).click();
  const link = page.frameLocator('.mail iframe').getByRole('link', { name: 'See the invitation' });
  const [opened] = await Promise.all([context.waitForEvent('page'), link.click()]);
  page = opened;
  await page.getByRole('heading', { name: 'Olive invites you to Garden' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/invitations');
  await enter('Sign up', email);
  await page.getByText(`You are ${email}.`).waitFor();
  expect(await roleOf(email)).toBeUndefined();
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('heading', { name: 'You are now member of Garden.' }).waitFor();
  expect(await roleOf(email)).toBe('member');
});

it('an account with another address is told so, and the right one can decline', async () => {
  const email = 'dora@example.com';
  await signUp(stack, email, 'Dora');
  await signUp(stack, 'eve@example.com', 'Eve');
  await openLink(email);
  await enter('Sign in', 'eve@example.com');
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('alert').filter({ hasText: 'sign in with the address that it was sent to' }).waitFor();
  await page.getByRole('button', { name: 'Somebody else' }).click();
  await enter('Sign in', email);
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByRole('heading', { name: 'You declined. Nothing else happens.' }).waitFor();
  for (const each of [email, 'eve@example.com']) expect(await roleOf(each)).toBeUndefined();
});

it('an invitation to a canvas is taken on the same page', async () => {
  const email = 'carl@example.com';
  const canvas = await owner.call('POST', '/api/v1/canvases', { title: 'Beds' });
  const canvas_id = (canvas.body as { id: string }).id;
  await owner.call('POST', `/api/v1/canvases/${canvas_id}/invitations`, { email, role: 'viewer' });
  await expect.poll(() => readInbox(stack, email), WITHIN).toHaveLength(1);
  const [mail] = await readInbox(stack, email);
  await page.goto(/http\S+#\S+/.exec(mail?.text ?? '')?.[0] ?? '');
  await enter('Sign up', email);
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('heading', { name: 'You are now viewer of Beds.' }).waitFor();
});

it('a link that is good for nothing says why', async () => {
  await page.goto(`${stack.sandbox.url}/invitations#token=nothing`);
  await page.getByRole('alert').filter({ hasText: 'There is no such invitation.' }).waitFor();
});
