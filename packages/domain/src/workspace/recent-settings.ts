import type { Db } from '@potentia/db/client';
import type { SettingsRow } from '@potentia/db/workspace/settings-queries';
import { LRUCache } from 'lru-cache';
import type { Cache } from '../platform/cache.ts';
import { isKnownOrigin, readSettings } from './read-settings.ts';
import { MAX_ORIGIN } from './settings-schemas.ts';

/** What is asked for every request must not cost each a look-up: so old, in milliseconds, an answer may be. */
const RECENT_MS = 1_000;
const MAX_RECENT = 10_000;

/** A tenant's settings for the doors, which ask with every request and every frame. */
export interface RecentSettings {
  /** The settings of a workspace, at once when they were asked for a moment ago. Throws `unavailable`. */
  of(workspace_id: string): SettingsRow | Promise<SettingsRow>;
  /** Whether any workspace lets pages of this origin call. Throws `unavailable`. */
  knowsOrigin(origin: string): boolean | Promise<boolean>;
}

/** Remembers what the cache answered for a second: derived data, bounded, in this process alone. */
export function createRecentSettings(source: { db: Db; cache: Cache }): RecentSettings {
  const settings = new LRUCache<string, SettingsRow>({ max: MAX_RECENT, ttl: RECENT_MS });
  const origins = new LRUCache<string, { known: boolean }>({ max: MAX_RECENT, ttl: RECENT_MS });
  return {
    of(workspace_id) {
      return settings.get(workspace_id) ?? remember(settings, workspace_id, readSettings(source, workspace_id));
    },
    knowsOrigin(origin) {
      // Anybody can send one, before anything is known of them: what cannot be in the settings is not looked up.
      if (origin.length > MAX_ORIGIN) return false;
      const recent = origins.get(origin);
      if (recent) return recent.known;
      const asked = isKnownOrigin(source, origin).then((known) => ({ known }));
      return remember(origins, origin, asked).then(({ known }) => known);
    },
  };
}

async function remember<T extends object>(cache: LRUCache<string, T>, key: string, asked: Promise<T>): Promise<T> {
  const answer = await asked;
  cache.set(key, answer);
  return answer;
}
