import { NUMBER_WORDS, numberOf } from '../../chat/rules/date-words.ts';

/** An amount of time in a text, in minutes. */
export interface Duration {
  start: number;
  end: number;
  minutes: number;
}

const UNIT = 'minutes?|mins?|m|hours?|hrs?|hr|h|menit|mnt|jam|days?|weeks?|hari|minggu';
const AMOUNT = `(?:(?:(?<n>\\d{1,3}(?:[.,]5)?|${NUMBER_WORDS})[\\s-]*|(?<se>se))(?<unit>${UNIT})\\b(?:\\s+(?:and\\s+)?(?:(?<n2>\\d{1,2})\\s*(?:minutes?|mins?|m|menit)\\b|(?<plus>a\\s+half|setengah)))?|(?<half>half\\s+an?\\s+hour|half\\s+hour|setengah\\s+jam)|(?<oneandhalf>(?:an?\\s+hour\\s+and\\s+a\\s+half|one\\s+and\\s+a\\s+half\\s+hours|satu\\s+setengah\\s+jam|sejam\\s+setengah))|(?<quarter>a\\s+quarter\\s+of\\s+an\\s+hour|seperempat\\s+jam))`;

const FOR = new RegExp(`\\b(?:for|selama|durasi|lasting)\\s+(?:about\\s+|sekitar\\s+)?${AMOUNT}`, 'giu');
const LONG =
  /(?<!\b(?:in|within|dalam|every|next)\s+)(?<![\w.])(?<n>\d{1,3})[\s-](?<unit>min(?:ute)?|hour)\b(?=[\s-]+\p{L})/giu;
const IN = new RegExp(
  `\\b(?:in|within|dalam)\\s+(?:about\\s+)?${AMOUNT}(?!\\s+(?:before|sebelum|lagi))(?:['’]?\\s+time)?`,
  'giu',
);
const LATER = new RegExp(
  `(?:\\bdalam\\s+)?\\b${AMOUNT}\\s+(?:from\\s+now|later|lagi|kemudian|dari\\s+sekarang|ke\\s*depan)\\b`,
  'giu',
);
const BEFORE = new RegExp(
  `(?:\\b(?:remind\\s+me|with\\s+a\\s+reminder|reminder|ingatkan(?:\\s+(?:aku|saya))?|dengan\\s+pengingat|pengingat)\\s+)?\\b${AMOUNT}\\s+(?:before(?:hand)?|earlier|in\\s+advance|sebelum(?:nya)?)\\b`,
  'giu',
);
const BY = new RegExp(
  `\\b(?:by|back|selama|for)\\s+(?:another\\s+)?${AMOUNT}|\\b${AMOUNT.replace(/\?<(\w+)>/gu, '?<$1_>')}\\s*$`,
  'giu',
);

const ANY = new RegExp(`(?<![\\w.])${AMOUNT}`, 'giu');

const MINUTES: readonly [RegExp, number][] = [
  [/^(?:m|min|mins|minutes?|menit|mnt)$/iu, 1],
  [/^(?:h|hr|hrs|hours?|jam)$/iu, 60],
  [/^(?:days?|hari)$/iu, 1_440],
  [/^(?:weeks?|minggu)$/iu, 10_080],
];

function minutesOf(all: Partial<Record<string, string>>): number {
  const groups = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as typeof all;
  const of = (name: string): string | undefined => groups[name] ?? groups[`${name}_`];
  if (of('half') !== undefined) return 30;
  if (of('oneandhalf') !== undefined) return 90;
  if (of('quarter') !== undefined) return 15;
  const unit = MINUTES.find(([re]) => re.test(of('unit') ?? ''))?.[1] ?? NaN;
  const said = of('n')?.replace(',', '.') ?? 'se';
  const count = /^\d+\.5$/u.test(said) ? Number(said) : numberOf(said);
  return Math.round(count * unit + Number(of('n2') ?? 0) + (of('plus') === undefined ? 0 : unit / 2));
}

function scan(re: RegExp, text: string): Duration | null {
  for (const match of text.matchAll(re)) {
    const minutes = minutesOf(match.groups ?? {});
    if (minutes > 0) return { start: match.index, end: match.index + match[0].length, minutes };
  }
  return null;
}

/** How long something takes: `for half an hour`, `selama 2 jam`, `30-minute`. */
export const scanLength = (text: string): Duration | null => scan(FOR, text) ?? scan(LONG, text);

/** From now: `in 20 minutes`, `dua jam lagi`. Of days and weeks only a date is meant: those are read elsewhere. */
export function scanOffset(text: string): Duration | null {
  for (const re of [IN, LATER]) {
    const found = scan(re, text);
    if (found && !/\b(?:days?|weeks?|hari|minggu)\b/iu.test(text.slice(found.start, found.end))) return found;
  }
  return null;
}

/** How long before it to remind: `30 minutes before`, `15 menit sebelumnya`. */
export const scanLead = (text: string): Duration | null => scan(BEFORE, text);

/** Whatever it is of: `45 minutes long`. */
export const scanAmount = (text: string): Duration | null => scan(ANY, text);

/** By how much: `by an hour`, `30 menit` at the end. */
export const scanShift = (text: string): Duration | null => scan(BY, text);
