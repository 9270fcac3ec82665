import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { freebusyBody, type Freebusy } from './freebusy-schemas.ts';
import { loadBusy, type PersonBusy } from './load-busy.ts';
import { type BusyInterval, printBusy } from './rules/busy-text.ts';
import type { Window } from './rules/series.ts';

/**
 * When people are busy between two instants: merged intervals without a word about why. Never older than the question. Whom the
 * caller may not ask about, and who does not exist, is `found: false`, so that one who left does not spoil the answer about
 * the others. Intervals are unpacked when they are looked at. Throws `request.invalid`, `platform.database_unavailable`.
 */
export async function readFreebusy(ctx: BusyCtx, input: z.input<typeof freebusyBody>): Promise<Freebusy> {
  const { user_ids, from, to } = parseInput(freebusyBody, input);
  const window = { from: Date.parse(from), to: Date.parse(to) };
  const people = await loadBusy(ctx, { user_ids, ...window });
  return { people: user_ids.map((user_id, i) => new PersonFreebusy(user_id, people[i] ?? null, window)) };
}

/** A class because of its getter: whoever asks about fifty people for one, or passes the answer on, makes no thousands of objects. */
class PersonFreebusy {
  readonly user_id: string;
  readonly found: boolean;
  readonly #person: PersonBusy | null;
  readonly #window: Window;
  #busy: BusyInterval[] | undefined;

  constructor(user_id: string, person: PersonBusy | null, window: Window) {
    this.user_id = user_id;
    this.found = person !== null;
    this.#person = person;
    this.#window = window;
  }

  get busy(): BusyInterval[] {
    return (this.#busy ??= this.#person === null ? [] : printBusy(this.#person.weeks, this.#window));
  }

  toJSON(): Freebusy['people'][number] {
    return { user_id: this.user_id, found: this.found, busy: this.busy };
  }
}
