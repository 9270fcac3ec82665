import { callOne, type Queryable } from '../client.ts';

export type MailStatus = 'sending' | 'sent' | 'parked' | 'dropped';

export interface MailRef {
  outbox_id: string;
  workspace_id: string | null;
  template: string;
  /** What the mail is about. */
  reference: string;
}

/** Notes that a mail is on its way. `sending`: go on, an earlier attempt may have got through when `attempts` > 1. As job_user. */
export function beginMail(db: Queryable, mail: MailRef): Promise<{ status: MailStatus; attempts: number }> {
  const params = [mail.outbox_id, mail.workspace_id, mail.template, mail.reference];
  return callOne(db, 'select * from app.begin_mail($1, $2, $3, $4)', params);
}

/** Notes what became of it. As job_user. */
export async function finishMail(
  db: Queryable,
  outbox_id: string,
  status: MailStatus,
  reason: string | null = null,
): Promise<void> {
  await db.call('select app.finish_mail($1, $2, $3)', [outbox_id, status, reason]);
}
