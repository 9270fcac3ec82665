import { deleteRolePrompt as dropRolePrompt } from '@potentia/db/agent/role-prompt-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { rolePromptRef } from './role-prompt-schemas.ts';

/**
 * Deletes a role of a workspace; whoever had fixed it is answered by the one that suits. Throws `workspace.not_found`,
 * `workspace.forbidden` (admins may), `role_prompt.not_found`.
 */
export function deleteRolePrompt(ctx: UserCtx, input: z.input<typeof rolePromptRef>): Promise<void> {
  const ref = parseInput(rolePromptRef, input);
  return fromDb(() => dropRolePrompt(ctx.db, { user_id: ctx.actor.user_id, ...ref, request_id: ctx.request_id }));
}
