/** As much XML as S3 needs: elements with text or elements in them. */
export type XmlValue = string | number | boolean | XmlFields | (string | number | XmlFields)[] | undefined;
interface XmlFields {
  [name: string]: XmlValue;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

const escapeText = (text: string): string =>
  text
    .replace(/[&<>"']/g, (found) => ESCAPES[found] ?? found)
    .replace(/[\r\n]/g, (found) => `&#${String(found.charCodeAt(0))};`);

/** One element; a list of values is as many elements of the name, `undefined` none. */
export function element(name: string, value: XmlValue, attributes = ''): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('');
  const inner =
    typeof value === 'object'
      ? Object.entries(value)
          .map(([child, content]) => element(child, content))
          .join('')
      : escapeText(String(value));
  return `<${name}${attributes}>${inner}</${name}>`;
}

/** A whole answer. */
export const document = (name: string, fields: XmlFields): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, fields, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"')}`;

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescapeText = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) => {
    if (hex ?? decimal) return String.fromCodePoint(parseInt(hex ?? decimal ?? '', hex ? 16 : 10));
    return ENTITIES[name ?? ''] ?? all;
  });

/** What stands in each element of this name, unparsed. */
export const elementsOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(([, inner = '']) => inner);

/** The text of the first element of this name. */
export function textOf(xml: string, name: string): string | undefined {
  const [inner] = elementsOf(xml, name);
  return inner === undefined ? undefined : unescapeText(inner);
}
