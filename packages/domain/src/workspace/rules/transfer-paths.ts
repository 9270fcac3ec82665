/** The end of an id, which is its random part. */
const tail = (id: string): string => id.slice(-12);

/** A text as part of a file name on any system. */
function slug(text: string): string {
  const words = text.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];
  return Array.from(words.join('-')).slice(0, 60).join('').replace(/-+$/, '');
}

/** Where a zip has the Markdown of a canvas: the same as long as its title is. */
export const canvasPath = (canvas: { id: string; title: string }): string =>
  `canvases/${[slug(canvas.title), tail(canvas.id)].filter(Boolean).join('-')}.md`;

/** Where a zip has the schedules of a calendar; `part`, from 1: where they go on, of one that is too large for one file. */
export const calendarPath = (calendar: { id: string; name: string }, part = 1): string =>
  `calendars/${[slug(calendar.name), tail(calendar.id), part > 1 ? String(part) : ''].filter(Boolean).join('-')}.ics`;

/** Where a zip has a file. */
export function attachmentPath({ id, name }: { id: string; name: string }): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
  return `attachments/${tail(id)}/${[slug(stem) || 'file', slug(ending)].filter(Boolean).join('.')}`;
}

/** A file as the target of a link in a document that stands in the folder beside. */
export const linkTo = (path: string): string =>
  `../${path
    .split('/')
    .map((part) => encodeURIComponent(part))
    .join('/')}`;

/** The file that a link in the document at `from` leads to; undefined when it leads out of the zip, or elsewhere. */
export function resolveLink(from: string, link: string): string | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/|#|\\)/i.test(link)) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const part of (link.split(/[?#]/)[0] ?? '').split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== '' && part !== '.') {
      try {
        parts.push(decodeURIComponent(part));
      } catch {
        return undefined;
      }
    }
  }
  return parts.join('/');
}

const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  json: 'application/json',
  zip: 'application/zip',
};

/** The type of a file of which nothing but its name is known; undefined for an ending that says nothing. */
export const typeOfName = (name: string): string | undefined =>
  TYPES[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''];
