import { revokeApiKey as endApiKey } from '@potentia/db/auth/api-key-queries';
import type { z } from 'zod';
import { workspaceChannel } from '../platform/bus.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { apiKeyRef } from './api-key-schemas.ts';

/**
 * Ends an API key at every door at once, open sockets too; twice is once.
 * Throws `workspace.not_found`, `workspace.forbidden` (admins may), `api_key.not_found`.
 */
export async function revokeApiKey(ctx: UserCtx, input: z.input<typeof apiKeyRef>): Promise<void> {
  const { workspace_id, api_key_id } = parseInput(apiKeyRef, input);
  const { user_id } = ctx.actor;
  await fromDb(() => endApiKey(ctx.db, { user_id, workspace_id, api_key_id, request_id: ctx.request_id }));
  ctx.bus.publish(workspaceChannel(workspace_id), { kind: 'access', user_id: api_key_id, frame: '' });
}
