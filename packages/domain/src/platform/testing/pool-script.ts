import { serveTasks } from '../serve-tasks.ts';

/** A script of a process pool that does what a hostile task would make it do. */
export type PoolTask = { echo: unknown } | { sleep_ms: number } | { end: 'loop' | 'exit' | 'fill' | 'throw' | 'env' };

serveTasks((given) => {
  const task = given as PoolTask;
  if ('echo' in task) return { pid: process.pid, echo: task.echo };
  if ('sleep_ms' in task) return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.sleep_ms);
  switch (task.end) {
    case 'loop':
      for (;;);
    case 'exit':
      return process.exit(3);
    case 'fill':
      for (const full: object[] = []; ;) full.push(full.map((one) => ({ one })));
    case 'throw':
      throw new RangeError('no');
    case 'env':
      return Object.keys(process.env);
  }
});
