import { createApiKey as insertApiKey } from '@potentia/db/auth/api-key-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import type { Sealer } from '../platform/seal.ts';
import { newId } from '../platform/uuid.ts';
import { createApiKeyInput, type ApiKey, type CreatedApiKey } from './api-key-schemas.ts';
import { hashApiKey, makeApiKey, shownOf } from './api-key-text.ts';

/** To what a key is sealed that a repeated request will be answered. */
const PURPOSE = 'api_key.create';

/**
 * Makes an API key of a workspace, which acts as a user of its own. The answer is the only one that holds the key; exactly
 * once per `Idempotency-Key`, whose stored result holds it sealed.
 * Throws `request.invalid`, `workspace.not_found`, `workspace.forbidden` (admins may), `api_key.keys_make_no_keys`,
 * `api_key.too_many`.
 */
export async function createApiKey(
  ctx: UserCtx & { sealer: Sealer },
  input: z.input<typeof createApiKeyInput>,
): Promise<Once<CreatedApiKey>> {
  const { workspace_id, name, scopes, expires_at } = parseInput(createApiKeyInput, input);
  if (expires_at !== null && Date.parse(expires_at) <= ctx.clock().getTime()) {
    throw invalidField('/expires_at', 'Lies in the past');
  }
  const { user_id } = ctx.actor;
  const key = makeApiKey();
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id, workspace_id, needed_role: 'admin' }, (tx) =>
      once(ctx, tx, 'api_key.create', input, async () => {
        const row = await insertApiKey(tx, {
          user_id,
          workspace_id,
          id: newId(),
          name,
          scopes,
          ...shownOf(key),
          key_hash: hashApiKey(key),
          expires_at,
          request_id: ctx.request_id,
        });
        return { row: row as ApiKey, sealed_key: ctx.sealer.seal(key, PURPOSE) };
      }),
    ),
  );
  return { result: { ...result.row, key: ctx.sealer.open(result.sealed_key, PURPOSE) }, replayed };
}
