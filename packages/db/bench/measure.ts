import { readFileSync } from 'node:fs';

/** Seconds of CPU that a process of this host has used, in its own code and the kernel's; NaN elsewhere. */
export function processCpu(pid: number): number {
  try {
    // What `stat` tells of utime and stime, in nanoseconds instead of ticks of 10 ms.
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
  } catch {
    return NaN;
  }
}

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

export interface Contestant {
  /** The backend that does its work. */
  pid: number;
  call(n: number): Promise<unknown>;
}

export interface Cost {
  /** Microseconds of CPU in Postgres per call. */
  server_us: number;
  /** Microseconds from call to answer. */
  wall_us: number;
}

/** What a call of each costs in every round: interleaved, the order reversed each round, after a round to warm up. */
export async function compare<Name extends string>(
  contestants: Record<Name, Contestant>,
  { rounds, calls }: { rounds: number; calls: number },
): Promise<Record<Name, Cost[]>> {
  const names = Object.keys(contestants) as Name[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as Cost[]])) as Record<Name, Cost[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 ? names : names.toReversed()) {
      const { pid, call } = contestants[name];
      const [cpu, began] = [processCpu(pid), performance.now()];
      for (let n = 0; n < calls; n++) await call(n);
      const cost = {
        server_us: ((processCpu(pid) - cpu) * 1_000_000) / calls,
        wall_us: ((performance.now() - began) * 1_000) / calls,
      };
      if (round > 0) costs[name].push(cost);
    }
  }
  return costs;
}

/** The median of the ratios of each round: what the rounds have in common, the noise of the machine, cancels out. */
export const ratio = (of: Cost[], to: Cost[], key: keyof Cost = 'server_us'): number =>
  median(of.map((cost, round) => cost[key] / (to[round]?.[key] ?? NaN)));
