import { stdout } from 'node:process';
import { afterEach, expect, it, vi } from 'vitest';
import { noteStopping, timed } from './progress.ts';

afterEach(() => vi.restoreAllMocks());

it('a step that fails says so; one that fails because everything is being stopped was stopped', async () => {
  let shown = '';
  vi.spyOn(stdout, 'write').mockImplementation((text) => {
    shown += String(text);
    return true;
  });
  const fail = (name: string) => timed(name, () => Promise.reject(new Error('no'))).catch(() => undefined);
  await fail('api');
  noteStopping();
  await fail('jobs');
  expect(shown).toBe('  failed api\n  stopped jobs\n');
});
