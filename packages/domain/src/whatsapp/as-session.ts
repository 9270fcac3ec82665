import type { SessionRow } from '@potentia/db/whatsapp/session-queries';
import type { WhatsappSession } from './session-schemas.ts';

/** A card as it is shown: Postgres wrote what the schemas let in. */
export const asSession = (row: SessionRow): WhatsappSession => row as WhatsappSession;
