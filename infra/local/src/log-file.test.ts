import { chmodSync, closeSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from './log-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'potentia-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

it.each(['w', 'w+', 'a'] as const)(
  'a log opened with %s is for its owner alone, one that others could read too',
  (flags) => {
    const logs = path.join(dir, 'log');
    const old = path.join(logs, 'old.log');
    mkdirSync(logs);
    chmodSync(logs, 0o755);
    writeFileSync(old, '');
    chmodSync(old, 0o644);
    for (const file of [old, path.join(logs, 'new.log')]) {
      closeSync(openLog(file, flags));
      expect([modeOf(logs), modeOf(file)]).toEqual([0o700, 0o600]);
    }
  },
);
