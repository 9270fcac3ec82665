import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSandbox, type Sandbox } from '../app.ts';
import { readConfig } from '../config.ts';
import { shiftCaret } from './public/editor.js';
import { makeId } from './public/ids.js';
import { adviceFor, backoffMs } from './public/socket.js';

describe('the console page', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await buildSandbox({ realtime_url: 'wss://live.example.com', demo_password: 'demo-password' });
    await sandbox.listen();
  });
  afterAll(() => sandbox.close());

  it('is served with every module that it imports, and may reach the services only', async () => {
    const page = await fetch(sandbox.url);
    expect(page.headers.get('content-security-policy')).toContain(
      "connect-src 'self' http://127.0.0.1:4000 wss://live.example.com",
    );
    const seen = new Set<string>();
    async function follow(path: string): Promise<void> {
      if (seen.has(path)) return;
      seen.add(path);
      const file = await fetch(`${sandbox.url}${path}`);
      expect([path, file.status]).toEqual([path, 200]);
      const imports = [...(await file.text()).matchAll(/from '\.(\/[a-z-]+\.js)'/g)];
      await Promise.all(imports.map(([, name]) => follow(`/console${name ?? ''}`)));
    }
    await follow('/console/main.js');
    await follow('/shared');
    await follow('/console/shared.js');
    await follow('/whatsapp.html');
    await follow('/console/whatsapp.js');
    await follow('/console/whatsapp.css');
    await follow('/console/style.css');
    expect(seen.size).toBeGreaterThan(10);
  });

  it('is told where the services are and who the demo users are', async () => {
    expect(await (await fetch(`${sandbox.url}/console/config.json`)).json()).toMatchObject({
      api_url: 'http://127.0.0.1:4000',
      realtime_url: 'wss://live.example.com',
      auth_url: '/auth/v1',
      demo_password: 'demo-password',
      demo_users: [{ email: 'demo-one@example.com' }, { email: 'demo-two@example.com' }],
    });
  });
});

describe('the client', () => {
  it('does what a close code says', () => {
    expect([4003, 4004, 4101, 4200, 4201, 4300, 1006, 1001].map(adviceFor)).toEqual([
      'stop',
      'stop',
      'renew',
      'retry',
      'retry',
      'slow',
      'retry',
      'retry',
    ]);
  });

  it('waits longer each time, spread, up to a bound, and longer still when told to slow down', () => {
    expect([0, 1, 2, 10].map((attempt) => backoffMs(attempt, 'retry', 1))).toEqual([300, 600, 1200, 10_000]);
    expect(backoffMs(1, 'retry', 0)).toBe(300);
    expect(backoffMs(0, 'slow', 1)).toBe(5_300);
  });

  it.each([
    ['text before it', 3, 'abcdef', 'XXabcdef', 5],
    ['text after it', 3, 'abcdef', 'abcdefXX', 3],
    ['its word', 6, 'abcdef', 'ab', 2],
    ['nothing', 2, 'abc', 'abc', 2],
  ])('keeps the caret in its text when somebody changes %s', (_name, caret, before, after, expected) => {
    expect(shiftCaret(caret, before, after)).toBe(expected);
  });

  it('makes ids that sort by the time they were made', () => {
    const id: string = makeId();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBeCloseTo(Date.now(), -4);
  });
});

describe('the environment of the sandbox', () => {
  const keys = { SUPABASE_ANON_KEY: 'a', SUPABASE_SERVICE_ROLE_KEY: 's' };

  it('needs the API keys and has defaults for the rest', () => {
    expect(readConfig(keys)).toMatchObject({ host: '127.0.0.1', port: 4010, api_url: 'http://127.0.0.1:4000' });
    expect(readConfig({ ...keys, REALTIME_URL: 'https://live.example.com/' }).realtime_url).toBe(
      'wss://live.example.com',
    );
  });

  it('is refused with every variable at fault', () => {
    expect(() => readConfig({ PORT: 'http', API_URL: 'nowhere' })).toThrow(
      /PORT must[\s\S]*SUPABASE_ANON_KEY is[\s\S]*SUPABASE_SERVICE_ROLE_KEY is[\s\S]*API_URL must/,
    );
  });
});
