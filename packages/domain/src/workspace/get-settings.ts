import { getWorkspaceSettings, type SettingsRow } from '@potentia/db/workspace/settings-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { featuresOf } from './rules/features.ts';
import { type Settings, settingsRef } from './settings-schemas.ts';

/** A row as it is shown: with every feature, not only those that somebody switched. */
export const presentSettings = (row: SettingsRow): Settings => ({
  ...(row as Settings),
  features: featuresOf(row.features),
});

/** The settings of a workspace. Throws `workspace.not_found`, `workspace.forbidden` (guests). */
export async function getSettings(ctx: UserCtx, input: z.input<typeof settingsRef>): Promise<Settings> {
  const { workspace_id } = parseInput(settingsRef, input);
  return presentSettings(
    await fromDb(() => getWorkspaceSettings(ctx.db, { user_id: ctx.actor.user_id, workspace_id })),
  );
}
