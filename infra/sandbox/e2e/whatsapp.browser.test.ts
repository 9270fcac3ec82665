import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { requestJson } from './client.ts';
import { DEMO_PASSWORD, startStack, type Stack } from './stack.ts';

const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const WITHIN = { timeout: 20_000, interval: 100 };

let stack: Stack;
let browser: Browser;
let token: string;
let context: BrowserContext;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  const executablePath = process.env.CHROME_PATH ?? BROWSERS.find((path) => existsSync(path));
  if (!executablePath) throw new Error('No Chromium: install chromium-headless-shell or set CHROME_PATH');
  [stack, browser] = await Promise.all([
    startStack({ has_whatsapp: true }),
    chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] }),
  ]);
  const { body } = await requestJson(`${stack.sandbox.url}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: { apikey: stack.anon_key, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'demo-one@example.com', password: DEMO_PASSWORD }),
  });
  token = (body as { access_token: string }).access_token;
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});
beforeEach(async () => {
  faults.length = 0;
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => faults.push(error.message));
});
afterEach(() => context.close());

const phone = (name: string): Locator => page.getByRole('region', { name, exact: true });
const session = (name: string): Locator =>
  page.getByRole('list', { name: 'WhatsApp sessions' }).locator('> li', { hasText: name });

/** Signs in, and makes a session, which shows its code. */
async function openSession(name: string): Promise<{ row: Locator; path: string }> {
  await page.goto(`${stack.sandbox.url}/whatsapp.html`);
  await page.getByRole('button', { name: 'Sign in as Demo One' }).click();
  await page.getByLabel('Name of the new session').fill(name);
  await page.getByRole('button', { name: 'New session' }).click();
  const row = session(name);
  await row.getByRole('img', { name: 'QR code' }).waitFor();
  const id = await row.getAttribute('data-session-id');
  return { row, path: `/api/v1/whatsapp/sessions/${id ?? ''}` };
}

async function call(method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return requestJson(`${stack.api.url}${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
}

it('a phone scans the code of a session by button; what it is written appears at the API, and the other way round', async () => {
  await page.goto(stack.sandbox.url);
  await page.getByRole('link', { name: 'WhatsApp phones' }).click();
  await phone('Phone One').waitFor();
  await phone('Phone Two').waitFor();

  const { row, path } = await openSession('Shop');
  await row.getByLabel('Phone').selectOption('Phone One');
  await row.getByRole('button', { name: 'Scan with this phone' }).click();
  await row.locator('.status[data-state=live]').waitFor();
  await phone('Phone One').getByText('Device 1').waitFor();

  const two = phone('Phone Two');
  await two.getByLabel('New chat').selectOption('Phone One');
  await two.getByRole('textbox', { name: 'Message' }).fill('Are you open?');
  await two.getByRole('button', { name: 'Send' }).click();
  const received = async () => {
    const { body } = await call('GET', `${path}/messages?direction=in`);
    return (body as { items: unknown[] }).items;
  };
  await expect.poll(received, WITHIN).toMatchObject([{ type: 'text', content: { text: 'Are you open?' } }]);
  const asked = two.locator('.bubbles li', { hasText: 'Are you open?' });
  await asked.locator('.ticks[data-status=delivered]').waitFor();

  const content = { type: 'text', text: 'Until six.' };
  const sent = await call('POST', `${path}/messages`, { to: { phone: '491510000002' }, content });
  expect(sent.status).toBe(202);
  await two.locator('.bubbles .theirs', { hasText: 'Until six.' }).waitFor();
  const statusOf = async () =>
    ((await call('GET', `${path}/messages/${String(sent.body.message_id)}`)).body as { status: string }).status;
  await expect.poll(statusOf, WITHIN).toBe('delivered');
  await two.getByRole('button', { name: 'Mark read' }).click();
  await expect.poll(statusOf, WITHIN).toBe('read');
  await phone('Phone One').locator('.bubbles .mine', { hasText: 'Until six.' }).waitFor();

  await two.getByRole('button', { name: 'Picture' }).click();
  const picture = phone('Phone One').getByRole('img', { name: 'A picture' });
  await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth), WITHIN).toBe(128);
  await two.getByRole('button', { name: 'Voice note' }).click();
  const voice = phone('Phone One').locator('audio');
  await expect.poll(() => voice.evaluate((audio) => (audio as HTMLAudioElement).duration), WITHIN).toBeGreaterThan(1.9);
  expect(faults).toEqual([]);
});

it('a session is linked by a code that is typed in on a new phone, and says so when it is unlinked there', async () => {
  const { row } = await openSession('Office');
  await page.getByLabel('Name of the new phone').fill('Ada');
  await page.getByRole('button', { name: 'Add a phone' }).click();
  const ada = phone('Ada');
  await row.getByLabel('Phone').selectOption('Ada');
  await row.getByRole('button', { name: 'Pairing code for this phone' }).click();
  const code = row.locator('output', { hasText: 'type it in on Ada' });
  await code.waitFor();
  await ada.getByLabel('Pairing code').fill((await code.textContent())?.split(':')[0] ?? '');
  await ada.getByRole('button', { name: 'Enter' }).click();
  await row.locator('.status[data-state=live]').waitFor();
  await ada.getByRole('button', { name: 'Unlink' }).click();
  await row.locator('.status[data-state=logged_out]').waitFor();
  expect(faults).toEqual([]);
});
