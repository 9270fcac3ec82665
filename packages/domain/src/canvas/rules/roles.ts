/** Roles on a canvas, lowest first. Postgres decides access (`app.set_canvas_context`); these only read its answer. */
export const canvas_roles = ['viewer', 'commenter', 'editor', 'admin', 'owner'] as const;
export type CanvasRole = (typeof canvas_roles)[number];

/** Roles that can be given by an invitation: everything below `owner`. */
export const grantable_roles = ['viewer', 'commenter', 'editor', 'admin'] as const;

/** Whether `role` is at least `needed`. */
export function hasRole(role: CanvasRole, needed: CanvasRole): boolean {
  return canvas_roles.indexOf(role) >= canvas_roles.indexOf(needed);
}

/** Whether somebody with `role` may change blocks now: an archived canvas is read-only for everybody. */
export function canWrite(role: CanvasRole, archived_at: string | null): boolean {
  return archived_at === null && hasRole(role, 'editor');
}
