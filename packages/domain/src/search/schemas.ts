import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf } from '../platform/schemas.ts';

/** UTF-16 units of a query. */
export const MAX_QUERY = 256;

const type = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'A type of block, or canvas');

export const searchQuery = z.strictObject({
  q: safeText(MAX_QUERY)
    .refine((value) => value.trim() !== '', 'Must not be empty')
    .describe('Words that must all be there, in English or Indonesian; `"a phrase"`, `-without`, `one or other`'),
  workspace_id: id.optional(),
  canvas_id: id.optional(),
  types: z
    .string()
    .max(512)
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(z.array(type).min(1).max(20))
    .optional()
    .describe('Types of blocks, comma-separated; `canvas` stands for titles'),
  include_archived: z.stringbool().or(z.boolean()).default(false),
  cursor,
  limit: pageLimit(50, 20),
});

export const searchHit = z
  .strictObject({
    kind: z.enum(['block', 'canvas']).describe('canvas: its title was found'),
    workspace_id: id,
    canvas_id: id,
    canvas_title: z.string(),
    block_id: id.nullable(),
    block_type: z.string().nullable(),
    fragment: z.string().describe('HTML: escaped text, and `<mark>` around what was found'),
    score: z.number().describe('Higher is better; to compare within one search'),
    updated_at: z.iso.datetime({ precision: null }),
  })
  .meta({ id: 'SearchHit' });
export type SearchHit = z.infer<typeof searchHit>;

export const searchPage = pageOf(searchHit).meta({ id: 'SearchPage' });
export type SearchPage = z.infer<typeof searchPage>;
