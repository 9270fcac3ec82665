import { getCalendarTenant, getScheduleTenant } from '@potentia/db/calendar/calendar-queries';
import { getCanvasTenant } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import { getWhatsappTenant } from '@potentia/db/whatsapp/session-queries';
import { getWorkspace } from '@potentia/db/workspace/queries';
import { AppError } from '@potentia/domain/platform/errors';
import { fromDb } from '@potentia/domain/platform/db-errors';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';

/** A canvas or calendar never changes its workspace, but access to it can go: then the request counts for the person again. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 50_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The workspace that a request is about; null when it is about none, or none that the caller may know of. */
export type WorkspaceOf = (request: FastifyRequest) => string | null | Promise<string | null>;

/** Finds the workspace of what a parameter of the path names; null when the person may know of none. */
type Find = (db: Db, user_id: string, named: string) => Promise<string | null>;

/** By parameter. Of several in one path the first of these counts: what is narrower is in the workspace of what is wider. */
const FINDERS: [name: string, find: Find][] = [
  ['canvas_id', (db, user_id, canvas_id) => fromDb(() => getCanvasTenant(db, { user_id, canvas_id }))],
  ['calendar_id', (db, user_id, calendar_id) => fromDb(() => getCalendarTenant(db, { user_id, calendar_id }))],
  ['schedule_id', (db, user_id, schedule_id) => fromDb(() => getScheduleTenant(db, { user_id, schedule_id }))],
  ['session_id', (db, user_id, session_id) => fromDb(() => getWhatsappTenant(db, { user_id, session_id }))],
  ['workspace_id', findWorkspace],
];

/** By what the path names. Access is looked up once a minute, and decides nothing but whose limits count. */
export function createWorkspaceOf(db: Db): WorkspaceOf {
  const known = new LRUCache<string, { workspace_id: string | null }>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });

  const lookUp = async (key: string, found: Promise<string | null>): Promise<string | null> => {
    const workspace_id = await found;
    known.set(key, { workspace_id });
    return workspace_id;
  };

  return (request) => {
    const user_id = request.claims?.user_id;
    if (user_id === undefined) return null;
    if (request.claims?.api_key) return request.claims.api_key.workspace_id;
    for (const [name, find] of FINDERS) {
      const named = uuidOf(request, name);
      if (named === undefined) continue;
      const key = `${user_id}|${named}`;
      const recent = known.get(key);
      return recent ? recent.workspace_id : lookUp(key, find(db, user_id, named));
    }
    return null;
  };
}

async function findWorkspace(db: Db, user_id: string, workspace_id: string): Promise<string | null> {
  try {
    return (await fromDb(() => getWorkspace(db, { user_id, workspace_id }))).id;
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return null;
    throw error;
  }
}

function uuidOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.params as Record<string, string | undefined>)[name];
  return value !== undefined && UUID.test(value) ? value.toLowerCase() : undefined;
}
