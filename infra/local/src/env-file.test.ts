import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { envFile } from './services.ts';

test('the environment of a service reads back from its file, without what is the shell’s', () => {
  const own = {
    DATABASE_URL: 'postgres://app_user:p%20w#x@127.0.0.1:25432/potentia',
    RATE_LIMITS: '[{"limit":10,"window_ms":60000}]',
    NAME: "o'clock",
    EMPTY: '',
  };
  expect(parseEnv(envFile({ ...own, PATH: '/usr/bin', OTEL_SERVICE_NAME: 'x' }))).toEqual(own);
});
