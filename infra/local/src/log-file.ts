import { chmodSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';

/** Opens a log in a folder of logs, both for their owner alone, whoever could read them before: they hold tokens. */
export function openLog(file: string, flags: 'w' | 'w+' | 'a'): number {
  const dir = path.dirname(file);
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o700);
  const log = openSync(file, flags, 0o600);
  fchmodSync(log, 0o600);
  return log;
}
