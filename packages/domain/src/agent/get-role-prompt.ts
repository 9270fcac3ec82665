import { getRolePrompt as selectRolePrompt } from '@potentia/db/agent/role-prompt-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { rolePromptRef, type RolePrompt } from './role-prompt-schemas.ts';

/** One role of a workspace. Throws `workspace.not_found`, `workspace.forbidden` (guests), `role_prompt.not_found`. */
export function getRolePrompt(ctx: UserCtx, input: z.input<typeof rolePromptRef>): Promise<RolePrompt> {
  const ref = parseInput(rolePromptRef, input);
  return fromDb(() => selectRolePrompt(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
}
