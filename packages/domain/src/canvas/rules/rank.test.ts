import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankBetween, ranksBetween } from './rank.ts';

const INSERTS = 10_000;

/** Inserts 10,000 times and answers the longest rank; `next` says between which two, given the ranks made so far. */
function longest(next: (made: string[]) => [string | null, string | null]): number {
  const made: string[] = [];
  for (let i = 0; i < INSERTS; i++) {
    const [a, b] = next(made);
    const rank = rankBetween(a, b);
    if ((a !== null && rank <= a) || (b !== null && rank >= b)) throw new Error(`${a} < ${rank} < ${b} does not hold`);
    made.push(rank);
  }
  return Math.max(...made.map((rank) => rank.length));
}

describe('rank: length after 10,000 inserts', () => {
  it('stays within 7 characters for appends and prepends', () => {
    expect(longest((made) => [made.at(-1) ?? null, null])).toBeLessThanOrEqual(7);
    expect(longest((made) => [null, made.at(-1) ?? null])).toBeLessThanOrEqual(7);
  });

  it.each([
    ['a0', 'a1'],
    ['a0V', 'a0W'],
    ['Zz', 'a0'],
    ['az', 'b00'],
    ['a0', 'a01'],
  ])('stays within 16 characters at one spot between %s and %s', (a, b) => {
    expect(longest((made) => [a, made.at(-1) ?? b])).toBeLessThanOrEqual(16);
    expect(longest((made) => [made.at(-1) ?? a, b])).toBeLessThanOrEqual(16);
  });

  it('stays within 16 characters for two runs that meet', () => {
    expect(
      longest((made) => (made.length % 2 ? [made.at(-2) ?? 'a0', 'a1'] : ['a1', made.at(-2) ?? 'a2'])),
    ).toBeLessThanOrEqual(16);
  });

  it('stays within 1,700 characters for the worst zigzag', () => {
    let [a, b] = ['a0', 'a1'];
    const next = (made: string[]): [string, string] => {
      const last = made.at(-1);
      if (last !== undefined) [a, b] = made.length % 2 ? [last, b] : [a, last];
      return [a, b];
    };
    expect(longest(next)).toBeLessThanOrEqual(1_700);
  });
});

describe('rank: order', () => {
  it('lies strictly between its neighbours for any sequence of inserts, and never ends in a zero fraction', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 70 })), { maxLength: 60 }), (inserts) => {
        const list: string[] = [];
        for (const [place, count] of inserts) {
          const at = place % (list.length + 1);
          list.splice(at, 0, ...ranksBetween(list[at - 1] ?? null, list[at] ?? null, count));
        }
        expect(list).toEqual([...new Set(list)].sort());
        expect(list.filter((rank) => !/^[0-9A-Za-z]+$/.test(rank) || (/0$/.test(rank) && rank.length > 27))).toEqual(
          [],
        );
        for (const [i, rank] of list.entries()) {
          const above = rankBetween(rank, list[i + 1] ?? null);
          expect(above > rank && (list[i + 1] === undefined || above < (list[i + 1] as string))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('holds across the lengths of the integer', () => {
    let last: string | null = null;
    for (let i = 0; i < 4_000; i++) {
      const rank: string = rankBetween(null, last);
      expect(last === null || rank < last).toBe(true);
      last = rank;
    }
    for (let i = 0; i < 8_000; i++) {
      const rank: string = rankBetween(last, null);
      expect(rank > (last as string)).toBe(true);
      last = rank;
    }
  });

  it('spreads 2,000 ranks in one gap within 4 characters beyond the neighbours', () => {
    const ranks = ranksBetween('a0', 'a1', 2_000);
    expect(ranks).toEqual([...new Set(ranks)].sort());
    expect(Math.max(...ranks.map((rank) => rank.length))).toBeLessThanOrEqual(6);
  });

  it('makes no rank when none is asked for', () => {
    expect(ranksBetween('a0', 'a1', 0)).toEqual([]);
  });
});

describe('rank: damaged lists', () => {
  it.each([
    ['a5', 'a5'],
    ['a5', 'a1'],
    ['a5', 'a50'],
    ['b', 'b00'],
  ])('goes right after the first when nothing fits between %s and %s', (a, b) => {
    expect(rankBetween(a, b) > a).toBe(true);
    const ranks = ranksBetween(a, b, 50);
    expect([a, ...ranks]).toEqual([...new Set([a, ...ranks])].sort());
  });

  it('lies between any two ordered strings of the alphabet', () => {
    const text = fc.stringMatching(/^[A-Za-z][0-9A-Za-z]{0,30}$/);
    fc.assert(
      fc.property(text, text, (x, y) => {
        const [a, b] = x < y ? [x, y] : [y, x];
        const zeros = b.startsWith(a) && /^0*$/.test(b.slice(a.length));
        const rank = rankBetween(a, b);
        expect(rank > a && (zeros || rank < b)).toBe(true);
      }),
    );
  });

  it('refuses characters outside the alphabet', () => {
    expect(() => rankBetween('a!', null)).toThrow(RangeError);
    expect(() => rankBetween('0', null)).toThrow(RangeError);
  });
});
