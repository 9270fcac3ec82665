interface Mention {
  text: string;
  from: string;
  to: string;
}

const MAX_LENGTH = 2_000;
/** Of what recurs a date says nothing. */
const RECURS = /(?:\b(?:every|each|setiap|tiap|tiap-tiap)\s+(?:\p{L}+\s+)?)$/iu;

/** A text whose relative dates have what they mean beside them: `dentist tomorrow (2026-11-22)`. What names its year has it already. */
export function withAbsoluteDates(text: string, mentions: readonly Mention[]): string {
  let resolved = text;
  let at = 0;
  for (const { text: words, from, to } of mentions) {
    const start = resolved.indexOf(words, at);
    if (start < 0) continue;
    at = start + words.length;
    if (/\d{4}/.test(words) || RECURS.test(resolved.slice(0, start)) || /^\s*\(\d{4}-/.test(resolved.slice(at)))
      continue;
    const date = ` (${from === to ? from : `${from} to ${to}`})`;
    if (resolved.length + date.length > MAX_LENGTH) break;
    resolved = resolved.slice(0, at) + date + resolved.slice(at);
    at += date.length;
  }
  return resolved;
}
