/** Characters of one message, in UTF-16 units. */
export const MAX_TEXT = 4_096;

const FENCE = '```';
const BULLET = /^(\s{0,12})[*+-]\s+/u;
const TABLE_RULE = /^\s{0,3}\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?\|?\s*$/u;
/** Stand for what is not to be touched any more, and for a bold mark while single stars are looked for. */
const KEPT = '\u0001';
const BOLD = '\u0002';

/**
 * Markdown as WhatsApp writes it: *bold*, _italic_, ~strike~, ```code```; links in full, headings bold, tables as lines. What WhatsApp has
 * no sign for stays as words. Every pattern is bounded, since nobody knows what a model writes.
 */
export function toWhatsappText(markdown: string): string {
  const lines: string[] = [];
  let in_code = false;
  for (const line of markdown.replace(/\r\n?/gu, '\n').replaceAll(KEPT, '').replaceAll(BOLD, '').split('\n')) {
    const is_fence = /^ {0,3}(?:```|~~~)/u.test(line);
    if (is_fence) in_code = !in_code;
    lines.push(...(is_fence ? [FENCE] : in_code ? [line] : toLine(line)));
  }
  if (in_code) lines.push(FENCE);
  return lines
    .join('\n')
    .replace(/\n{3,}/gu, '\n\n')
    .trim();
}

function toLine(line: string): string[] {
  if (TABLE_RULE.test(line)) return [];
  if (/^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/u.test(line)) return [''];
  const heading = /^ {0,3}#{1,6}\s+(.{1,2000}?)\s*#*$/u.exec(line)?.[1];
  if (heading !== undefined) return [`*${toInline(heading).replaceAll('*', '')}*`];
  const row = /^\s{0,3}\|(.{1,4000})\|\s*$/u.exec(line)?.[1];
  if (row !== undefined) return [toInline(row.split('|').map((cell) => cell.trim()).join(' | '))]; // prettier-ignore
  return [toInline(line.replace(BULLET, '$1- '))];
}

function toInline(text: string): string {
  const kept: string[] = [];
  const keep = (part: string): string => `${KEPT}${kept.push(part) - 1}${KEPT}`;
  const marked = text
    .replace(/`[^`]{1,2000}`/gu, keep)
    .replace(/\\([\\`*_{}[\]()#+\-.!~>|])/gu, (_all, sign: string) => keep(sign))
    .replace(
      /!?\[([^[\]]{0,500})\]\(<?([^()<>\s]{1,2000})>?(?: "[^"]{0,200}")?\)/gu,
      (_all, label: string, url: string) => (label === '' || label === url ? keep(url) : `${label} (${keep(url)})`),
    )
    .replace(/https?:\/\/[^\s<>()*]{1,2000}/gu, keep)
    .replace(/\*{3}(?!\s)([^*]{1,500})(?<!\s)\*{3}/gu, `${BOLD}_$1_${BOLD}`)
    .replace(/\*\*(?!\s)((?:[^*]|\*(?!\*)){1,500})(?<!\s)\*\*/gu, `${BOLD}$1${BOLD}`)
    .replace(/(?<![\p{L}\p{N}_])__(?![\s_])((?:[^_]|_(?!_)){1,500})(?<!\s)__(?![\p{L}\p{N}_])/gu, `${BOLD}$1${BOLD}`)
    .replace(/(?<![*\p{L}\p{N}])\*(?![\s*])([^*]{1,500})(?<!\s)\*(?![*\p{L}\p{N}])/gu, '_$1_')
    .replace(/~~(?![\s~])([^~]{1,500})(?<!\s)~~/gu, '~$1~')
    .replaceAll(BOLD, '*');
  return marked.replace(new RegExp(`${KEPT}(\\d+)${KEPT}`, 'gu'), (_all, n: string) => kept[Number(n)] ?? '');
}

/**
 * A text in as many messages as it needs, cut where a paragraph, a line, a sentence or at least a word ends. Code that is cut goes on as
 * code. No character is lost but the blanks around a cut.
 */
export function splitText(text: string, max = MAX_TEXT): string[] {
  const parts: string[] = [];
  let rest = text.trim();
  let in_code = false;
  while (rest !== '') {
    const opening = in_code ? `${FENCE}\n` : '';
    if (opening.length + rest.length <= max) {
      parts.push(opening + rest);
      break;
    }
    const cut = cutAt(rest, max - opening.length - FENCE.length - 1);
    const part = rest.slice(0, cut).trimEnd();
    if (count(part, FENCE) % 2 === 1) in_code = !in_code;
    parts.push(opening + part + (in_code ? `\n${FENCE}` : ''));
    rest = in_code ? rest.slice(cut).replace(/^\n/u, '') : rest.slice(cut).trimStart();
  }
  return parts;
}

/** Where to cut within the first `max` units: nothing is cut off that would be less than half of them. */
function cutAt(text: string, max: number): number {
  for (const end of ['\n\n', '\n', '. ', ' ']) {
    const at = text.lastIndexOf(end, max - end.length);
    if (at >= max / 2) return at + end.length;
  }
  const unit = text.charCodeAt(max - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? max - 1 : max;
}

const count = (text: string, part: string): number => text.split(part).length - 1;
