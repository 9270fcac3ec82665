import { getRolePrompt, updateRolePrompt as setRolePrompt } from '@potentia/db/agent/role-prompt-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateRolePromptInput, type RolePrompt } from './role-prompt-schemas.ts';
import { roleStems } from './rules/built-in-roles.ts';

/**
 * Changes a role of a workspace; with `expected_version` only if it still is at that. Throws `workspace.not_found`,
 * `workspace.forbidden` (admins may), `role_prompt.not_found`, `role_prompt.name_taken`, `role_prompt.version_conflict` with the
 * current role.
 */
export function updateRolePrompt(ctx: UserCtx, input: z.input<typeof updateRolePromptInput>): Promise<RolePrompt> {
  const { workspace_id, role_prompt_id, expected_version, ...fields } = parseInput(updateRolePromptInput, input);
  const scope = { user_id: ctx.actor.user_id, workspace_id, role_prompt_id };
  return fromDb(async () => {
    const is_found_otherwise = fields.aim !== undefined || fields.examples !== undefined;
    const before = is_found_otherwise ? await getRolePrompt(ctx.db, scope) : null;
    return setRolePrompt(ctx.db, {
      ...scope,
      // What its stems were made of must still be what it is.
      expected_version: expected_version ?? before?.version ?? null,
      fields,
      stems: before && roleStems({ aim: fields.aim ?? before.aim, examples: fields.examples ?? before.examples }),
      request_id: ctx.request_id,
    });
  });
}
