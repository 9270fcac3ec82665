import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { USAGE } from '../usage.mjs';
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
});

it('--help is answered by what is there before anything is installed, and installs nothing', async () => {
  const checkout = mkdtempSync(path.join(os.tmpdir(), 'potentia-help-'));
  try {
    const local = path.resolve(import.meta.dirname, '..');
    const scripts = readdirSync(local).filter((name) => name.endsWith('.mjs'));
    for (const name of scripts) cpSync(path.join(local, name), path.join(checkout, 'infra/local', name));
    const { stdout } = await promisify(execFile)(process.execPath, ['infra/local/start.mjs', '--help'], {
      cwd: checkout,
    });
    expect(stdout).toBe(`${USAGE}\n`);
    expect(readdirSync(checkout)).toEqual(['infra']);
  } finally {
    rmSync(checkout, { recursive: true });
  }
});
