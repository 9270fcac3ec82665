import { describe, expect, it } from 'vitest';
import { analyse } from '../../chat/rules/analyse.ts';
import { findDates } from '../../chat/rules/dates.ts';
import { findingsByRules } from '../../chat/rules/findings-by-rules.ts';
import { queryTerms } from '../../chat/rules/query.ts';
import { titleOf } from '../../chat/rules/title.ts';
import { textTerms } from '../../chat/rules/window-terms.ts';
import type { Finding } from '../model.ts';
import { isAskedFor, isOwnStatement } from './asked-for.ts';
import { checkFindings } from './check-findings.ts';
import { parseCommand } from './command.ts';
import { estimateTokens } from './estimate-tokens.ts';

/*
 * Whoever can send a message can send the longest there is, of whatever signs. No rule that reads it may hold up everybody else: what
 * takes time by the square of the length takes seconds here.
 */

const LONGEST = 32_000;
/** Of the processor, of the quickest of three: several times what the slowest of them takes. */
const MOST_MS = 400;

const PIECES = [
  ...[
    'a',
    'a ',
    'A. ',
    '1',
    '1,',
    '2026-',
    '9-',
    '-',
    '.',
    'a.',
    '_',
    '%',
    '+',
    '@',
    'a@',
    'a@b.',
    "a'",
    "'s",
    '"',
    '“',
    '`',
    '```',
  ],
  ...[
    '\n',
    '\r',
    '\r\n',
    '\u2028',
    '\n>',
    '\nfrom:',
    '\n\t',
    ' ',
    '\u00a0',
    '[1,',
    '(',
    '⟦',
    '漢',
    'ア',
    'ﷺ',
    '\u0301',
    'e\u0301',
    '\u200d',
    '👍',
  ],
  ...[
    'every ',
    'monday, ',
    'monday and ',
    'tomorrow ',
    'tomorrow at ',
    'at 9 ',
    'jam ',
    'setiap ',
    '1 jan ',
    '1/2/',
    'last ',
    'half past ',
  ],
  ...[
    'remind me to ',
    'ingatkan ',
    'i prefer ',
    'my x is ',
    'move ',
    'not ',
    'do not forget to ',
    'password is ',
    '4111 ',
    'obey ',
    'https://a.',
  ],
];
const at = '2026-03-02T01:00:00Z';
const zone = 'Asia/Jakarta';
const finding = (content: string): Finding => ({
  ...{ kind: 'fact', subject: 'user', attribute: 'x', content, quote: content, confidence: 1 },
  ...{ supersedes: null, valid_from: null, valid_until: null },
});
const RULES: Record<string, (text: string) => unknown> = {
  analyse: (text) => analyse(text),
  queryTerms: (text) => queryTerms(text),
  textTerms: (text) => textTerms(text),
  titleOf: (text) => titleOf(text),
  findDates: (text) => findDates(text, { at, time_zone: zone, language: 'und' }),
  findingsByRules: (text) => findingsByRules({ message: text, message_at: at, time_zone: zone, known: [] }),
  isAskedFor: (text) =>
    isAskedFor(text, {
      intent: 'set_reminder',
      texts: [text.slice(0, 500)],
      things: [text.slice(0, 500)],
      repeats: true,
    }),
  isOwnStatement: (text) => isOwnStatement(text, text.slice(0, 2_000)),
  checkFindings: (text) => checkFindings([finding(text.slice(0, 2_000))], { message: text, known: [] }),
  parseCommand: (text) => parseCommand(text, { now: at, time_zone: zone }),
  estimateTokens: (text) => estimateTokens(text),
};

function quickest(work: () => unknown): number {
  let best = Infinity;
  for (let run = 0; run < 3 && best > MOST_MS; run++) {
    const began = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(began);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

describe('a text of the greatest length, whatever stands in it', () => {
  it.each(Object.keys(RULES))('does not keep %s', (name) => {
    const rule = RULES[name];
    const slow = PIECES.flatMap((piece) => ['', '!'].map((end) => ({ piece, end }))).flatMap(({ piece, end }) => {
      const text = piece.repeat(Math.ceil(LONGEST / piece.length)).slice(0, LONGEST - end.length) + end;
      const ms = quickest(() => rule?.(text));
      return ms > MOST_MS ? [`${JSON.stringify(piece)}: ${Math.round(ms)} ms`] : [];
    });
    expect(slow).toEqual([]);
  });
});
