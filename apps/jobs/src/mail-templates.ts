import type { ComposeMail } from '@potentia/domain/platform/send-mail';
import { composeDisabledMail } from '@potentia/domain/webhook/compose-disabled-mail';
import { composeInvitationMail } from '@potentia/domain/workspace/compose-invitation-mail';
import type { JobCtx } from './context.ts';

/** What can be said by mail, by the `template` of the outbox row; each belongs to its module. */
export const MAIL_TEMPLATES: Record<string, ComposeMail<JobCtx>> = {
  invitation: composeInvitationMail,
  webhook_disabled: composeDisabledMail,
};
