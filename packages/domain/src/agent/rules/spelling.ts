import { hourOf } from './clock-words.ts';

/** How people type the words that orders and times hang on. */
const TYPED: readonly [RegExp, string][] = [
  [/\b(?:remnd|remid|remidn|rmind|reminde|remimd|remind\s+em)\b(?=\s)/giu, 'remind'],
  [/\b(?:tomorow|tommorow|tommorrow|tomorrw|tomorro|tmrw|tmr|tmw|2moro)\b/giu, 'tomorrow'],
  [/\b(?:shedule|scedule|schedul|schedulle|sechedule)\b/giu, 'schedule'],
  [/\b(?:wensday|wednsday|wedensday|wednesay)\b/giu, 'wednesday'],
  [/\b(?:thrusday|thurday|thirsday)\b/giu, 'thursday'],
  [/\b(?:calender|calandar)\b/giu, 'calendar'],
  [/\b(?:cancle|cansel)\b/giu, 'cancel'],
  [/\b(?:ingatkn|ingtkan|ingetkn|igatkan)\b/giu, 'ingatkan'],
  [/\b(?:bsk|besuk|bsok)\b/giu, 'besok'],
  [/\bjm(?=\s*\d)/giu, 'jam'],
];

const MINUTES: Readonly<Record<string, string>> = {
  ten: '10',
  fifteen: '15',
  twenty: '20',
  thirty: '30',
  forty: '40',
  fifty: '50',
};
/** `at seven thirty`. */
const SPOKEN_TIME =
  /(?<=\b(?:at|by|around|to)\s+)(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)[\s-]+(ten|fifteen|twenty|thirty|forty|fifty)(?![\s-]+(?:one|two|three|four|five|six|seven|eight|nine|minutes?|people|times)\b)\b/giu;

/** A text with its words of order and time as they are spelt: `remnd me tomorow at seven thirty`. */
export const spelt = (text: string): string =>
  TYPED.reduce((said, [typed, meant]) => said.replace(typed, meant), text).replace(
    SPOKEN_TIME,
    (_all, hour: string, minute: string) => `${hourOf(hour)}:${MINUTES[minute.toLowerCase()] ?? ''}`,
  );
