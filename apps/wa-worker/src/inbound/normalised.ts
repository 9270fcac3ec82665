import type { proto } from '@whiskeysockets/baileys';
import type { ItemMedia } from './item.ts';

/** The content of a message as our API has it. */
export interface Normalised {
  type: string;
  content: Record<string, unknown>;
  quoted_message_id?: string;
  media?: ItemMedia;
  /** ISO 8601: when it differs from the time of the stanza. */
  at?: string;
}

/** One kind of content, or undefined for the next to try. */
export type Family = (message: proto.IMessage) => Normalised | undefined;
