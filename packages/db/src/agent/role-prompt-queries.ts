import { callOne, type Queryable } from '../client.ts';

export interface RolePromptRow {
  id: string;
  /** Null: built in. */
  workspace_id: string | null;
  /** Of a built-in one. */
  key: string | null;
  name: string;
  is_frame: boolean;
  aim: string;
  tone: string;
  prompt: string;
  examples: string[];
  is_enabled: boolean;
  version: number;
  created_at: string;
  updated_at: string;
}

export interface RolePromptFields {
  name: string;
  aim: string;
  tone: string;
  prompt: string;
  examples: string[];
  is_enabled: boolean;
}

/** How often each stem stands in what a role is found by. */
export type RoleStems = Record<string, number>;

interface WorkspaceScope {
  user_id: string;
  workspace_id: string;
}

export interface RolePromptScope extends WorkspaceScope {
  role_prompt_id: string;
}

export interface RolePromptWrite extends RolePromptScope {
  request_id: string;
}

const callRole = async (db: Queryable, text: string, params: unknown[]): Promise<RolePromptRow> =>
  (await callOne<{ role: RolePromptRow }>(db, `select ${text} as role`, params)).role;

/** Built in first. `workspace_id` null: no others. Throws `workspace.not_found`, `workspace.forbidden` (guests). */
export async function listRolePrompts(
  db: Queryable,
  input: { user_id: string; workspace_id: string | null; with_built_in: boolean },
): Promise<RolePromptRow[]> {
  const params = [input.user_id, input.workspace_id, input.with_built_in];
  const rows = await db.call<{ role: RolePromptRow }>(
    'select role from app.list_role_prompts($1, $2, $3) role',
    params,
  );
  return rows.map(({ role }) => role);
}

/** Throws `role_prompt.not_found`, and as the others `workspace.not_found`, `workspace.forbidden`. */
export function getRolePrompt(db: Queryable, scope: RolePromptScope): Promise<RolePromptRow> {
  return callRole(db, 'app.get_role_prompt($1, $2, $3)', [scope.user_id, scope.workspace_id, scope.role_prompt_id]);
}

/** Throws `role_prompt.name_taken`, `role_prompt.too_many`. */
export function createRolePrompt(
  db: Queryable,
  input: RolePromptWrite & { fields: RolePromptFields; stems: RoleStems },
): Promise<RolePromptRow> {
  const { user_id, workspace_id, role_prompt_id, fields, stems, request_id } = input;
  const params = [user_id, workspace_id, role_prompt_id, fields, stems, request_id];
  return callRole(db, 'app.create_role_prompt($1, $2, $3, $4, $5, $6)', params);
}

/** `stems` null: neither aim nor examples change. Throws `role_prompt.version_conflict` (precondition, with `current`). */
export function updateRolePrompt(
  db: Queryable,
  input: RolePromptWrite & {
    expected_version: number | null;
    fields: Partial<RolePromptFields>;
    stems: RoleStems | null;
  },
): Promise<RolePromptRow> {
  const { user_id, workspace_id, role_prompt_id, expected_version, fields, stems, request_id } = input;
  const params = [user_id, workspace_id, role_prompt_id, expected_version, fields, stems, request_id];
  return callRole(db, 'app.update_role_prompt($1, $2, $3, $4, $5, $6, $7)', params);
}

export async function deleteRolePrompt(db: Queryable, input: RolePromptWrite): Promise<void> {
  const params = [input.user_id, input.workspace_id, input.role_prompt_id, input.request_id];
  await db.call('select app.delete_role_prompt($1, $2, $3, $4)', params);
}

export interface ChosenRoleRow {
  role_prompt_id: string;
  name: string;
  aim: string;
  tone: string;
  prompt: string;
  /** How much the message is like the role that it is most like; null when it is like none, or was not compared. */
  score: number | null;
  chosen_by: 'person' | 'turn' | 'likeness' | 'default';
}

/** Who answers a turn; one statement. Never throws for want of a role: there is the default one. */
export function chooseRole(
  db: Queryable,
  input: {
    user_id: string;
    workspace_id: string;
    asked_role_prompt_id: string | null;
    query: { stems: string[]; weight: number }[];
    floor: number;
  },
): Promise<ChosenRoleRow> {
  const { user_id, workspace_id, asked_role_prompt_id, query, floor } = input;
  const params = [user_id, workspace_id, asked_role_prompt_id, query, floor];
  return callOne(db, 'select * from app.choose_role($1, $2, $3, $4, $5)', params);
}
