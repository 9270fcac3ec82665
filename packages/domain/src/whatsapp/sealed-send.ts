import { z } from 'zod';
import type { Sealer } from '../platform/seal.ts';
import { sendMessageInput, type SendMessageInput } from './schemas.ts';

/** A message as it waits for a worker: nobody reads it in a table or a backup. */
const waiting = z.object({ idempotency_key: z.string(), message: sendMessageInput });

const purposeOf = (session_id: string): string => `whatsapp.send:${session_id}`;

export const sealSend = (
  sealer: Sealer,
  { session_id, ...send }: { session_id: string; idempotency_key: string; message: SendMessageInput },
): string => sealer.seal(JSON.stringify(send), purposeOf(session_id));

/** Throws `SealError`. */
export const openSend = (
  sealer: Sealer,
  { session_id, request }: { session_id: string; request: string },
): z.output<typeof waiting> => waiting.parse(JSON.parse(sealer.open(request, purposeOf(session_id))));
