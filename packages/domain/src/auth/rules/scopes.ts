/** What an API key can be made for. */
export const api_key_scopes = [
  'canvas:read',
  'canvas:write',
  'calendar:read',
  'calendar:write',
  'whatsapp:read',
  'whatsapp:write',
  'workspace:read',
  'workspace:admin',
] as const;
export type Scope = (typeof api_key_scopes)[number];

/** Who may change may look: a key that writes needs no second scope to read what it writes. */
const IMPLIED: Partial<Record<Scope, Scope>> = {
  'canvas:write': 'canvas:read',
  'calendar:write': 'calendar:read',
  'whatsapp:write': 'whatsapp:read',
  'workspace:admin': 'workspace:read',
};

/** Whether a key with these scopes may do what needs `needed`. Nothing is allowed that names no scope. */
export const grantsScope = (scopes: readonly Scope[], needed: Scope | undefined): boolean =>
  needed !== undefined && scopes.some((scope) => scope === needed || IMPLIED[scope] === needed);
