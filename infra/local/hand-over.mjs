// Plain JavaScript for Node 18 and newer: all of this runs before anything is installed. It installs the dependencies,
// Node 24 among them, and hands over to `src/<command>.ts`.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installStamp } from './install-stamp.mjs';

const PNPM = 'pnpm@10.34.8';
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin_dir = path.join(root, 'node_modules', '.bin');
const stamp_file = path.join(root, 'node_modules', '.potentia-install');
/** The program itself: `.bin/node` is a shell script around it, which would keep signals to itself. */
const installed_node = path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

/**
 * Installs what the lockfile names, unless the last install was of the same lockfile; then runs `src/<command>.ts` on
 * Node 24 with this process's arguments and ends as it ends.
 * @param {'start' | 'status' | 'stop' | 'test' | 'bench'} command
 * @returns {Promise<void>}
 */
export async function handOver(command) {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    fail(`Potentia needs Node 18 or newer to set itself up; this is ${process.version}.`);
  }
  await installDependencies();
  const script = path.join(root, 'infra', 'local', 'src', `${command}.ts`);
  process.exit(await runToTheEnd(node24(), [script, ...process.argv.slice(2)]));
}

async function installDependencies() {
  const stamp = installStamp(root);
  if (existsSync(stamp_file) && readFileSync(stamp_file, 'utf8') === stamp) return;
  const log_file = path.join(root, '.local', 'log', 'install.log');
  mkdirSync(path.dirname(log_file), { recursive: true });
  chmodSync(path.dirname(log_file), 0o700);
  const started = Date.now();
  process.stdout.write('  …      dependencies (a first time takes up to a minute)\n');
  const log = openSync(log_file, 'w', 0o600);
  const code = await new Promise((resolve) => {
    // `CI` keeps pnpm from asking before it rebuilds a node_modules that another version laid out.
    const child = spawn('npx', ['-y', PNPM, 'install', '--frozen-lockfile'], {
      cwd: root,
      env: { ...process.env, CI: 'true' },
      stdio: ['ignore', log, log],
    });
    child.on('error', () => resolve(127));
    child.on('exit', resolve);
  });
  if (code !== 0) {
    const tail = readFileSync(log_file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
    fail(
      `Installing the dependencies failed (npx ${PNPM} install, exit code ${code}). The end of ${log_file}:\n${tail}`,
    );
  }
  writeFileSync(stamp_file, stamp);
  process.stdout.write(`  ${((Date.now() - started) / 1000).toFixed(1).padStart(5)}s dependencies\n`);
}

/** The Node 24 that was installed; where there is no package of it for the platform, this one, if it is new enough. */
function node24() {
  if (existsSync(installed_node)) return installed_node;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Potentia runs on Node 24, of which there is no package for ${process.platform}-${process.arch}: install it.`,
  );
}

/**
 * Passes signals on, and ends the child when npm has gone without a word, as it does when it is killed.
 * @param {string} file
 * @param {string[]} args
 * @returns {Promise<number>}
 */
function runToTheEnd(file, args) {
  return new Promise((resolve) => {
    const search_path = [path.dirname(file), bin_dir, process.env.PATH].filter(Boolean).join(path.delimiter);
    const env = { ...process.env, PATH: search_path };
    const child = spawn(file, args, { cwd: root, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => child.kill(signal));
    }
    const chain = parents();
    const watch = setInterval(() => {
      if (parents() !== chain) child.kill('SIGTERM');
    }, 1000);
    watch.unref();
    // Node, once it has ended its work, has been seen to wait for a thread of its own for ever.
    child.on('message', (code) => {
      setTimeout(() => {
        child.kill('SIGKILL');
        resolve(Number(code));
      }, 5000);
    });
    child.on('error', (error) => fail(`Cannot run ${file}: ${error.message}`));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/**
 * Who started this process: the shells that npm puts in between, and npm. Another answer than before: npm is gone.
 * @returns {string}
 */
function parents() {
  const chain = [process.ppid];
  if (process.env.npm_lifecycle_event === undefined || process.platform !== 'linux') return chain.join();
  try {
    while (chain.length < 4) {
      const stat = readFileSync(`/proc/${chain.at(-1)}/stat`, 'utf8');
      const [, name = '', parent] = /\((.*)\) \S (\d+)/s.exec(stat) ?? [];
      // A script that a shell runs goes by the script's name: `.bin/node`.
      if (!/^(sh|dash|bash|busybox|node)$/.test(name)) break;
      chain.push(Number(parent));
    }
  } catch {
    chain.push(0);
  }
  return chain.join();
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}
