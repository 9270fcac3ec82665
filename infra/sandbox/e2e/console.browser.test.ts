import { existsSync } from 'node:fs';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { freePort, startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startService, type Service } from './services.ts';

const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let database: TestDatabase;
let redis: TestRedis;
let services: Record<'sandbox' | 'api' | 'realtime', Service>;
const cleanups: (() => Promise<unknown>)[] = [];
let browser: Browser;
let context: BrowserContext;
let page: Page;
const faults: string[] = [];

async function start(...args: Parameters<typeof startService>): Promise<Service> {
  const service = await startService(...args);
  cleanups.push(() => service.stop());
  return service;
}

async function startServices(): Promise<typeof services> {
  const [sandbox_port, api_port, realtime_port] = [await freePort(), await freePort(), await freePort()];
  const sandbox_url = `http://127.0.0.1:${String(sandbox_port)}`;
  const keys = { SUPABASE_ANON_KEY: 'test-anon-key', SUPABASE_SERVICE_ROLE_KEY: 'test-service-role-key' };
  const shared = {
    ...keys,
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    SUPABASE_URL: sandbox_url,
    DATABASE_URL: database.app_url,
    REDIS_URL: redis.url,
    CORS_ORIGINS: sandbox_url,
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
    SERVICE_JWT_SECRETS: 'x'.repeat(32),
    WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}`,
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_BUCKET: 'none',
    S3_ACCESS_KEY_ID: 'none',
    S3_SECRET_ACCESS_KEY: 'none',
    IP_RATE_LIMIT: '10000',
  };
  const [sandbox, api, realtime] = await Promise.all([
    start(
      'infra/sandbox/src/main.ts',
      {
        ...keys,
        PORT: String(sandbox_port),
        S3_PORT: '0',
        SMTP_PORT: '0',
        WHATSAPP_PORT: '0',
        WHATSAPP_MEDIA_PORT: '0',
        SANDBOX_DEMO_PASSWORD: 'demo-password',
        API_URL: `http://127.0.0.1:${String(api_port)}`,
        REALTIME_URL: `ws://127.0.0.1:${String(realtime_port)}`,
      },
      '/health',
    ),
    start('apps/api/src/main.ts', { ...shared, PORT: String(api_port) }, '/ready'),
    start('apps/realtime/src/main.ts', { ...shared, PORT: String(realtime_port) }, '/ready'),
  ]);
  return { sandbox, api, realtime };
}

beforeAll(async () => {
  database = await createTestDatabase();
  cleanups.push(() => database.drop());
  redis = await startRedis();
  cleanups.push(() => redis.stop());
  services = await startServices();
  const executablePath = process.env.CHROME_PATH ?? BROWSERS.find((path) => existsSync(path));
  if (!executablePath) throw new Error('No Chromium: install chromium-headless-shell or set CHROME_PATH');
  browser = await chromium.launch({ executablePath, args: FLAGS });
  cleanups.push(() => browser.close());
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

beforeEach(async () => {
  faults.length = 0;
  context = await browser.newContext({ acceptDownloads: true });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(services.sandbox.url);
});

afterEach(async () => {
  await context.close();
});

const pane = (side: 'Left' | 'Right'): Locator => page.getByRole('region', { name: `${side} pane` });
const lines = (within: Locator): Locator => within.locator('.lines textarea');
const textsOf = (within: Locator): Promise<string[]> =>
  lines(within).evaluateAll((fields) => fields.map((field) => (field as HTMLTextAreaElement).value));

/** Polls until the lines of a pane are these. */
const expectLines = (within: Locator, texts: string[]) =>
  expect.poll(() => textsOf(within), { timeout: 10_000 }).toEqual(texts);

/** Both demo users signed in, on one canvas of the left one, both live. */
async function openTogether(): Promise<{ left: Locator; right: Locator }> {
  const [left, right] = [pane('Left'), pane('Right')];
  await left.getByRole('button', { name: 'Sign in as Demo One' }).click();
  await right.getByRole('button', { name: 'Sign in as Demo Two' }).click();
  await right.getByRole('button', { name: 'Refresh' }).waitFor();
  await right.locator('.canvases li').first().waitFor();
  await left.getByRole('button', { name: 'New canvas' }).click();
  await left.locator('.status[data-state=live]').waitFor();
  const canvas_id = await left.locator('.canvases [aria-current]').getAttribute('data-canvas-id');
  await left.getByRole('button', { name: 'Share' }).click();
  await left.getByText('Shared with Demo Two.').waitFor();
  await right.getByRole('button', { name: 'Refresh' }).click();
  await right.locator(`.canvases [data-canvas-id="${canvas_id ?? ''}"]`).click();
  await right.locator('.status[data-state=live]').waitFor();
  return { left, right };
}

it('what one types, the other sees: lines appear, change, split, turn and go, both ways', async () => {
  const { left, right } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await page.keyboard.type('# Groceries');
  await page.keyboard.press('Enter');
  await page.keyboard.type('[] milk');
  await page.keyboard.press('Enter');
  await page.keyboard.type('bread and butter');
  await expectLines(right, ['Groceries', 'milk', 'bread and butter']);
  await expect.poll(() => right.locator('[data-type=heading]').count()).toBe(1);
  expect(await right.locator('[data-type=todo]').count()).toBe(2);

  await right.getByRole('checkbox').first().check();
  await left.locator('[data-type=todo].done').waitFor();
  await lines(right).nth(2).focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 'bread'.length; i++) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expectLines(left, ['Groceries', 'milk', 'bread', ' and butter']);

  await lines(right).nth(1).fill('');
  await lines(right).nth(1).press('Backspace');
  await lines(right).nth(1).press('Backspace');
  await expectLines(left, ['Groceries', 'bread', ' and butter']);
  await lines(left).nth(2).press('Alt+ArrowUp');
  await expectLines(right, ['Groceries', ' and butter', 'bread']);
  expect(faults).toEqual([]);
});

it('two windows type at once, each in a line of their own, and end with the same text', async () => {
  const { left } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await page.keyboard.press('Enter');
  const other_page = await context.newPage();
  await other_page.goto(services.sandbox.url);
  const other = other_page.getByRole('region', { name: 'Left pane' });
  await other.getByRole('button', { name: 'Sign in as Demo Two' }).click();
  await other.locator('.canvases button').first().click();
  await expect.poll(() => lines(other).count()).toBe(2);
  await Promise.all([
    lines(left).nth(0).pressSequentially('from the left', { delay: 20 }),
    lines(other).nth(1).pressSequentially('from the right', { delay: 20 }),
  ]);
  for (const each of [left, other]) await expectLines(each, ['from the left', 'from the right']);
});

it('two windows change one line: who is later sees the other’s text, and keeps their own at hand', async () => {
  const { left, right } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await page.keyboard.type('first');
  await expectLines(right, ['first']);
  await page.evaluate(() => {
    for (const [side, text] of [
      ['Left', 'mine'],
      ['Right', 'theirs'],
    ]) {
      const field = document.querySelector<HTMLTextAreaElement>(`[aria-label="${side} pane"] .lines textarea`);
      if (!field) throw new Error('no line');
      field.value = text ?? '';
      field.dispatchEvent(new Event('input'));
    }
  });
  const loser = page.locator('.pane', { has: page.getByRole('button', { name: 'Use mine' }) });
  await loser.getByRole('button', { name: 'Use mine' }).waitFor();
  const kept = await loser.locator('.note q').innerText();
  const winner = kept === 'mine' ? 'theirs' : 'mine';
  for (const each of [left, right]) await expectLines(each, [winner]);
  await loser.getByRole('button', { name: 'Use mine' }).click();
  for (const each of [left, right]) await expectLines(each, [kept]);
});

it('each sees where the other is, and that they left', async () => {
  const { left, right } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await expect.poll(() => lines(right).count()).toBe(1);
  await lines(right).first().focus();
  await left.locator('.lines .chip', { hasText: 'Demo Two' }).waitFor();
  await right.getByRole('button', { name: 'Sign out' }).click();
  await expect.poll(() => left.locator('.people .chip').count()).toBe(0);
});

it('a Markdown document that is imported has its headings, lists and code at both, and is exported again', async () => {
  const { left, right } = await openTogether();
  const markdown = '# Plan\n\nSome *text*.\n\n- one\n- two\n\n## Code\n\n```js\nlet a = 1;\nlet b = 2;\n```\n';
  await left.getByRole('button', { name: 'Import Markdown' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Markdown' }).fill(markdown);
  await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click();
  const texts = ['Plan', 'Some *text*.', 'one', 'two', 'Code', 'let a = 1;\nlet b = 2;'];
  await expectLines(right, texts);
  await expectLines(left, texts);
  const types = await right
    .locator('.lines > li')
    .evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset.type));
  expect(types).toEqual(['heading', 'text', 'list', 'list', 'heading', 'code']);

  await right.getByRole('button', { name: 'Export Markdown' }).click();
  expect(await page.getByRole('dialog').getByRole('textbox').inputValue()).toBe(markdown);
  expect(faults).toEqual([]);
});

it('a public link shows the canvas to somebody who is nobody, and its password is asked for', async () => {
  const { left, right } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await page.keyboard.type('# For everybody');
  // What the other sees has been taken in; a public link shows what is there when it is opened.
  await expectLines(right, ['For everybody']);
  await left.getByRole('button', { name: 'Public link' }).click();
  const href = await page.getByRole('dialog').getByRole('link').getAttribute('href');
  const stranger = await browser.newPage();
  await stranger.goto(href ?? '');
  await stranger.getByRole('heading', { name: 'For everybody' }).waitFor();
  await stranger.goto(`${services.sandbox.url}/shared#token=none`);
  await stranger.reload();
  await stranger.getByText('There is nothing to see here.').waitFor();

  const canvas_id = await left.locator('.canvases [aria-current]').getAttribute('data-canvas-id');
  await page.bringToFront();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('#people tbody tr').first().getByRole('button', { name: 'Copy token' }).click();
  await page.locator('#people tbody tr').first().getByRole('button', { name: 'Copied' }).waitFor();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  const made = await fetch(`${services.api.url}/api/v1/canvases/${canvas_id ?? ''}/share-links`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ password: 'open sesame' }),
  });
  const link = (await made.json()) as { token: string };
  await stranger.goto(`${services.sandbox.url}/shared#token=${link.token}`);
  await stranger.reload();
  await stranger.getByLabel('Password').fill('close');
  await stranger.getByRole('button', { name: 'Open' }).click();
  await stranger.getByText('This is not the password.').waitFor();
  await stranger.getByLabel('Password').fill('open sesame');
  await stranger.getByRole('button', { name: 'Open' }).click();
  await stranger.getByRole('heading', { name: 'For everybody' }).waitFor();
  await stranger.close();
});

it('a connection that was lost comes back by itself with what was typed meanwhile', async () => {
  const { left, right } = await openTogether();
  await left.getByRole('button', { name: '+ Line' }).click();
  await page.keyboard.type('before');
  await expectLines(right, ['before']);
  await services.realtime.stop();
  await left.locator('.status:not([data-state=live])').waitFor();
  await lines(left).first().fill('typed while away');
  await services.realtime.start();
  await expectLines(right, ['typed while away']);
});

it('tokens of both are there to copy', async () => {
  await openTogether();
  const rows = page.locator('#people tbody tr');
  expect(await rows.count()).toBe(2);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await rows.first().getByRole('button', { name: 'Copy token' }).click();
  await rows.first().getByRole('button', { name: 'Copied' }).waitFor();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  const me = await fetch(`${services.api.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(await me.json()).toMatchObject({ email: 'demo-one@example.com' });
});

it('an access token that is no longer taken is renewed through the API, and the work goes on', async () => {
  const { left } = await openTogether();
  const shown = page.locator('#people tbody tr').first().locator('.token');
  const old_token = await shown.innerText();
  await page.route('**/api/v1/canvases?*', (route) => route.fulfill({ status: 401, json: {} }), { times: 1 });
  await left.getByRole('button', { name: 'Refresh' }).click();
  await expect.poll(() => shown.innerText()).not.toBe(old_token);
  await left.getByRole('button', { name: '+ Line' }).click();
  await expect.poll(() => lines(left).count()).toBe(1);
  expect(await left.getByRole('alert').isVisible()).toBe(false);
});
