import path from 'node:path';
import { aptInstall, brewInstall, findProgram, packageManager } from './machine.ts';

const usual_dirs = ['/opt/homebrew/bin', '/usr/local/bin'];

/** `redis-server`'s path, installed first where it is missing. Undefined where nothing can be installed. */
export async function ensureRedis(): Promise<string | undefined> {
  const found = findProgram('redis-server', usual_dirs);
  if (found) return found;
  const manager = await packageManager();
  if (manager === 'apt') await aptInstall(['redis-server']);
  if (manager === 'brew') await brewInstall(['redis']);
  return findProgram('redis-server', usual_dirs);
}

/** PATH with the folder of a program in front, for those that start it by its name. */
export function withProgram(search_path: string | undefined, program: string): string {
  return [path.dirname(program), search_path].filter(Boolean).join(path.delimiter);
}
