import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { id, timestamp } from '../platform/schemas.ts';
import { contextTitle } from './context-schemas.ts';
import { messageRole } from './message-schemas.ts';

/** Messages of one request. */
export const MAX_IMPORT = 1_000;
/** Bytes of one request. */
export const IMPORT_BODY_LIMIT = 8_388_608;

const name = (max: number) => safeText(max).min(1);

const importedMessage = z.strictObject({
  external_id: name(255).describe('What the other system calls it: each is imported once per `source`'),
  role: messageRole.default('user'),
  author_name: name(200).nullable().default(null).describe('Of a conversation between people: who said it'),
  content: safeText(32_000).refine((text) => text.trim() !== '', 'Must hold some text'),
  created_at: z.iso.datetime({ offset: true }).describe('When it was said: from 1970 on, and not in the future'),
  context_external_id: name(255)
    .nullable()
    .default(null)
    .describe('The conversation that it belongs to; null: the one of all such messages of this `source`'),
  context_title: contextTitle
    .nullable()
    .default(null)
    .describe('Of a conversation that is new; null: from its first words'),
});
export type ImportedMessage = z.infer<typeof importedMessage>;

export const importMessagesBody = z
  .strictObject({
    source: name(64).default('import').describe('The other system, as you call it'),
    messages: z.array(importedMessage).min(1).max(MAX_IMPORT).describe('In their order, which counts for equal times'),
  })
  .meta({ id: 'ImportMessages' });

export const importReport = z
  .strictObject({
    imported: z.int(),
    duplicates: z.int().describe('Imported before, the same as now'),
    conflicts: z
      .array(
        z.strictObject({
          index: z.int().min(0).describe('In `messages`'),
          external_id: z.string(),
          message_id: id.describe('The one that stands'),
        }),
      )
      .describe('Imported before with other words, another role or another time: left as they were'),
    contexts: z
      .array(z.strictObject({ id, external_id: z.string().nullable(), title: z.string(), imported: z.int() }))
      .describe('Where the new ones stand'),
  })
  .meta({ id: 'ImportReport' });
export type ImportReport = z.infer<typeof importReport>;

export const importStatus = z
  .strictObject({
    imported: z.int().describe('Messages of all your imports'),
    indexed: z.int().describe('Messages, imported or not, that are found by their words'),
    pending: z.int().describe('Messages that are not, yet'),
    state: z.enum(['idle', 'indexing']),
    oldest_pending_at: timestamp.nullable(),
    vectors: z
      .strictObject({
        embedded: z.int(),
        pending: z.int(),
        failed: z.int().describe('Given up; they are found by their words'),
        oldest_pending_at: timestamp.nullable(),
      })
      .describe('By meaning, when a provider of vectors is set up'),
  })
  .meta({ id: 'ImportStatus' });
export type ImportStatus = z.infer<typeof importStatus>;
