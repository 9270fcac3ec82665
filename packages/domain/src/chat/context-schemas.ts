import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';

/** Something to be read: not only blanks, and none around it. */
export const contextTitle = safeText(200)
  .min(1)
  .refine((text) => text.trim() === text, 'Starts or ends with a blank');
const version = z.int().min(1);
const status = z.enum(['active', 'archived']);

export const chatContext = z
  .strictObject({
    id,
    title: z.string(),
    titled_by: z
      .enum(['rules', 'model', 'user', 'import'])
      .describe('A title that you gave (`user`) is never changed by anybody else'),
    summary: z.string().nullable().describe('Of what was said before the last messages; null: not made yet'),
    status,
    import_source: z.string().nullable(),
    external_id: z.string().nullable().describe('What the system that it was imported from calls it'),
    version,
    created_at: timestamp,
    updated_at: timestamp,
    last_message_at: timestamp.describe('By the times of its messages, imported ones too'),
  })
  .meta({ id: 'ChatContext' });
export type ChatContext = z.infer<typeof chatContext>;

export const chatContextPage = pageOf(chatContext).meta({ id: 'ChatContextPage' });
export type ChatContextPage = z.infer<typeof chatContextPage>;

export const listContextsQuery = z.strictObject({ status: status.default('active'), cursor, limit: pageLimit() });

export const createContextBody = z.strictObject({ title: contextTitle }).meta({ id: 'CreateChatContext' });
export const updateContextBody = z.strictObject({ title: contextTitle }).meta({ id: 'UpdateChatContext' });
export const mergeContextsBody = z
  .strictObject({ into_context_id: id.describe('Where its messages go; it keeps its title') })
  .meta({ id: 'MergeChatContexts' });

export const contextRef = z.strictObject({ context_id: id });
export const updateContextInput = updateContextBody.extend({
  ...contextRef.shape,
  expected_version: version.optional().describe('From If-Match'),
});
export const mergeContextsInput = mergeContextsBody.extend(contextRef.shape);

export const chatSettings = z
  .strictObject({
    role_prompt_id: id.nullable().describe('The role that always answers you; null: the one that suits each turn'),
    is_memory_enabled: z
      .boolean()
      .describe('False: nothing is remembered from what you say, and no memory comes into a prompt'),
    active_context_id: id.nullable().describe('Where the conversation is'),
    version,
  })
  .meta({ id: 'ChatSettings' });
export type ChatSettings = z.infer<typeof chatSettings>;

export const updateChatSettingsBody = z
  .strictObject({
    role_prompt_id: id
      .nullable()
      .optional()
      .describe('A built-in role, or one of a workspace that you are a member of'),
    is_memory_enabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateChatSettings' });
export const updateChatSettingsInput = updateChatSettingsBody.safeExtend({
  expected_version: version.optional().describe('From If-Match'),
});
