import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

/** Runs a service whose `start` and `stop` have the given bodies, sends it `signals` once it runs, waits for its end. */
async function live(parts: {
  start?: string;
  stop?: string;
  signals?: NodeJS.Signals[];
  timeout_ms?: number;
  is_stray?: string;
}) {
  const at = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { createLogger } from ${at('logger.ts')};
    import { runService } from ${at('lifecycle.ts')};
    await runService({
      service: 'demo',
      log: createLogger({ service: 'demo', level: 'info' }),
      shutdown_timeout_ms: ${parts.timeout_ms ?? 5000},
      isStray: ${parts.is_stray ?? 'undefined'},
      async start() {
        const alive = setInterval(() => {}, 1000);
        ${parts.start ?? ''}
        return { url: 'http://127.0.0.1:1', async stop() { ${parts.stop ?? ''}; clearInterval(alive); } };
      },
    });
    process.send('running');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  if (!child.stdout) throw new Error('no stdout');
  child.on('message', () => {
    for (const signal of parts.signals ?? []) child.kill(signal);
  });
  const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  const messages = output
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { code: code as number, messages };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the service in order, exit code 0', async (signal) => {
  expect(await live({ stop: `console.log('{"msg":"drained"}')`, signals: [signal] })).toEqual({
    code: 0,
    messages: ['demo is running', 'demo is stopping', 'drained', 'demo has stopped'],
  });
});

test('a start that fails ends the process with code 1 and is logged once', async () => {
  expect(await live({ start: `throw new Error('no database')` })).toEqual({
    code: 1,
    messages: ['demo could not start'],
  });
});

test('an uncaught error is logged once, the service drains, exit code 1', async () => {
  expect(await live({ start: `setTimeout(() => { throw new Error('oops'); }, 20)` })).toEqual({
    code: 1,
    messages: ['demo is running', 'demo stops after an uncaught error', 'demo has stopped'],
  });
});

test('a stop that hangs is cut off at the deadline, exit code 1', async () => {
  const ended = await live({ stop: 'await new Promise(() => {})', signals: ['SIGTERM'], timeout_ms: 50 });
  expect(ended).toMatchObject({ code: 1, messages: { 2: 'demo did not stop within 50 ms, ending now' } });
});

test('a stop that fails is logged, exit code 1', async () => {
  const ended = await live({ stop: `throw new Error('stuck')`, signals: ['SIGTERM'] });
  expect(ended).toMatchObject({ code: 1, messages: { 2: 'demo could not stop in order' } });
});

test('a rejection that nobody handled ends the service, unless it is a library’s that it outlives, of which it tells no more than that', async () => {
  const is_stray = `(error) => error.name === 'TheirError'`;
  const reject = (name: string) => `Promise.reject(Object.assign(new Error('a secret'), { name: '${name}' }));`;
  expect(await live({ is_stray, start: reject('OurError') })).toMatchObject({
    code: 1,
    messages: expect.arrayContaining(['demo stops after an uncaught error']) as string[],
  });
  const outlived = await live({ is_stray, start: reject('TheirError'), signals: ['SIGTERM'] });
  expect(outlived).toEqual({
    code: 0,
    messages: ['demo is running', 'a library left a rejection to nobody', 'demo is stopping', 'demo has stopped'],
  });
});
