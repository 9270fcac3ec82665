import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import cases from '../testing/rrule-cases.json' with { type: 'json' };

const script = fileURLToPath(new URL('../testing/print-cases.ts', import.meta.url));

/** What a process in a zone prints: where it thinks that it is, and the rest. */
async function printedIn(TZ: string): Promise<{ zone: string; lines: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env: { TZ }, maxBuffer: 16 * 1_048_576 });
  const [zone = '', ...lines] = stdout.trim().split('\n');
  return { zone, lines };
}

test('the zone of the process plays no part', async () => {
  const zones = ['UTC', 'America/New_York', 'Asia/Jakarta', 'Australia/Lord_Howe'];
  const [utc, ...others] = await Promise.all(zones.map(printedIn));
  expect(utc?.lines).toHaveLength(cases.length);
  for (const [at, { expected }] of cases.entries()) expect(utc?.lines[at]).toContain(expected.join(' '));
  for (const { zone, lines } of others) {
    expect(zone).not.toBe(utc?.zone);
    expect(lines).toEqual(utc?.lines);
  }
});
