import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProcesses, isGroupAlive, processStart, waitUntil } from './processes.ts';

const node = process.execPath;
const forever = 'setInterval(() => {}, 1000)';

describe('processes', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'potentia-processes-'));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const logged = (name: string) => path.join(dir, `${name}.log`);

  it('stops the last started first, then does what was left for afterwards', async () => {
    const processes = createProcesses();
    const ended: string[] = [];
    for (const name of ['first', 'second']) {
      const started = await processes.start({ name, file: node, args: ['-e', forever], log_file: logged(name) });
      void started.exited.then(() => ended.push(name));
    }
    processes.afterwards(async () => {
      ended.push('afterwards');
    });
    await processes.stopAll();
    expect(ended).toEqual(['second', 'first', 'afterwards']);
  });

  it('kills a process that does not end in time, with all that it started', async () => {
    const processes = createProcesses();
    const deaf = `process.on('SIGTERM', () => {}); require('child_process').spawn(process.execPath, ['-e', '${forever}']); console.log('ready'); ${forever}`;
    const log_file = logged('deaf');
    const { pid } = await processes.start({
      name: 'deaf',
      file: node,
      args: ['-e', deaf],
      log_file,
      stop_timeout_ms: 50,
    });
    await expect.poll(() => readFile(log_file, 'utf8')).toContain('ready');
    await processes.stopAll();
    await expect.poll(() => isGroupAlive(pid)).toBe(false);
  });

  it('tells which one ended by itself, and how', async () => {
    const processes = createProcesses();
    await processes.start({ name: 'lasting', file: node, args: ['-e', forever], log_file: logged('lasting') });
    await processes.start({ name: 'brief', file: node, args: ['-e', 'process.exit(3)'], log_file: logged('brief') });
    expect(await processes.firstExit()).toEqual({ name: 'brief', code: 3, signal: null });
    await processes.stopAll();
  });

  it('starts nothing any more once it stops', async () => {
    const processes = createProcesses();
    await processes.stopAll();
    await expect(processes.start({ name: 'late', file: node, args: [], log_file: logged('late') })).rejects.toThrow(
      /late/,
    );
  });

  it('knows a process again by when it started', async () => {
    const processes = createProcesses();
    const { pid } = await processes.start({
      name: 'known',
      file: node,
      args: ['-e', forever],
      log_file: logged('known'),
    });
    const started = await processStart(pid);
    expect(started).toBeDefined();
    expect(await processStart(pid)).toBe(started);
    await processes.stopAll();
    expect(await processStart(pid)).toBeUndefined();
  });
});

describe('waitUntil', () => {
  it('answers false at the deadline, and at once when there is nothing left to wait for', async () => {
    expect(await waitUntil(() => Promise.resolve(false), 20)).toBe(false);
    expect(await waitUntil(() => Promise.resolve(false), 60_000, Promise.resolve())).toBe(false);
  });
});
