import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { id, timestamp } from '../platform/schemas.ts';

/** Characters of a query. */
const MAX_QUERY = 4_000;
const MAX_LIMIT = 100;

const instant = z.iso.datetime({ offset: true });
const role = z.enum(['user', 'assistant']);

export const searchMemoryBody = z
  .strictObject({
    query: safeText(MAX_QUERY)
      .refine((value) => value.trim() !== '', 'Must not be empty')
      .describe('What you would ask somebody who was there: a question, or words'),
    limit: z.int().min(1).max(MAX_LIMIT).default(10),
    from: instant.optional().describe('Said at this time or later'),
    to: instant.optional().describe('Said before this time'),
    role: role.optional().describe('What you said, or what you were told'),
    context_id: id.optional().describe('In this context alone'),
    neighbours: z.int().min(0).max(3).default(0).describe('How many messages before and after each come with it'),
  })
  .superRefine(({ from, to }, ctx) => {
    if (from !== undefined && to !== undefined && Date.parse(to) <= Date.parse(from))
      ctx.addIssue({ code: 'custom', path: ['to'], message: 'Not after from' });
  });

const neighbour = z.strictObject({
  message_id: id,
  role,
  author_name: z.string().nullable(),
  content: z.string(),
  created_at: timestamp,
  is_before: z.boolean(),
});

export const memoryHit = z
  .strictObject({
    message_id: id,
    external_id: z.string().nullable().describe('Of an imported one: what it is called where it comes from'),
    context_id: id,
    role,
    author_name: z.string().nullable(),
    content: z.string(),
    created_at: timestamp,
    score: z.number().describe('Higher is better, the best about 1; to compare within one search'),
    legs: z
      .strictObject({ lexical: z.number().nullable(), vector: z.number().nullable() })
      .describe(
        'What each leg made of it, as it counts: BM25 over its words and its neighbours’, cosine. Null: not found by it',
      ),
    neighbours: z.array(neighbour).optional(),
  })
  .meta({ id: 'MemoryHit' });
export type MemoryHit = z.infer<typeof memoryHit>;

export const memorySearch = z
  .strictObject({
    results: z.array(memoryHit).describe('Best first'),
    language: z.enum(['en', 'id', 'und']).describe('Of the query'),
    vectors: z
      .enum(['used', 'off', 'unavailable'])
      .describe(
        'Whether meaning counted beside words: `off`, there is no model that makes vectors; `unavailable`, not this time',
      ),
  })
  .meta({ id: 'MemorySearch' });
export type MemorySearch = z.infer<typeof memorySearch>;
