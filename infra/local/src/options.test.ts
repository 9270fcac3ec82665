import { describe, expect, it } from 'vitest';
import { readStartOptions } from './options.ts';

describe('readStartOptions', () => {
  it('runs everything itself unless told of services elsewhere', () => {
    expect(readStartOptions([], {})).toMatchObject({
      detach: false,
      database_admin_url: undefined,
      redis_url: undefined,
    });
    const given = { DATABASE_ADMIN_URL: 'postgres://db.example/x', REDIS_URL: '' };
    expect(readStartOptions(['--detach'], given)).toMatchObject({
      detach: true,
      database_admin_url: 'postgres://db.example/x',
      redis_url: undefined,
    });
  });

  it('answers an unknown option with the usage', () => {
    expect(() => readStartOptions(['--port', '1'], {})).toThrow(
      /'--port'[^]*--wa-worker-port[^]*POTENTIA_WA_WORKER_PORT/,
    );
  });

  it('leaves --help to the caller', () => {
    expect(readStartOptions(['--help'], {})).toBeUndefined();
  });
});
