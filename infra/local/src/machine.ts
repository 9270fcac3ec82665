import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { run, tryRun } from './command.ts';
import { logFile, root } from './paths.ts';

const log_file = logFile('install');
const apt_script = path.join(root, 'infra/local/apt-install.sh');

export type PackageManager = 'apt' | 'brew';

/** A program's path: on PATH, or in one of the usual places given. */
export function findProgram(name: string, usual_dirs: string[] = []): string | undefined {
  const on_path = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  return [...on_path, '/usr/sbin', ...usual_dirs].map((dir) => path.join(dir, name)).find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** What to put before a command so that it runs as root: nothing, `sudo -n`, or undefined when neither is to be had. */
export async function elevation(): Promise<string[] | undefined> {
  if (isRoot()) return [];
  return (await tryRun('sudo', ['-n', 'true'])).code === 0 ? ['sudo', '-n'] : undefined;
}

/** The package manager that this machine lets us use without asking anybody. */
export async function packageManager(): Promise<PackageManager | undefined> {
  if (process.platform === 'darwin') return findProgram('brew') ? 'brew' : undefined;
  if (findProgram('apt-get') && (await elevation())) return 'apt';
  return undefined;
}

/** `ID` of /etc/os-release: `debian`, `ubuntu`, … */
export function distribution(): string | undefined {
  if (!existsSync('/etc/os-release')) return undefined;
  return /^ID="?([\w-]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
}

let lists_updated: Promise<unknown> | undefined;

/** `apt-get update`, once in the life of this process. */
export async function aptUpdate(): Promise<void> {
  lists_updated ??= runAsRoot('apt-get', ['update', '-q', '-o', 'DPkg::Lock::Timeout=300']);
  await lists_updated;
}

/** Installs packages without starting their services (apt-install.sh says how). */
export async function aptInstall(packages: string[]): Promise<void> {
  await aptUpdate();
  await runAsRoot('sh', [apt_script, ...packages]);
}

/** True when apt knows the package; call `aptUpdate` first. */
export async function aptHas(name: string): Promise<boolean> {
  return /^Package: /m.test((await tryRun('apt-cache', ['show', '--no-all-versions', name])).output);
}

export async function brewInstall(formulas: string[]): Promise<void> {
  await run('brew', ['install', '--quiet', ...formulas], { log_file });
}

/** Runs a command as root; `packageManager()` or `elevation()` has said that it can. */
export async function runAsRoot(file: string, args: string[], cwd?: string): Promise<string> {
  const [program = file, ...rest] = [...((await elevation()) ?? []), file, ...args];
  return run(program, rest, { log_file, ...(cwd ? { cwd } : {}) });
}
