import { DbUnavailableError } from '@potentia/db/errors';
import { AppError } from '@potentia/domain/platform/errors';
import { LogEndedError } from '../state/session-log.ts';
import { UnsendableError } from './content.ts';

/** What follows when a message could not be handed over. */
export type Consequence =
  /** It will never be sent. */
  | { next: 'fail'; code: string }
  /** Not its fault, nor the other end's: it waits until the connection, Postgres or the store is there again. */
  | { next: 'wait' }
  /** WhatsApp did not help; a few times more. */
  | { next: 'retry'; code: string };

/** Of a Boom, as Baileys makes them: `data` is the code that the server answered. */
interface Refusal {
  output?: { statusCode?: unknown };
  data?: unknown;
}

/** Closed, or about to be. */
const CLOSED = new Set([401, 428]);

export function consequenceOf(error: unknown, kind: 'person' | 'group'): Consequence {
  if (error instanceof UnsendableError) return { next: 'fail', code: error.code };
  if (error instanceof LogEndedError || error instanceof DbUnavailableError) return { next: 'wait' };
  if (error instanceof AppError) return { next: 'wait' };
  const { output, data } = (error ?? {}) as Refusal;
  if (CLOSED.has(Number(output?.statusCode))) return { next: 'wait' };
  if (kind === 'group' && data === 404) return { next: 'fail', code: 'whatsapp.group_not_found' };
  if (kind === 'group' && data === 403) return { next: 'fail', code: 'whatsapp.not_in_group' };
  return { next: 'retry', code: 'whatsapp.unsendable' };
}
