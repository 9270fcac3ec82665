import { isTenantOrigin, readWorkspaceSettings, type SettingsRow } from '@potentia/db/workspace/settings-queries';
import type { Db } from '@potentia/db/client';
import type { Cache } from '../platform/cache.ts';
import { fromDb } from '../platform/db-errors.ts';

/** Namespace of what is known of all tenants together. */
export const ALL_TENANTS = 'all-tenants';

/**
 * The settings of a workspace as the services act by them, for no person in particular: through the cache, so a change
 * can take seconds. `features` holds only what was switched; see `featuresOf`.
 */
export function readSettings({ db, cache }: { db: Db; cache: Cache }, workspace_id: string): Promise<SettingsRow> {
  return cache.read({
    namespace: workspace_id,
    key: 'settings',
    load: () => fromDb(() => readWorkspaceSettings(db, workspace_id)),
    changed_at: (settings) => settings.updated_at,
  });
}

/**
 * Whether any workspace lets pages of this origin call; which one does is asked when it is known who calls, and for what.
 * Through the cache, for the shortest time: what comes here is whatever browsers send.
 */
export function isKnownOrigin({ db, cache }: { db: Db; cache: Cache }, origin: string): Promise<boolean> {
  return cache.read({
    namespace: ALL_TENANTS,
    key: `origin:${origin}`,
    load: () => fromDb(() => isTenantOrigin(db, origin)),
  });
}
