import {
  CANCELLATION_MAIL,
  composeCancellationMail,
  composeGuestMail,
  INVITATION_MAIL,
} from '@potentia/domain/calendar/compose-guest-mail';
import { composeReminderMail } from '@potentia/domain/calendar/compose-reminder-mail';
import { REMINDER_MAIL } from '@potentia/domain/calendar/remind';
import type { ComposeMail } from '@potentia/domain/platform/send-mail';
import { composeDisabledMail } from '@potentia/domain/webhook/compose-disabled-mail';
import { composeInvitationMail } from '@potentia/domain/workspace/compose-invitation-mail';
import type { JobCtx } from './context.ts';

/** What can be said by mail, by the `template` of the outbox row; each belongs to its module. */
export const MAIL_TEMPLATES: Record<string, ComposeMail<JobCtx>> = {
  invitation: composeInvitationMail,
  [INVITATION_MAIL]: composeGuestMail,
  [CANCELLATION_MAIL]: composeCancellationMail,
  [REMINDER_MAIL]: composeReminderMail,
  webhook_disabled: composeDisabledMail,
};
