import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface SqlFile {
  /** Path below `src`. */
  name: string;
  text: string;
  /** SHA-256 of the text. */
  checksum: string;
}

const ROOT = import.meta.dirname;

const read = (name: string): SqlFile => {
  const text = readFileSync(join(ROOT, name), 'utf8');
  return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
};

const sqlIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => `${folder}/${file}`);

/** `migrations/NNNN_*.sql`, each applied once, in this order. */
export function migrationFiles(): SqlFile[] {
  return sqlIn('migrations').sort().map(read);
}

/** `<module>/sql/NN_*.sql`, applied again when they change, ordered by their number over all modules. */
export function repeatableFiles(): SqlFile[] {
  const modules = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'migrations',
  );
  return modules
    .flatMap((module) => (readdirSync(join(ROOT, module.name)).includes('sql') ? sqlIn(`${module.name}/sql`) : []))
    .sort((a, b) => (basename(a) === basename(b) ? (a < b ? -1 : 1) : basename(a) < basename(b) ? -1 : 1))
    .map(read);
}
