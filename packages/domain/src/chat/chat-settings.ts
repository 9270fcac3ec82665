import {
  getChatSettings as selectSettings,
  updateChatSettings as setSettings,
} from '@potentia/db/chat/context-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateChatSettingsInput, type ChatSettings } from './context-schemas.ts';

/** What the caller chose for their chat, with where it is. A role that they may not use any more is told as none. */
export const getChatSettings = (ctx: UserCtx): Promise<ChatSettings> =>
  fromDb(() => selectSettings(ctx.db, { user_id: ctx.actor.user_id }));

/**
 * Changes what is named; with `expected_version` only if it still is at that. Throws `role_prompt.not_found`,
 * `chat.version_conflict` with the current settings.
 */
export function updateChatSettings(
  ctx: UserCtx,
  input: z.input<typeof updateChatSettingsInput>,
): Promise<ChatSettings> {
  const { expected_version, ...patch } = parseInput(updateChatSettingsInput, input);
  return fromDb(() =>
    setSettings(ctx.db, {
      user_id: ctx.actor.user_id,
      expected_version: expected_version ?? null,
      patch,
      request_id: ctx.request_id,
    }),
  );
}
