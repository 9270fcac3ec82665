import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';

/** What is remembered of a person at most, what is superseded not counted. */
export const MEMORY_LIMITS = { memories: 5_000, preferences: 500, pinned: 50 } as const;

// Control characters show nothing and break what reads them; a NUL no column takes.
const text = (max: number) =>
  z
    .string()
    .max(max)
    .overwrite((value) =>
      value
        .normalize('NFC')
        .replaceAll(/[^\P{Cc}\t\n]/gu, ' ')
        .trim(),
    )
    .refine((value) => value.length > 0 && value.isWellFormed(), 'Must hold some text');

export const memoryKind = z
  .enum(['preference', 'rule', 'fact', 'memory'])
  .describe(
    '`preference`, `rule` and `fact` are known always, one of each subject and attribute; a `memory` when it matters',
  );

const subject = text(200).describe('Whom it is about: `user`, or somebody by name');
const attribute = text(200).describe('What of the subject: `home city`, `favourite colour`');
const content = text(2_000).describe('What is remembered');
const validFrom = z.iso.datetime({ offset: true }).nullable().describe('When it began to hold; null: not known');
const validUntil = z.iso.datetime({ offset: true }).nullable().describe('When it ceases to hold; null: not known');

export const memory = z
  .strictObject({
    id,
    kind: memoryKind,
    subject: z.string(),
    attribute: z.string().nullable(),
    content: z.string(),
    source: z.enum(['said', 'manual', 'import']).describe('`said`: taken from a message; `manual`: written by hand'),
    source_message_id: id.nullable(),
    source_run_id: id.nullable(),
    quote: z.string().nullable().describe('The words of the person that it was taken from'),
    confidence: z.number(),
    is_pinned: z.boolean(),
    valid_from: timestamp.nullable(),
    valid_until: timestamp.nullable(),
    superseded_by: id.nullable().describe('What took its place'),
    superseded_at: timestamp.nullable().describe('When that became known'),
    superseded_from: timestamp.nullable().describe('When that begins to hold'),
    version: z.int(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Memory' });
export type Memory = z.infer<typeof memory>;

export const memoryPage = pageOf(memory).meta({ id: 'MemoryPage' });
export type MemoryPage = z.infer<typeof memoryPage>;
export const memoryHistory = z.strictObject({ items: z.array(memory) }).meta({ id: 'MemoryHistory' });

export const memoryPath = z.strictObject({ memory_id: id });

const flag = z.stringbool().or(z.boolean());

export const listMemoriesQuery = z.strictObject({
  kind: memoryKind.optional(),
  q: z.string().min(1).max(200).optional().describe('Stands in content, subject, attribute or quote'),
  subject: z.string().min(1).max(200).optional(),
  is_pinned: flag.optional(),
  include_superseded: flag.default(false).describe('Also what something newer took the place of'),
  valid_at: z.iso.datetime({ offset: true }).optional().describe('Only what held at that time, as far as is known'),
  known_at: z.iso.datetime({ offset: true }).optional().describe('As it was known at that time'),
  cursor,
  limit: pageLimit(),
});

export const createMemoryBody = z
  .strictObject({
    kind: memoryKind.default('memory'),
    subject: subject.default('user'),
    attribute: attribute
      .nullable()
      .default(null)
      .describe('What of the subject; what is known of the same one is superseded'),
    content,
    is_pinned: z.boolean().default(false),
    valid_from: validFrom.default(null),
    valid_until: validUntil.default(null),
  })
  .meta({ id: 'CreateMemory' });

export const rememberedMemory = z
  .strictObject({
    outcome: z
      .enum(['created', 'replaced', 'known'])
      .describe('`known`: it was known already, and nothing changed; `replaced`: it took the place of something'),
    memory,
    superseded: z.array(id).describe('What it took the place of'),
  })
  .meta({ id: 'RememberedMemory' });
export type Remembered = z.infer<typeof rememberedMemory>;

export const updateMemoryBody = z
  .strictObject({
    kind: z.enum(['preference', 'rule', 'fact']).describe('Not of a memory, which stays one'),
    subject,
    attribute,
    content,
    is_pinned: z.boolean(),
    valid_from: validFrom,
    valid_until: validUntil,
  })
  .partial()
  .extend({ version: z.int().min(1).optional().describe('Only if it is still at that version, else 409') })
  .refine(({ version: _version, ...patch }) => Object.keys(patch).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateMemory' });

export const updateMemoryInput = updateMemoryBody.safeExtend({
  memory_id: id,
  expected_version: z.int().optional().describe('From If-Match'),
});

export const deleteMemoryQuery = z.strictObject({
  restore_previous: flag
    .default(false)
    .describe('Undo: what it took the place of counts again. Else that is deleted with it'),
});
export const deleteMemoryInput = z.strictObject({ memory_id: id, restore_previous: z.boolean().default(false) });

export const deletedMemories = z.strictObject({ deleted: z.int() }).meta({ id: 'DeletedMemories' });

/** What `remember` takes: a finding, and where it comes from. */
export const rememberInput = z.strictObject({
  kind: memoryKind,
  subject: subject.default('user'),
  attribute: attribute.nullable().default(null),
  content,
  quote: text(2_000).nullable().default(null),
  confidence: z.number().min(0).max(1).default(1),
  supersedes: id.nullable().default(null),
  valid_from: validFrom.default(null),
  valid_until: validUntil.default(null),
  is_pinned: z.boolean().default(false),
  keeps_pinned: z.boolean().default(false).describe('What is pinned stays, whatever this says'),
  source: z.enum(['said', 'manual', 'import']),
  source_message_id: id.nullable().default(null),
  source_run_id: id.nullable().default(null),
  said_at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('What relative dates in it are meant from; absent: now'),
});

/** What `forget` takes: one memory, whatever holds these words, or what was remembered last in a context. */
export const forgetInput = z.union([
  z.strictObject({ memory_id: id }),
  z.strictObject({ query: text(200) }),
  z.strictObject({
    that: id.describe('A context'),
    before_message_id: id.optional().describe('The message that says so: what was said before it is meant'),
  }),
]);

export const FORGET_PHRASE = 'forget everything';
export const forgetEverythingBody = z
  .strictObject({ confirm: z.literal(FORGET_PHRASE).describe('So that nobody does it by accident') })
  .meta({ id: 'ForgetEverything' });
export const forgottenEverything = z
  .strictObject({
    state: z
      .enum(['done', 'running'])
      .describe('`running`: a job goes on; `memory.forgotten` on `/ws/me` says when it is done'),
    deleted: z.strictObject({
      contexts: z.int(),
      messages: z.int(),
      memories: z.int(),
      runs: z.int(),
    }),
  })
  .meta({ id: 'ForgottenEverything' });
export type ForgottenEverything = z.infer<typeof forgottenEverything>;

export const memoryExport = z
  .strictObject({ exported_at: timestamp, is_memory_enabled: z.boolean(), memories: z.array(memory) })
  .meta({ id: 'MemoryExport' });
