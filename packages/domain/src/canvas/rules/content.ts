import { z } from 'zod';

/** Bytes of one block's content as JSON. */
export const MAX_CONTENT_BYTES = 65_536;
/** Nesting of one block's content. */
export const MAX_CONTENT_DEPTH = 16;
/** UTF-16 units of any one string of a block. */
export const MAX_TEXT = 50_000;

const NUL = '\u0000';

/** A string that Postgres can store (no NUL, no lone surrogate) of at most `max` UTF-16 units. */
export const safeText = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes(NUL), 'Contains a NUL character')
    .refine((value) => value.isWellFormed(), 'Contains a lone surrogate');

/** Inline Markdown: emphasis, links, code. Block syntax in it is text; see `markdown.ts`. */
const inline = safeText(MAX_TEXT);

/**
 * A link target. Relative ones are kept, since imported documents have them; schemes that run as script in the page
 * that shows them are not.
 */
const url = safeText(8_192).refine(
  (value) => !/^[\s\p{Cc}]*(javascript|vbscript|data:(?!image\/(png|jpe?g|gif|webp|avif)[;,]))/iu.test(value),
  'This scheme is not allowed',
);

/**
 * Where an image or file is: somewhere on the web, or a file of this canvas. Nobody checks that there is such a file: it
 * may be deleted any time, and an id of another canvas finds nothing on this one.
 */
const source = { url: url.optional(), attachment_id: z.uuid().optional() };
const ONE_SOURCE = 'Give url or attachment_id';
const hasOneSource = (content: { url?: string | undefined; attachment_id?: string | undefined }): boolean =>
  (content.url === undefined) !== (content.attachment_id === undefined);

const list_style = z.enum(['bullet', 'ordered']);

/**
 * What each known type of block holds. `text` is inline Markdown wherever it occurs, except in `code`. Types are an open
 * set: a type that is not here may hold any JSON object within the bounds above.
 */
export const content_schemas = {
  text: z.strictObject({ text: inline }),
  heading: z.strictObject({ text: inline, level: z.int().min(1).max(6) }),
  /** One item; items that follow each other under one parent make the list, children nest it. */
  list: z.strictObject({ text: inline, style: list_style, start: z.int().min(0).max(999_999_999).optional() }),
  todo: z.strictObject({ text: inline, checked: z.boolean(), style: list_style.optional() }),
  code: z.strictObject({
    text: safeText(MAX_TEXT),
    language: safeText(64).optional(),
    /** What followed the language on a Markdown fence. */
    meta: safeText(1_024).optional(),
  }),
  quote: z.strictObject({ text: inline }),
  divider: z.strictObject({}),
  /** The first row is the head; a row may be shorter than the head. */
  table: z.strictObject({
    rows: z.array(z.array(inline).max(100)).min(1).max(1_000),
    align: z
      .array(z.enum(['left', 'center', 'right']).nullable())
      .max(100)
      .optional(),
  }),
  image: z
    .strictObject({ ...source, alt: safeText(2_000).optional(), title: safeText(2_000).optional() })
    .refine(hasOneSource, ONE_SOURCE),
  file: z
    .strictObject({
      ...source,
      name: safeText(255).optional(),
      size: z.int().min(0).optional(),
      media_type: safeText(255).optional(),
    })
    .refine(hasOneSource, ONE_SOURCE),
  embed: z.strictObject({ url, title: safeText(2_000).optional() }),
  /** HTML exactly as it stood in a Markdown document. Whoever shows it must sanitise it. */
  html: z.strictObject({ html: safeText(MAX_TEXT) }),
  footnote: z.strictObject({ text: inline, label: safeText(255) }),
} as const;

export type KnownBlockType = keyof typeof content_schemas;
export const known_block_types = Object.keys(content_schemas) as KnownBlockType[];

/** Content of a known type. */
export type ContentOf<T extends KnownBlockType> = z.infer<(typeof content_schemas)[T]>;

export type BlockContent = Record<string, unknown>;

/** One fault of a content: `path` leads into it. */
export interface ContentFault {
  path: PropertyKey[];
  message: string;
}

/** Whether content of this type has a schema. */
export function isKnownType(type: string): type is KnownBlockType {
  return Object.hasOwn(content_schemas, type);
}

/** Faults of `content` for a block of `type`: bounds for every type, the schema of a known one. Empty when it is good. */
export function checkContent(type: string, content: BlockContent): ContentFault[] {
  const faults = checkBounds(content);
  if (faults.length > 0 || !isKnownType(type)) return faults;
  const parsed = content_schemas[type].safeParse(content);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: `Unknown field of a ${type} block` }))
      : [{ path: [...issue.path], message: issue.message }],
  );
}

/**
 * Known types that cannot hold `content`. An edit that names no type is checked against the row's type where the row is
 * locked, so that it stays one round trip.
 */
export function typesThatRefuse(content: BlockContent): KnownBlockType[] {
  return known_block_types.filter((type) => !content_schemas[type].safeParse(content).success);
}

/** Faults that hold for every type: size, depth, and strings or keys that Postgres cannot store. */
export function checkBounds(content: BlockContent): ContentFault[] {
  const fault = findBadValue(content);
  if (fault) return [fault];
  const bytes = Buffer.byteLength(JSON.stringify(content));
  return bytes > MAX_CONTENT_BYTES ? [{ path: [], message: `${bytes} bytes, at most ${MAX_CONTENT_BYTES}` }] : [];
}

/** The first part of a JSON value that is nested too deeply, or that Postgres or another client could not take. */
export function findBadValue(value: unknown, path: PropertyKey[] = [], depth = 1): ContentFault | null {
  if (typeof value === 'string') {
    const message = checkString(value);
    return message ? { path, message } : null;
  }
  if (value === null || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : { path, message: 'Not a JSON number' };
  if (typeof value !== 'object') return { path, message: 'Not JSON' };
  if (depth > MAX_CONTENT_DEPTH) return { path, message: `Nested deeper than ${MAX_CONTENT_DEPTH}` };
  for (const [key, child] of Object.entries(value)) {
    const message = Array.isArray(value) ? null : checkString(key);
    if (message) return { path, message: `A field name ${message.toLowerCase()}` };
    const fault = findBadValue(child, [...path, Array.isArray(value) ? Number(key) : key], depth + 1);
    if (fault) return fault;
  }
  return null;
}

function checkString(value: string): string | null {
  if (value.includes(NUL)) return 'Contains a NUL character';
  if (!value.isWellFormed()) return 'Contains a lone surrogate';
  return value.length > MAX_TEXT ? `Longer than ${MAX_TEXT} characters` : null;
}
