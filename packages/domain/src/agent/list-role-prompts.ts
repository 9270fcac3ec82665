import { listRolePrompts as selectRolePrompts } from '@potentia/db/agent/role-prompt-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { listRolePromptsQuery, workspaceRolesRef, type RolePromptList } from './role-prompt-schemas.ts';

/**
 * The roles that may answer the caller: the built-in ones, and with a workspace its own. Throws `workspace.not_found`,
 * `workspace.forbidden` (guests).
 */
export async function listRolePrompts(
  ctx: UserCtx,
  input: z.input<typeof listRolePromptsQuery>,
): Promise<RolePromptList> {
  const { workspace_id = null } = parseInput(listRolePromptsQuery, input);
  const { user_id } = ctx.actor;
  return { items: await fromDb(() => selectRolePrompts(ctx.db, { user_id, workspace_id, with_built_in: true })) };
}

/** A workspace's own roles, for its members. Throws as `listRolePrompts`. */
export async function listWorkspaceRolePrompts(
  ctx: UserCtx,
  input: z.input<typeof workspaceRolesRef>,
): Promise<RolePromptList> {
  const { workspace_id } = parseInput(workspaceRolesRef, input);
  const { user_id } = ctx.actor;
  return { items: await fromDb(() => selectRolePrompts(ctx.db, { user_id, workspace_id, with_built_in: false })) };
}
