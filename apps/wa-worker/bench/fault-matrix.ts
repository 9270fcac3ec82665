/*
 * Breaks a session in every way there is while messages pass, with real worker processes against the simulated WhatsApp, and counts:
 * a message is lost that the API was never told of (in) or that the phone never shows (out); doubled is one that is told or shown twice.
 * A stanza that a phone got a second time under the same id it does not show. Ends with 1 unless all are zero. Needs TEST_POSTGRES_URL.
 *   node apps/wa-worker/bench/fault-matrix.ts [part of a name]
 */
import { ROWS } from './faults/rows.ts';
import { startWorld } from './faults/world.ts';

const [, , wanted = ''] = process.argv;
let failed = false;
for (const { name, people, is_read_at_once = false, run } of ROWS.filter((row) => row.name.includes(wanted))) {
  await using world = await startWorld({ people: people ?? 2 });
  const began = performance.now();
  let problem = '';
  await run(world).catch((error: unknown) => {
    problem = ` ${String(error)}`;
  });
  const { sent_in, sent_out, lost, doubled, repeated, retried } = await world.settle();
  const is_bad = lost + doubled > 0 || problem !== '' || (is_read_at_once && retried > 0);
  failed ||= is_bad;
  if (is_bad) for (const worker of world.workers) console.error(worker.output().split('\n').slice(-40).join('\n'));
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  const counts = `in ${sent_in}, out ${sent_out}: lost ${lost}, doubled ${doubled} (same id again ${repeated}, read at a second attempt ${retried}, ${seconds} s)`;
  console.log(`${is_bad ? 'BAD' : 'ok '} ${name.padEnd(64)} ${counts}${problem}`);
}
process.exitCode = failed ? 1 : 0;
