import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { freebusyBody, type Freebusy } from './freebusy-schemas.ts';
import { loadBusy } from './load-busy.ts';
import { printBusy } from './rules/busy-text.ts';

/**
 * When people are busy between two instants: merged intervals without a word about why. Never older than the question. Whom the
 * caller may not ask about, and who does not exist, is `found: false`, so that one who left does not spoil the answer about
 * the others. Throws `request.invalid`, `platform.database_unavailable`.
 */
export async function readFreebusy(ctx: BusyCtx, input: z.input<typeof freebusyBody>): Promise<Freebusy> {
  const { user_ids, from, to } = parseInput(freebusyBody, input);
  const window = { from: Date.parse(from), to: Date.parse(to) };
  const people = await loadBusy(ctx, { user_ids, ...window });
  return {
    people: people.map((person, i) => ({
      user_id: user_ids[i]!,
      found: person !== null,
      busy: person === null ? [] : printBusy(person.weeks, window),
    })),
  };
}
