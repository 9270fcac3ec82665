import { expect, it } from 'vitest';
import { createSampledLog } from './sampled-log.ts';

it('writes one line per topic and time, and says how many it left out', () => {
  let now = 0;
  const lines: unknown[] = [];
  const log = { warn: (fields: unknown) => void lines.push(fields) };
  const write = createSampledLog(1_000, () => now);
  for (let i = 0; i < 5; i += 1) write(log, 'a', { i }, 'refused');
  write(log, 'b', { i: 9 }, 'refused');
  now = 1_000;
  write(log, 'a', { i: 6 }, 'refused');
  expect(lines).toEqual([
    { i: 0, left_out: 0 },
    { i: 9, left_out: 0 },
    { i: 6, left_out: 4 },
  ]);
});
