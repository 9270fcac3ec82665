import { z } from 'zod';
import { cursor, id, pageLimit, timestamp } from '../platform/schemas.ts';
import { contextRef } from './context-schemas.ts';

export const messageRole = z.enum(['user', 'assistant']);
const source = z.enum(['chat', 'import', 'whatsapp']);

const mention = z.strictObject({
  text: z.string(),
  from: z.iso.date().describe('The first day'),
  to: z.iso.date().describe('The last day'),
});

const fields = {
  id,
  context_id: id,
  seq: z.int().describe('The order of arrival'),
  role: messageRole.describe(
    '`user`: what you said, or somebody in what you imported; `assistant`: what was said to you',
  ),
  author_name: z.string().nullable().describe('Of a conversation between people: who said it'),
  content: z.string(),
  source,
  import_source: z.string().nullable(),
  external_id: z.string().nullable().describe('What the system that it was imported from calls it'),
  run_id: id.nullable().describe('The run that it began, or that it answers'),
  finish_reason: z.string().nullable().describe('Of an answer that was cut off: why'),
  language: z.enum(['en', 'id', 'und']),
  mentions: z.array(mention).describe('What its dates (`tomorrow`, `minggu lalu`) meant when it was said'),
  created_at: timestamp,
};

export const chatMessage = z.strictObject(fields).meta({ id: 'ChatMessage' });

const messageCitation = z.strictObject({
  index: z.int().min(1),
  kind: z.string(),
  id: id.nullable().describe('Null: it was deleted'),
  leg: z.string(),
  score: z.number().nullable(),
});

/** With what an answer rests on. */
export const citedMessage = z
  .strictObject({ ...fields, citations: z.array(messageCitation).describe('Of an answer: what it rests on') })
  .meta({ id: 'CitedChatMessage' });
export type CitedMessage = z.infer<typeof citedMessage>;

export const chatMessagePage = z
  .strictObject({
    items: z.array(chatMessage),
    next_cursor: z.string().nullable().describe('Goes on in this order; null: this is the end'),
    previous_cursor: z
      .string()
      .nullable()
      .describe('Goes back to what stands before this page; null: this is the beginning'),
  })
  .meta({ id: 'ChatMessagePage' });
export type ChatMessagePage = z.infer<typeof chatMessagePage>;

const instant = z.iso.datetime({ offset: true });
const paging = {
  order: z.enum(['asc', 'desc']).default('asc').describe('`asc`: the oldest first'),
  cursor,
  limit: pageLimit(),
};

export const listContextMessagesQuery = z.strictObject(paging);
export const listContextMessagesInput = listContextMessagesQuery.extend(contextRef.shape);

export const listMessagesQuery = z.strictObject({
  from: instant.optional().describe('Said then or later'),
  to: instant.optional().describe('Said earlier'),
  role: messageRole.optional(),
  source: source.optional(),
  ...paging,
});

export const messageRef = z.strictObject({ message_id: id });
