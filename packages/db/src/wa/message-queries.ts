import { callOne, type Queryable } from '../client.ts';

/** What these answer has the shapes of packages/domain/src/whatsapp/schemas.ts; each sees one session. */
export interface MessageFilter {
  session_id: string;
  chat_id?: string | undefined;
  direction?: 'in' | 'out' | undefined;
  status?: string | undefined;
  /** The last of the page before; `at` counts where there is a chat. */
  before?: { at: string; seq: number } | undefined;
  limit: number;
}

export interface ListedMessage<Message> {
  message: Message;
  at: string;
  seq: number;
}

/** The newest first: of a chat by the time of the message, else by when it came to us. */
export function listMessages<Message>(db: Queryable, filter: MessageFilter): Promise<ListedMessage<Message>[]> {
  const { session_id, chat_id, direction, status, before, limit } = filter;
  const params = [session_id, chat_id ?? null, direction ?? null, status ?? null];
  return answer(db, 'select wa.list_messages($1, $2, $3, $4, $5, $6, $7) as answer', [
    ...params,
    before?.at ?? null,
    before?.seq ?? null,
    limit,
  ]);
}

/** By the row's id or WhatsApp's. Null: there is none. */
export const getMessage = <Message>(db: Queryable, session_id: string, message_id: string): Promise<Message | null> =>
  answer(db, 'select wa.get_message($1, $2) as answer', [session_id, message_id]);

export interface MessageMedia<Media> {
  media: Media;
  /** Null: it is not stored. */
  object_key: string | null;
  error: string | null;
}

/** Null: no such message, or none with media. */
export const getMessageMedia = <Media>(
  db: Queryable,
  session_id: string,
  message_id: string,
): Promise<MessageMedia<Media> | null> =>
  answer(db, 'select wa.get_message_media($1, $2) as answer', [session_id, message_id]);

export interface ListedChat<Chat, Message> {
  chat: Chat;
  unread: number;
  last_message_at: string;
  last_message: Message | null;
}

/** The latest first; `before` is the last of the page before. */
export const listChats = <Chat, Message>(
  db: Queryable,
  session_id: string,
  before: { at: string; id: string } | undefined,
  limit: number,
): Promise<ListedChat<Chat, Message>[]> =>
  answer(db, 'select wa.list_chats($1, $2, $3, $4) as answer', [
    session_id,
    before?.at ?? null,
    before?.id ?? null,
    limit,
  ]);

/** In the order in which they were met. */
export const listContacts = <Contact>(
  db: Queryable,
  session_id: string,
  after_id: string | undefined,
  limit: number,
): Promise<Contact[]> =>
  answer(db, 'select wa.list_contacts($1, $2, $3) as answer', [session_id, after_id ?? null, limit]);

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;
