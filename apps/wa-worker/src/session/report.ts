import type { SessionStatus } from '@potentia/domain/whatsapp/schemas';
import type { SessionChanges } from '../state/session-log.ts';

/** What a session says of itself, as the API's card shows it. */
export interface Report {
  status: SessionStatus;
  /** `module`-less words such as `qr_expired`; null: nothing to add. */
  reason: string | null;
  close_code?: number | null;
  qr?: { serial: number; expires_at: string } | null;
  profile_name?: string | null;
  phone?: string;
  lid?: string;
  linked_at?: string;
}

/** All of what belongs together: of two changes in one group of the log, the later must leave nothing of the earlier. */
export const toChanges = ({ close_code = null, qr = null, profile_name = null, ...rest }: Report): SessionChanges => ({
  ...rest,
  close_code,
  qr,
  profile_name,
});

/** Whether it tells nothing new. */
export const isSame = (a: Report | null, b: Report): boolean =>
  a !== null && JSON.stringify(toChanges(a)) === JSON.stringify(toChanges(b));
