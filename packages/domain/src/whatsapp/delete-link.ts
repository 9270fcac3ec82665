import { deleteWhatsappLink } from '@potentia/db/whatsapp/partner-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { linkRef } from './link-schemas.ts';

/** From here on what that phone writes is nobody's; what is being answered is answered no more. Throws `whatsapp.link_not_found`. */
export async function deleteLink(ctx: UserCtx, input: z.input<typeof linkRef>): Promise<void> {
  const { link_id } = parseInput(linkRef, input);
  const { user_id } = ctx.actor;
  await fromDb(() => deleteWhatsappLink(ctx.db, { user_id, link_id, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
}
