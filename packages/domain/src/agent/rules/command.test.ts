import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TOOLS } from '../tool-schemas.ts';
import corpus from '../testing/command-corpus.json' with { type: 'json' };
import type { Command } from './command-types.ts';
import type { Intent } from './intent-words.ts';
import { isAskedFor } from './asked-for.ts';
import { parseCommand } from './command.ts';

/** What of a command the corpus holds: everything but how it is said back. */
function held(text: string, at: { now: string; time_zone: string }): unknown {
  const command = parseCommand(text, at);
  if (command === null) return null;
  if (command.verb === 'snooze') {
    const { language, verb, find, settled } = command;
    return { language, verb, find, at: settled.starts_local };
  }
  const { understood: _understood, ...rest } = { understood: null, ...command };
  return JSON.parse(JSON.stringify(rest));
}

describe.each(corpus)('an order given at $now in $time_zone', ({ now, time_zone, cases }) => {
  test.each(cases as [string, unknown][])('%s', (text, expected) => {
    expect(held(text, { now, time_zone })).toEqual(expected);
  });
});

const jakarta = { now: '2026-11-21T03:00:00Z', time_zone: 'Asia/Jakarta' };
const understood = (text: string, at = jakarta): string | null => {
  const command = parseCommand(text, at);
  return command && 'understood' in command ? command.understood : null;
};

test('what was understood is said with its weekday, its date, its time and the zone', () => {
  expect(understood('remind me every weekday at 8 to stretch')).toBe(
    'a reminder of “stretch”: every weekday, first on Monday, 23 November 2026 at 08:00 (Asia/Jakarta)',
  );
  expect(understood('ingatkan aku besok jam 9 rapat')).toBe(
    'pengingat “rapat”: Minggu, 22 November 2026 pukul 09.00 (Asia/Jakarta)',
  );
  expect(understood('schedule vacation from 5 to 9 May')).toBe(
    '“vacation”: Wednesday, 5 May 2027 to Sunday, 9 May 2027, all day (Asia/Jakarta)',
  );
  expect(understood('remind me every day at 8 for 10 days to practice')).toContain('until Tuesday, 1 December 2026');
});

test('every tool that the corpus names takes what it is given', () => {
  for (const { now, time_zone, cases } of corpus)
    for (const [text] of cases as [string, unknown][]) {
      const command = parseCommand(text, { now, time_zone });
      const calls =
        command === null
          ? []
          : command.verb === 'call'
            ? command.calls
            : 'wanted' in command
              ? [command.wanted.find]
              : 'find' in command
                ? [command.find]
                : [];
      for (const { name, arguments: args } of calls)
        expect(TOOLS[name].arguments.safeParse(args), text).toMatchObject({ success: true });
    }
});

/** `jadwal ulang` is a noun: it waits for a yes. */
const WAITS = /^jadwal ulang/u;

test('every write that the corpus orders is one that the person has asked for, in their words', () => {
  for (const { now, time_zone, cases } of corpus)
    for (const [text] of cases as [string, unknown][]) {
      const command = parseCommand(text, { now, time_zone });
      if (command === null || WAITS.test(text)) continue;
      for (const [intent, texts, repeats] of writesOf(command))
        expect(isAskedFor(text, { intent, texts, things: [], repeats }), text).toBe(true);
    }
});

function writesOf(command: Command): [Intent, string[], boolean][] {
  if (command.verb === 'append') return command.texts.map((text) => ['append_block', [text], false]);
  if (command.verb === 'cancel') return [['delete_schedule', [], false]];
  if (command.verb === 'move') return [['move_schedule', [], false]];
  if (command.verb === 'complete') return [['complete_todo', [], false]];
  if (command.verb !== 'call') return [];
  return command.calls.flatMap(
    ({ name, arguments: { title, location, content, rrule } }): [Intent, string[], boolean][] =>
      TOOLS[name].is_write
        ? [[name as Intent, [title, location, content].filter((part) => typeof part === 'string'), rrule !== undefined]]
        : [],
  );
}

test('nothing is ordered in a zone that there is not, at no time, by nothing, or by a letter', () => {
  expect(parseCommand('remind me at 9 to eat', { ...jakarta, time_zone: 'Mars/Olympus' })).toBeNull();
  expect(parseCommand('remind me at 9 to eat', { ...jakarta, now: 'soon' })).toBeNull();
  expect(parseCommand('   ', jakarta)).toBeNull();
  expect(parseCommand(`remind me at 9 to ${'eat '.repeat(200)}`, jakarta)).toBeNull();
});

test('whatever is typed, nothing is thrown, and what comes out is what the tools take', () => {
  const words = fc.constantFrom(
    ...[
      'remind',
      'me',
      'every',
      'at',
      '9',
      'to',
      'the',
      'tomorrow',
      'friday',
      'schedule',
      'cancel',
      'move',
      'jam',
      'ingatkan',
      'aku',
      'besok',
    ],
    ...[
      'setiap',
      'senin',
      '12-13',
      'until',
      'for',
      '2',
      'hours',
      '31',
      'may',
      '29 feb',
      'next',
      'week',
      'sampai',
      'add',
      'list',
      'forget',
      '\u0001',
    ],
    ...[
      '25:99',
      '99/99/9999',
      '"',
      '(',
      '—',
      '👍',
      'İ',
      'jadwalkan',
      'rapat',
      'pukul',
      '24.00',
      'menit',
      'lagi',
      '0',
      '000',
      'every 0 days',
    ],
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 14 }).map((parts) => parts.join(' ')),
    fc.string({ maxLength: 80, unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(
      text,
      fc.date({ min: new Date('2000-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
      (said, now) => {
        const command = parseCommand(said, { now: now.toISOString(), time_zone: 'America/St_Johns' });
        if (command?.verb !== 'call') return;
        for (const { name, arguments: args } of command.calls)
          expect(TOOLS[name].arguments.safeParse(args), `${said} ${JSON.stringify(args)}`).toMatchObject({
            success: true,
          });
      },
    ),
    { numRuns: 1_500 },
  );
});

test('a time without a date is never in the past, and never more than a day away', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
      fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
      (hour, minute, now) => {
        const clock = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        const command = parseCommand(`remind me at ${clock} to stretch`, { now: now.toISOString(), time_zone: 'UTC' });
        const at = command?.verb === 'call' ? String(command.calls[0]?.arguments['at']) : '';
        const away = Date.parse(`${at}Z`) - now.getTime();
        expect(away).toBeGreaterThan(0);
        expect(away).toBeLessThanOrEqual(86_400_000);
      },
    ),
  );
});
