import { scanChrono } from './date-chrono.ts';
import { ENGLISH } from './date-patterns-en.ts';
import { FIXED } from './date-patterns-fixed.ts';
import { INDONESIAN } from './date-patterns-id.ts';
import { type DateRef, type DateSpan, scanWith, withoutOverlaps } from './date-spans.ts';
import { ENGLISH_PARTS, INDONESIAN_PARTS, partOf } from './date-words.ts';

const PATTERNS = [...ENGLISH, ...INDONESIAN, ...FIXED];

/** The part of a day that is named within a date: `last night`, `tadi malam`, `nanti sore`. */
const WITHIN = new RegExp(`\\b(?:to)?(${ENGLISH_PARTS}|${INDONESIAN_PARTS})\\b`, 'iu');
/** … or right after it: `tomorrow morning`, `besok pagi`, `Friday in the afternoon`. */
const AFTER = new RegExp(
  `^,?\\s+(?:(?:in|at|di|pada)\\s+)?(?:the\\s+)?(?<part>${ENGLISH_PARTS}|${INDONESIAN_PARTS})\\b(?!\\s+(?:ini|nanti))`,
  'iu',
);

/** Longer texts are read so far: dates beyond are nobody's. */
const MAX_SCANNED = 8_000;

/** Every date that a text speaks of, in English and Indonesian, in its order. O(length). */
export function scanDates(text: string, ref: DateRef): DateSpan[] {
  const read = text.slice(0, MAX_SCANNED);
  const own = scanWith(PATTERNS, read, ref);
  // Of a month that it read a day of, too, it knows more; else ours stand.
  const spelt = scanChrono(read, ref).filter(
    (span) => !own.some((other) => span.start < other.end && other.start < span.end && other.exact !== null),
  );
  return withoutOverlaps([...own, ...spelt]).map((span) => withPart(span, read));
}

function withPart(span: DateSpan, text: string): DateSpan {
  if (span.exact === null) return span;
  const within = WITHIN.exec(text.slice(span.start, span.end))?.[1];
  if (within !== undefined) return { ...span, part: partOf(within) };
  const after = AFTER.exec(text.slice(span.end));
  const part = partOf(after?.groups?.part);
  return after && part ? { ...span, end: span.end + after[0].length, part } : span;
}
