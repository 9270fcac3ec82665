const MAX_TITLE = 60;

/** What a title does without at the beginning of a message. */
const OPENINGS =
  /^(?:(?:hi|hello|hey|please|halo|hai|tolong|mohon|new topic|topik baru|pertanyaan baru|new conversation)\b[\s,.:;!–—-]*)+/iu;

/** A title from the first words of a message: one line, 60 characters at most, never empty. */
export function titleOf(text: string): string {
  const line = text
    .replace(/\p{C}+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const rest = line.replace(OPENINGS, '') || line;
  const sentence = /^(.{3,}?)[.!?](?=\s|$)/u.exec(rest)?.[1] ?? rest;
  const cut = shorten(sentence, MAX_TITLE).replace(/[\s,.:;!?–—-]+$/u, '');
  if (cut === '') return 'Untitled';
  return (cut[0] ?? '').toLocaleUpperCase('und') + cut.slice(1);
}

/** At most so many characters, cut between two words where there is one, with an ellipsis. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = text.slice(0, max - 1);
  const at = room.lastIndexOf(' ');
  const cut = at > max / 2 ? room.slice(0, at) : room.replace(/[\ud800-\udbff]$/u, '');
  return `${cut.replace(/[\s,;:–—-]+$/u, '')}…`;
}
