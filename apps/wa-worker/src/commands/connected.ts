import { AppError } from '@potentia/domain/platform/errors';
import type { WASocket } from '@whiskeysockets/baileys';
import type { HeldSession } from '../session/parts.ts';
import type { OutputGate } from '../state/output-gate.ts';

/** The socket of a session that is logged in. Throws AppError `unavailable` `whatsapp.not_connected`. */
export function connected({ sock, gate, is_sending }: HeldSession): { sock: WASocket; gate: OutputGate } {
  if (sock && gate && is_sending) return { sock, gate };
  throw new AppError('unavailable', 'whatsapp.not_connected', 'The session is not connected to WhatsApp.', {
    retry_after_ms: 2_000,
  });
}
