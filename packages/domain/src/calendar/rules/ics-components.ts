import ICAL from 'ical.js';

/** A property in jCal (RFC 7265): name, parameters, type, values. */
export type JcalProperty = [
  name: string,
  params: Record<string, string | string[]>,
  type: string,
  ...values: unknown[],
];
/** A component in jCal: name, properties, components. */
export type JcalComponent = [name: string, properties: JcalProperty[], components: JcalComponent[]];

/** One component of an ICS text, parsed by itself: a bad one does not take the others along. */
export interface IcsComponent {
  name: string;
  /** The line of the text on which it begins, from 1. */
  line: number;
  /** What RRULE and EXRULE say, as written: what is hostile in them is refused by our own rules, not the parser's. */
  rrules: string[];
  has_exrule: boolean;
  /** Null: it cannot be read, and `problem` says why. */
  jcal: JcalComponent | null;
  problem: string | null;
}

/** Lines of one component that is still worth reading; a year of alarms has fewer. */
const MAX_LINES = 20_000;

/**
 * The components that stand directly in the VCALENDARs of a text (RFC 5545 3.4), however many those are. Line endings and
 * folding as they come. What stands outside a VCALENDAR is not looked at.
 */
export function* readComponents(text: string): Generator<IcsComponent> {
  let depth = 0;
  let lines: string[] = [];
  let began = 0;
  let rrules: string[] = [];
  let has_exrule = false;
  for (const { line, number } of unfold(text)) {
    const begins = /^BEGIN:/i.test(line);
    const ends = !begins && /^END:/i.test(line);
    if (begins && ++depth === 2) {
      lines = [];
      rrules = [];
      has_exrule = false;
      began = number;
    }
    if (depth >= 2 && depth === 2 && /^RRULE[;:]/i.test(line)) rrules.push(valueOf(line));
    else if (depth === 2 && /^EXRULE[;:]/i.test(line)) has_exrule = true;
    else if (depth >= 2) lines.push(line);
    if (!ends || depth === 0) continue;
    if (--depth === 1) yield parseLines(lines, began, rrules, has_exrule);
  }
  // A file that was cut off, of which nobody is to think that it was whole.
  if (depth >= 2) yield { name: nameOf(lines), line: began, rrules, has_exrule, jcal: null, problem: CUT_OFF };
}

const CUT_OFF = 'the file ends within it';

const nameOf = ([begin = '']: string[]): string => begin.slice('BEGIN:'.length).trim().toLowerCase();

function parseLines(lines: string[], line: number, rrules: string[], has_exrule: boolean): IcsComponent {
  const name = nameOf(lines);
  const component = { name, line, rrules, has_exrule };
  if (lines.length > MAX_LINES) return { ...component, jcal: null, problem: 'It has too many lines' };
  if (lines.at(-1)?.slice('END:'.length).trim().toLowerCase() !== name)
    return { ...component, jcal: null, problem: CUT_OFF };
  try {
    return { ...component, jcal: ICAL.parse(lines.join('\r\n')) as JcalComponent, problem: null };
  } catch (error) {
    return { ...component, jcal: null, problem: (error as Error).message.slice(0, 200) };
  }
}

function* unfold(text: string): Generator<{ line: string; number: number }> {
  let number = 0;
  let began = 1;
  let parts: string[] = [];
  for (const raw of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    number++;
    if ((raw.startsWith(' ') || raw.startsWith('\t')) && parts.length > 0) {
      parts.push(raw.slice(1));
      continue;
    }
    if (parts.length > 0) yield { line: parts.join(''), number: began };
    parts = raw.trim() === '' ? [] : [raw];
    began = number;
  }
  if (parts.length > 0) yield { line: parts.join(''), number: began };
}

/** What comes after the first colon that is not within quotes. */
function valueOf(line: string): string {
  const match = /^(?:[^":]|"[^"]*")*:(.*)$/.exec(line);
  return match?.[1]?.trim() ?? '';
}

export const propertiesOf = ([, properties]: JcalComponent, name: string): JcalProperty[] =>
  properties.filter(([key]) => key === name);

export const propertyOf = (component: JcalComponent, name: string): JcalProperty | undefined =>
  component[1].find(([key]) => key === name);

/** The text of a property; several values as they would stand in ICS. */
export function textOf(component: JcalComponent, name: string): string | null {
  const property = propertyOf(component, name);
  if (!property) return null;
  return property
    .slice(3)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join(', ');
}

export function paramOf([, params]: JcalProperty, name: string): string | null {
  const value = params[name];
  return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
}
