import { analyse } from '../src/chat/rules/analyse.ts';
import { findDates } from '../src/chat/rules/dates.ts';
import { findingsByRules } from '../src/chat/rules/findings-by-rules.ts';
import { queryTerms } from '../src/chat/rules/query.ts';
import { titleOf } from '../src/chat/rules/title.ts';
import { textTerms } from '../src/chat/rules/window-terms.ts';
import type { Finding } from '../src/agent/model.ts';
import { isAskedFor, isOwnStatement } from '../src/agent/rules/asked-for.ts';
import { checkFindings } from '../src/agent/rules/check-findings.ts';
import { parseCommand } from '../src/agent/rules/command.ts';
import { estimateTokens } from '../src/agent/rules/estimate-tokens.ts';

/*
 * Whoever can send a message can send the longest there is, of whatever signs, and no rule that reads it may hold up everybody else.
 * Each rule reads 32,000 characters of each piece, and a quarter of that: what grows with the length takes four times as long, what grows
 * with its square sixteen times. The quickest of three.
 */

const LONGEST = 32_000;
/** Below this many milliseconds nobody is held up, and a ratio is noise. */
const FEW_MS = 40;
const MOST_GROWTH = 8;

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
  for (let run = 0; run < 3; run++) {
    const began = performance.now();
    work();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

const textOf = (piece: string, end: string, length: number): string =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length - end.length) + end;

let failed = false;
console.log('rule              slowest piece        32,000 characters   a quarter   growth (4: by length)');
for (const [name, rule] of Object.entries(RULES)) {
  let worst = { piece: '', ms: 0, quarter_ms: 0 };
  for (const piece of PIECES) {
    for (const end of ['', '!']) {
      const ms = quickest(() => rule(textOf(piece, end, LONGEST)));
      if (ms > worst.ms) worst = { piece, ms, quarter_ms: quickest(() => rule(textOf(piece, end, LONGEST / 4))) };
    }
  }
  const { piece, ms, quarter_ms } = worst;
  const growth = ms / Math.max(quarter_ms, 0.01);
  const is_slow = ms > FEW_MS && growth > MOST_GROWTH;
  failed ||= is_slow;
  console.log(
    `${name.padEnd(16)}  ${JSON.stringify(piece).padEnd(18)}  ${`${ms.toFixed(1)} ms`.padStart(17)}  ` +
      `${`${quarter_ms.toFixed(1)} ms`.padStart(10)}   ${growth.toFixed(1)}${is_slow ? '   TOO SLOW' : ''}`,
  );
}
if (failed) process.exitCode = 1;
