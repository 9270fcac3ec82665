/** Roles in a workspace, lowest first. Postgres decides access (`app.set_tenant_context`); these only name its answers. */
export const workspace_roles = ['guest', 'member', 'admin', 'owner'] as const;
export type WorkspaceRole = (typeof workspace_roles)[number];

/** Roles that a member can be given: everything below `owner`, which comes by a transfer alone. */
export const member_roles = ['guest', 'member', 'admin'] as const;
