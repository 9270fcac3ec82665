import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { installStamp } from '../install-stamp.mjs';

it('changes with the lockfile and with the settings of the workspace, and with nothing else', async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'potentia-stamp-'));
  const write = (name: string, text: string) => writeFile(path.join(dir, name), text);
  await write('pnpm-lock.yaml', 'one');
  await write('pnpm-workspace.yaml', 'one');
  const before = installStamp(dir);
  await write('package.json', '{}');
  expect(installStamp(dir)).toBe(before);
  await write('pnpm-lock.yaml', 'two');
  const after = installStamp(dir);
  await write('pnpm-workspace.yaml', 'two');
  expect(new Set([before, after, installStamp(dir)]).size).toBe(3);
  await rm(dir, { recursive: true });
});
