import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface JsonFile<T> {
  value: T;
  /** Resolves when `value`, as it is now, is on disk. Calls while a write runs share the next one. */
  save: () => Promise<void>;
}

/**
 * A value that survives restarts: read once, written whole and atomically (a file beside it, then a rename), readable by
 * its owner only. Without a directory it lives in memory.
 */
export async function openJsonFile<T>(data_dir: string | undefined, name: string, initial: T): Promise<JsonFile<T>> {
  if (!data_dir) return { value: initial, save: () => Promise.resolve() };
  const path = join(data_dir, name);
  const value = await readFile(path, 'utf8').then(
    (text) => JSON.parse(text) as T,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return initial;
      throw error;
    },
  );
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });

  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    next = undefined;
    await writeFile(`${path}.new`, JSON.stringify(value, null, 1), { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  return {
    value,
    save() {
      next ??= last.then(write, write);
      last = next;
      return next;
    },
  };
}
