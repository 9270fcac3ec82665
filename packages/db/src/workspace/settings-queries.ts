import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';
import type { WorkspaceScope } from './queries.ts';

/** One rate limit that a workspace gives itself: of HTTP by method and route, or of a socket's event. */
export interface RateLimitSetting {
  method?: string;
  route?: string;
  event?: string;
  limit: number;
  window_ms: number;
  burst?: number;
}

export interface SettingsRow {
  cors_origins: string[];
  rate_limits: RateLimitSetting[];
  locale: 'en' | 'id';
  time_zone: string;
  invite_domains: string[];
  features: Record<string, boolean>;
  /** 0: never changed. */
  version: number;
  updated_at: string | null;
}

/** Throws `workspace.not_found`, `workspace.forbidden` (guests). */
export async function getWorkspaceSettings(db: Queryable, scope: WorkspaceScope): Promise<SettingsRow> {
  const { settings } = await callOne<{ settings: SettingsRow }>(
    db,
    'select app.get_workspace_settings($1, $2) as settings',
    [scope.user_id, scope.workspace_id],
  );
  return settings;
}

export interface SettingsUpdate extends WorkspaceScope {
  /** Null: whatever it is now. */
  expected_version: number | null;
  patch: Partial<Omit<SettingsRow, 'version' | 'updated_at'>>;
  request_id: string;
}

/** Throws `workspace.forbidden` (admins may), `settings.version_conflict` (precondition, with `current`). */
export async function updateWorkspaceSettings(db: Queryable, input: SettingsUpdate): Promise<SettingsRow> {
  const { settings } = await callOne<{ settings: SettingsRow }>(
    db,
    'select app.update_workspace_settings($1, $2, $3, $4, $5, $6) as settings',
    [
      input.user_id,
      input.workspace_id,
      input.expected_version,
      input.patch,
      input.request_id,
      currentTraceparent() ?? null,
    ],
  );
  return settings;
}

/** For the services themselves: checks no access. */
export async function readWorkspaceSettings(db: Queryable, workspace_id: string): Promise<SettingsRow> {
  const { settings } = await callOne<{ settings: SettingsRow }>(
    db,
    'select app.read_workspace_settings($1) as settings',
    [workspace_id],
  );
  return settings;
}

/** Whether any live workspace lets pages of this origin call. */
export async function isTenantOrigin(db: Queryable, origin: string): Promise<boolean> {
  const { known } = await callOne<{ known: boolean }>(db, 'select app.is_tenant_origin($1) as known', [origin]);
  return known;
}
