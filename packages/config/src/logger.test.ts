import { expect, test } from 'vitest';
import { createLogger, type Logger } from './logger.ts';

function capture(write: (log: Logger) => void, level = 'info'): { text: string; lines: Record<string, unknown>[] } {
  let text = '';
  const log = createLogger({ service: 'demo', version: '1.2.3', level }, { write: (line) => (text += line) });
  write(log);
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { text, lines };
}

test('a line says when, how grave, which service and which request', () => {
  const { lines } = capture((log) => log.child({ request_id: 'r-1' }).warn('careful'));
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      service: 'demo',
      version: '1.2.3',
      request_id: 'r-1',
      msg: 'careful',
    },
  ]);
});

test('secrets are not written, at the top, one level down, or in the headers of a request', () => {
  const secret = 'pst-do-not-tell';
  const { text } = capture((log) =>
    log.info({
      token: secret,
      qr: secret,
      user: { password: secret, access_token: secret },
      headers: { authorization: secret, cookie: secret },
      req: { headers: { authorization: secret, 'sec-websocket-protocol': secret, 'set-cookie': [secret] } },
      kept: 'yes',
    }),
  );
  expect(text).not.toContain(secret);
  expect(text).toContain('"kept":"yes"');
});

test('an error keeps its causes', () => {
  const { text } = capture((log) => {
    log.error({ err: new Error('outer', { cause: new Error('inner') }) });
  });
  expect(text).toContain('inner');
});

test('of an error nothing is written that a driver, Postgres or a verb hung on it', () => {
  const secret = 'pst-do-not-tell';
  const err = Object.assign(new Error('refused'), {
    code: 'E_REFUSED',
    command: { name: 'auth', args: ['default', secret] },
    detail: `Failing row contains (${secret})`,
    meta: { current: { content: { text: secret } } },
  });
  const { text, lines } = capture((log) => {
    log.error({ err }, 'failed');
    log.error(err);
  });
  expect(text).not.toContain(secret);
  const written = { type: 'Error', message: 'refused', code: 'E_REFUSED', stack: expect.any(String) as string };
  expect(lines).toMatchObject([{ err: written, msg: 'failed' }, { err: written }]);
});

test('lines below the level are not written', () => {
  expect(capture((log) => log.info('quiet'), 'warn').lines).toEqual([]);
});

test('an API key is not written, wherever in a line it stands', () => {
  const key = 'pot_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm';
  const { text, lines } = capture((log) => {
    log.info({ url: `/x?key=${key}`, deep: { deeper: { deepest: [key] } } }, `refused ${key}.`);
    log.error(new Error(`bad bearer ${key}`));
  });
  expect(text).not.toContain(key.slice(0, 12));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ msg: 'refused pot_[redacted].' });
});
