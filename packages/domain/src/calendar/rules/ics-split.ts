/** Events and UTF-16 units of one part: a quarter of what is read in the time that a reader has. */
const PART_EVENTS = 1_000;
const PART_UNITS = 1_000_000;
const END = 'END:VCALENDAR\r\n';

/**
 * A calendar of any size as calendars that can be read one after the other, each with what stands above the events (zones, name).
 * Events of one UID that follow each other, which are a series with its overrides, stay together, however many they are.
 */
export function* splitIcs(text: string): Generator<string, void, void> {
  const starts = eventStarts(text);
  const [first] = starts;
  if (first === undefined) {
    yield text;
    return;
  }
  const head = text.slice(0, first);
  const end = text.lastIndexOf('\nEND:VCALENDAR') + 1;
  let [part, events, uid]: [string[], number, string | null] = [[], 0, null];
  let units = 0;
  for (const [at, start] of starts.entries()) {
    const event = text.slice(start, starts[at + 1] ?? (end > start ? end : text.length));
    const its_uid = uidOf(event);
    const is_full = events >= PART_EVENTS || units + event.length > PART_UNITS;
    if (is_full && events > 0 && (its_uid === null || its_uid !== uid)) {
      yield [head, ...part, END].join('');
      [part, events, units] = [[], 0, 0];
    }
    part.push(event);
    events += 1;
    units += event.length;
    uid = its_uid;
  }
  yield [head, ...part, END].join('');
}

/** A line that goes on another begins with a blank, so nothing that somebody wrote looks like this. */
const BEGIN = '\nBEGIN:VEVENT';

function eventStarts(text: string): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(BEGIN); at !== -1; at = text.indexOf(BEGIN, at + BEGIN.length)) {
    const after = text[at + BEGIN.length];
    if (after === '\r' || after === '\n') starts.push(at + 1);
  }
  return starts;
}

const uidOf = (event: string): string | null => /\nUID[:;]([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/.exec(event)?.[1] ?? null;
