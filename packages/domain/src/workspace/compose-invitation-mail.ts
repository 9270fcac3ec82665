import { getInvitationMail } from '@potentia/db/workspace/invitation-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import type { Mail } from '../platform/mail.ts';
import { printMail } from '../platform/rules/mail-text.ts';
import type { Sealer } from '../platform/seal.ts';
import type { MailCtx, MailJob } from '../platform/send-mail.ts';
import { hashToken, sealPurpose } from './invitation-token.ts';
import { invitationMailText } from './rules/invitation-mail-text.ts';

const payload = z.object({ reference: z.uuid(), sealed_token: z.string() });

/**
 * The mail of an invitation, in the language of its reader. Null when the token that it carries is no longer good: it was
 * answered, revoked, sent anew, or ran out. Throws `SealError` for a token that cannot be opened.
 */
export async function composeInvitationMail(ctx: MailCtx & { sealer: Sealer }, job: MailJob): Promise<Mail | null> {
  const { reference: invitation_id, sealed_token } = payload.parse(job.payload);
  const token = ctx.sealer.open(sealed_token, sealPurpose(invitation_id));
  const facts = await fromDb(() => getInvitationMail(ctx.db, { invitation_id, token_hash: hashToken(token) }));
  if (!facts) return null;
  // In the fragment, which no server and no Referer ever gets.
  const url = `${ctx.app_url}/invitations#token=${token}${facts.kind === 'canvas' ? '&to=canvas' : ''}`;
  const locale = facts.locale === 'id' ? 'id' : 'en';
  return { to: facts.to, ...printMail(invitationMailText({ ...facts, url }, locale)) };
}
