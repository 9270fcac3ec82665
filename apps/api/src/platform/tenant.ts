import { getCanvasTenant } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import { fromDb } from '@potentia/domain/platform/db-errors';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { TenantOf } from './rate-limit.ts';

/** A canvas never changes its workspace, but access to it can go: then the request counts for the person again. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 50_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The tenant of a request: on a canvas's routes the workspace that the canvas belongs to, for those who have access to
 * it; else the person; without a person, nobody (the address alone counts).
 */
export function createTenantOf(db: Db): TenantOf {
  const tenants = new LRUCache<string, string>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });

  const lookUp = async (key: string, user_id: string, canvas_id: string): Promise<string> => {
    const tenant = (await fromDb(() => getCanvasTenant(db, { user_id, canvas_id }))) ?? user_id;
    tenants.set(key, tenant);
    return tenant;
  };

  return (request) => {
    const user_id = request.claims?.user_id;
    if (user_id === undefined) return 'anyone';
    const canvas_id = canvasOf(request);
    if (canvas_id === undefined) return user_id;
    const key = `${user_id}|${canvas_id}`;
    return tenants.get(key) ?? lookUp(key, user_id, canvas_id);
  };
}

function canvasOf(request: FastifyRequest): string | undefined {
  const { canvas_id } = request.params as { canvas_id?: string };
  return canvas_id !== undefined && UUID.test(canvas_id) ? canvas_id.toLowerCase() : undefined;
}
