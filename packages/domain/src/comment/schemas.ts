import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';

/** UTF-16 units of one comment. */
export const MAX_COMMENT = 10_000;
const MAX_MENTIONS = 50;

const version = z.int().min(1);

// Outputs

export const comment = z
  .strictObject({
    id,
    canvas_id: id,
    thread_id: id.nullable().describe('The comment that began the thread; null: this one did'),
    block_id: id.nullable().describe('What the thread is about; null: the canvas'),
    text: z.string().describe('Inline Markdown; empty when the comment is deleted'),
    mentions: z.array(id),
    version,
    created_by: id,
    created_at: timestamp,
    updated_at: timestamp,
    edited_at: timestamp.nullable(),
    resolved_at: timestamp.nullable(),
    resolved_by: id.nullable(),
    deleted: z.boolean(),
  })
  .meta({ id: 'Comment' });
export type Comment = z.infer<typeof comment>;

const thread = comment
  .extend({
    reply_count: z.int().min(0),
    replies: z.array(comment).describe('The first 50, oldest first; all of them with `?thread_id=`'),
    block_gone: z.boolean().describe('The block is in the trash, or gone for good'),
  })
  .meta({ id: 'CommentThread' });

export const commentPage = pageOf(z.union([thread, comment])).meta({ id: 'CommentPage' });
export type CommentPage = z.infer<typeof commentPage>;

export const writtenComment = z
  .strictObject({ comment, replayed: z.boolean().describe('True when this mutation had been applied before') })
  .meta({ id: 'WrittenComment' });
export type WrittenComment = z.infer<typeof writtenComment>;

// Inputs

const mutation_id = id.describe('Made by the client; sent again, it is applied once and answered the same');
const text = safeText(MAX_COMMENT).refine((value) => value.trim() !== '', 'Must not be empty');
const mentions = z
  .array(id)
  .max(MAX_MENTIONS)
  .refine((ids) => new Set(ids).size === ids.length, 'Mentions somebody twice')
  .default([])
  .describe('People with access to the canvas, who will be told');

export const createCommentBody = z
  .strictObject({
    mutation_id,
    text,
    mentions,
    thread_id: id.nullable().default(null).describe('The thread to reply in; null: a new one'),
    block_id: id.nullable().default(null).describe('What a new thread is about; a reply takes it from its thread'),
  })
  .refine((body) => body.thread_id === null || body.block_id === null, {
    path: ['block_id'],
    message: 'A reply is about what its thread is about',
  })
  .meta({ id: 'CreateComment' });

export const updateCommentBody = z
  .strictObject({ mutation_id, version: version.describe('The version that this edit was made on'), text, mentions })
  .meta({ id: 'UpdateComment' });

export const listCommentsQuery = z.strictObject({
  thread_id: id.optional().describe('The replies of this thread, oldest first, instead of threads'),
  block_id: id.optional(),
  resolved: z.stringbool().or(z.boolean()).optional(),
  cursor,
  limit: pageLimit(100),
});

const onCanvas = { canvas_id: id };
export const commentRef = z.strictObject({ ...onCanvas, comment_id: id });
export const createCommentInput = createCommentBody.safeExtend(onCanvas);
export const updateCommentInput = updateCommentBody.extend(commentRef.shape);
export const listCommentsInput = listCommentsQuery.extend(onCanvas);
