import { listWhatsappLinks } from '@potentia/db/whatsapp/partner-queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { LinkList } from './link-schemas.ts';

/** One's own phones, by the session to which each is linked, the newest first. */
export async function listLinks(ctx: UserCtx): Promise<LinkList> {
  return { items: await fromDb(() => listWhatsappLinks(ctx.db, { user_id: ctx.actor.user_id })) };
}
