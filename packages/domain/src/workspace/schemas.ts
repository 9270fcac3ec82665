import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { member_roles, workspace_roles } from './rules/roles.ts';

const version = z.int().min(1);
const icon = safeText(64).nullable();
/** A name that is there to be read and typed: no blanks around it, and not only blanks. */
export const name = safeText(120)
  .min(1)
  .refine((text) => text.trim() === text, 'Starts or ends with a blank');

export const workspaceRole = z.enum(workspace_roles).meta({ id: 'WorkspaceRole' });
export const memberRole = z.enum(member_roles).meta({ id: 'MemberRole' });

// Outputs

export const workspace = z
  .strictObject({
    id,
    name: z.string(),
    icon: z.string().nullable(),
    is_personal: z.boolean().describe('The space of one person alone'),
    role: workspaceRole.describe('Yours'),
    owner_user_id: id,
    seat_limit: z.int().describe('How many people it holds, its owner included'),
    version,
    created_at: timestamp,
    updated_at: timestamp,
    deleted_at: timestamp.nullable(),
    purge_at: timestamp.nullable().describe('When a deleted workspace is gone; until then its owner can restore it'),
  })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof workspace>;

export const workspacePage = pageOf(workspace).meta({ id: 'WorkspacePage' });
export type WorkspacePage = z.infer<typeof workspacePage>;

export const workspaceMember = z
  .strictObject({
    user_id: id,
    name: z.string(),
    email: z.string().nullable(),
    role: workspaceRole,
    joined_at: timestamp,
  })
  .meta({ id: 'WorkspaceMember' });

export const workspaceMemberPage = pageOf(workspaceMember).meta({ id: 'WorkspaceMemberPage' });
export type WorkspaceMemberPage = z.infer<typeof workspaceMemberPage>;

export const memberChange = z.strictObject({ user_id: id, role: memberRole }).meta({ id: 'WorkspaceMemberChange' });
export type MemberChange = z.infer<typeof memberChange>;

// Inputs: each is the body or query of its HTTP route; verbs take it together with the ids of the path.

export const createWorkspaceBody = z.strictObject({ name, icon: icon.default(null) }).meta({ id: 'CreateWorkspace' });

export const updateWorkspaceBody = z
  .strictObject({ name: name.optional(), icon: icon.optional() })
  .refine((body) => body.name !== undefined || body.icon !== undefined, 'Give name, icon or both')
  .meta({ id: 'UpdateWorkspace' });

export const transferWorkspaceBody = z
  .strictObject({ user_id: id.describe('A member, who becomes the owner') })
  .meta({ id: 'TransferWorkspace' });

export const changeMemberBody = z.strictObject({ role: memberRole }).meta({ id: 'ChangeWorkspaceMember' });

/** Whatever the workspace is called: names of the time before a rule for names must be deletable too. */
export const deleteWorkspaceQuery = z.strictObject({
  name: z
    .string('To delete a workspace, give its exact name')
    .max(200)
    .describe('The exact name of the workspace, so that none is deleted by mistake'),
});

export const listWorkspacesQuery = z.strictObject({
  cursor,
  limit: pageLimit(),
  include_deleted: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe('Also those of yours that are deleted and not yet gone'),
});
export const listWorkspaceMembersQuery = z.strictObject({ cursor, limit: pageLimit() });

const inWorkspace = { workspace_id: id };
/** Several verbs need nothing but the workspace. */
export const workspaceRef = z.strictObject(inWorkspace);
export const workspaceMemberRef = z.strictObject({ ...inWorkspace, user_id: id });

const expected_version = version.optional().describe('From If-Match');
export const updateWorkspaceInput = updateWorkspaceBody.safeExtend({ ...inWorkspace, expected_version });
export const deleteWorkspaceInput = deleteWorkspaceQuery.extend({ ...inWorkspace, expected_version });
export const transferWorkspaceInput = transferWorkspaceBody.extend(inWorkspace);
export const listWorkspaceMembersInput = listWorkspaceMembersQuery.extend(inWorkspace);
export const changeMemberInput = changeMemberBody.extend({ ...inWorkspace, user_id: id });
