import { updateWorkspaceSettings } from '@potentia/db/workspace/settings-queries';
import type { z } from 'zod';
import type { Cache } from '../platform/cache.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { presentSettings } from './get-settings.ts';
import { ALL_TENANTS } from './read-settings.ts';
import { type Settings, updateSettingsInput } from './settings-schemas.ts';

/**
 * Changes the settings that are named. With `expected_version` (If-Match) only if they are still at that version, else
 * `precondition` with the current ones. Every replica acts by them within seconds.
 * Throws `workspace.not_found`, `workspace.forbidden` (admins may).
 */
export async function updateSettings(
  ctx: UserCtx & { cache: Cache },
  input: z.input<typeof updateSettingsInput>,
): Promise<Settings> {
  const { workspace_id, expected_version, ...patch } = parseInput(updateSettingsInput, input);
  const row = await fromDb(() =>
    updateWorkspaceSettings(ctx.db, {
      user_id: ctx.actor.user_id,
      workspace_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
  publishOutboxHint(ctx);
  await ctx.cache.invalidate(workspace_id);
  if (patch.cors_origins) await ctx.cache.invalidate(ALL_TENANTS);
  return presentSettings(row);
}
