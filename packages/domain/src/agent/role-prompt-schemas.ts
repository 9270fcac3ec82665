import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { id, timestamp } from '../platform/schemas.ts';

const MAX_EXAMPLES = 50;

const name = safeText(100)
  .min(1)
  .refine((text) => text.trim() === text, 'Starts or ends with a blank')
  .describe('Of no other role of the workspace, whatever its case');
const aim = safeText(1_000).describe('What the role wants to achieve for the person');
const tone = safeText(500).describe('How it speaks');
const prompt = safeText(8_000).min(1).describe('What the specialist is told of how to be');
const examples = z
  .array(safeText(300).min(1))
  .max(MAX_EXAMPLES)
  .describe('What people say who want it: it is chosen when a message is like its aim and these');
const is_enabled = z.boolean().describe('False: it is never chosen, nor used where it was fixed');

export const rolePrompt = z
  .strictObject({
    id,
    workspace_id: id.nullable().describe('Null: built in, for everybody'),
    key: z.string().nullable().describe('Of a built-in one: `partner` is the default'),
    name: z.string(),
    is_frame: z.boolean().describe('A coaching frame: it also sets the tone of nudges for who has fixed it'),
    aim: z.string(),
    tone: z.string(),
    prompt: z.string(),
    examples: z.array(z.string()),
    is_enabled,
    version: z.int().min(1),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'RolePrompt' });
export type RolePrompt = z.infer<typeof rolePrompt>;

/** Without pages: a workspace has at most 50. */
export const rolePromptList = z.strictObject({ items: z.array(rolePrompt) }).meta({ id: 'RolePromptList' });
export type RolePromptList = z.infer<typeof rolePromptList>;

const fields = { name, aim, tone, prompt };

export const createRolePromptBody = z
  .strictObject({
    ...fields,
    aim: aim.default(''),
    tone: tone.default(''),
    examples: examples.default([]),
    is_enabled: is_enabled.default(true),
  })
  .meta({ id: 'CreateRolePrompt' });

export const updateRolePromptBody = z
  .strictObject({ ...fields, examples, is_enabled })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateRolePrompt' });

export const listRolePromptsQuery = z.strictObject({
  workspace_id: id.optional().describe('Its roles too; without it the built-in ones alone'),
});

export const workspaceRolesRef = z.strictObject({ workspace_id: id });
export const rolePromptRef = z.strictObject({ workspace_id: id, role_prompt_id: id });

export const createRolePromptInput = createRolePromptBody.extend(workspaceRolesRef.shape);
export const updateRolePromptInput = updateRolePromptBody.safeExtend({
  ...rolePromptRef.shape,
  expected_version: z.int().min(1).optional().describe('From If-Match'),
});
