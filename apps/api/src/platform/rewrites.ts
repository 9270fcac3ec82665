import type { IncomingMessage } from 'node:http';

/**
 * First segments of the older spellings → the canonical collection. `/canvas/x`, `/api/canvas/x`, `/api/v1/canvas/x`,
 * `/canvases/x` and `/api/canvases/x` are all `/api/v1/canvases/x`. Every new module adds its nouns here.
 */
const COLLECTIONS = new Map([
  ['canvas', 'canvases'],
  ['canvases', 'canvases'],
  ['auth', 'auth'],
  ['me', 'me'],
  ['workspace', 'workspaces'],
  ['workspaces', 'workspaces'],
  ['invitation', 'invitations'],
  ['invitations', 'invitations'],
  ['search', 'search'],
  ['calendar', 'calendars'],
  ['calendars', 'calendars'],
  ['schedule', 'schedules'],
  ['schedules', 'schedules'],
  ['view', 'view'],
  ['sync', 'sync'],
  ['freebusy', 'freebusy'],
  ['rsvp', 'rsvp'],
  ['feeds', 'feeds'],
  ['shared', 'shared'],
  ['chat', 'chat'],
  ['memory', 'memory'],
  ['memories', 'memories'],
  ['agent', 'agent'],
  ['usage', 'usage'],
  ['role-prompt', 'role-prompts'],
  ['role-prompts', 'role-prompts'],
]);

const SPELLING = /^(?:\/api)?(?:\/v1)?\/([a-z-]+)(?=[/?]|$)/;

/** The canonical form of a path (its query stays); anything that is no older spelling comes back as it is. */
export function canonicalUrl(url: string): string {
  if (url.startsWith('/api/v1/canvases')) return url;
  const match = SPELLING.exec(url);
  const collection = COLLECTIONS.get(match?.[1] ?? '');
  return match && collection !== undefined ? `/api/v1/${collection}${url.slice(match[0].length)}` : url;
}

/** Fastify's `rewriteUrl`. */
export const rewriteUrl = (raw: IncomingMessage): string => canonicalUrl(raw.url ?? '/');
