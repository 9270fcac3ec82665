import { createRolePrompt as insertRolePrompt } from '@potentia/db/agent/role-prompt-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { createRolePromptInput, type RolePrompt } from './role-prompt-schemas.ts';
import { roleStems } from './rules/built-in-roles.ts';

/**
 * Adds a role to a workspace. Exactly once per `Idempotency-Key`. Throws `workspace.not_found`, `workspace.forbidden` (admins may),
 * `role_prompt.name_taken`, `role_prompt.too_many`.
 */
export function createRolePrompt(
  ctx: UserCtx,
  input: z.input<typeof createRolePromptInput>,
): Promise<Once<RolePrompt>> {
  const { workspace_id, ...fields } = parseInput(createRolePromptInput, input);
  const { user_id } = ctx.actor;
  const role = { user_id, workspace_id, role_prompt_id: newId(), fields, stems: roleStems(fields) };
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'role_prompt.create', input, () => insertRolePrompt(tx, { ...role, request_id: ctx.request_id })),
    ),
  );
}
