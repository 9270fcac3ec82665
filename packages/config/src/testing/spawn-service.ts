import { type ChildProcess, spawn } from 'node:child_process';

export interface ServiceCommand {
  /** Path of the service's `main.ts`. */
  main: string;
  /** Its whole environment, but for PATH. It listens on a free port unless this names one. */
  env: Record<string, string>;
}

export interface SpawnedService {
  url: string;
  pid: number;
  /** What it has written so far, both streams. */
  output(): string;
  /** Settles when it has ended. */
  exited: Promise<Exit>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<Exit>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<Exit>;
  freeze(): void;
  thaw(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Runs a service as a process of its own and waits until it says where it listens. Throws its output when it ends first. */
export async function spawnService(command: ServiceCommand): Promise<SpawnedService> {
  const { child, output, exited } = run(command);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', () => {
      const found = /"url":"([^"]+)"[^\n]*is running/.exec(output())?.[1];
      if (found) resolve(found);
    });
    void exited.then(() => reject(new Error(`the service ended while starting:\n${output()}`)));
  });
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return {
    url,
    pid: child.pid!,
    output,
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
    },
  };
}

/** Runs a service that is expected to end by itself. */
export async function runToExit(command: ServiceCommand): Promise<Exit & { output: string }> {
  const { output, exited } = run(command);
  return { ...(await exited), output: output() };
}

function run({ main, env }: ServiceCommand): { child: ChildProcess; output: () => string; exited: Promise<Exit> } {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, output: () => output, exited };
}
