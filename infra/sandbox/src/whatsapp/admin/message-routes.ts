import type { FastifyInstance, FastifyReply } from 'fastify';
import type { PhoneContent } from '../content.ts';
import type { MediaContent, MediaKind } from '../media-content.ts';
import type { Phone, PhoneMessage, SendOptions, TypingState } from '../phone.ts';
import { type Admin, PHONE } from './admin.ts';
import { viewMessages } from './message-view.ts';
import { badField, notFound } from './refusal.ts';
import { sampleOf } from './samples.ts';
import { messageBody, messagesQuery, readBody, typingBody } from './schemas.ts';

interface ContactInput {
  name: string;
  phone?: string;
  vcard?: string;
}

type MediaInput = Omit<MediaContent, 'bytes' | 'reference'> & { bytes?: string };
type ContentInput =
  | { kind: 'contact' | 'contacts' | MediaKind }
  | Exclude<PhoneContent, string | MediaContent | { kind: 'contact' | 'contacts' | 'raw' }>;

interface MessageInput extends SendOptions {
  to: string;
  content: ContentInput;
}

interface MessagesQuery {
  chat?: string;
  after?: string;
  wait_ms: number;
  limit: number;
}

/** Files come as base64. */
const BODY_LIMIT = 64 * 1024 * 1024;

const digits = (number: string): string => number.replace(/\D/g, '');
const chatName = (chat: string): string => (chat.endsWith('@g.us') ? chat : digits(chat));

function withCard({ name, phone, vcard }: ContactInput): { name: string; vcard: string } {
  const number = phone === undefined ? [] : [`TEL;type=CELL;waid=${digits(phone)}:+${digits(phone)}`];
  const lines = ['BEGIN:VCARD', 'VERSION:3.0', `N:;${name};;;`, `FN:${name}`, ...number, 'END:VCARD'];
  return { name, vcard: vcard ?? lines.join('\n') };
}

function withFile(input: MediaInput): MediaContent {
  const { bytes, ...rest } = input;
  if (bytes !== undefined) return { ...rest, bytes: Buffer.from(bytes, 'base64') };
  const sample = sampleOf(input.kind);
  if (!sample) throw badField('body/content/bytes', `must be given: there is no sample of the kind ${input.kind}`);
  return { ...sample, ...rest };
}

function contentOf(input: ContentInput): PhoneContent {
  switch (input.kind) {
    case 'contact':
      return { kind: 'contact', ...withCard(input as ContactInput & { kind: 'contact' }) };
    case 'contacts':
      return { kind: 'contacts', contacts: (input as unknown as { contacts: ContactInput[] }).contacts.map(withCard) };
    case 'image':
    case 'video':
    case 'audio':
    case 'voice':
    case 'document':
    case 'sticker':
      return withFile(input as MediaInput);
    default:
      return input;
  }
}

/** Throws unless what a message names is in the chat. */
function checkReferences(phone: Phone, chat: string, { content, quoted }: MessageInput): void {
  const find = (id: string): PhoneMessage | undefined =>
    phone.messages().find((message) => message.chat === chat && message.id === id);
  if (quoted !== undefined && !find(quoted)) throw badField('body/quoted', 'The chat has no such message');
  if (!('id' in content)) return;
  const named = find(content.id);
  if (!named) throw badField('body/content/id', 'The chat has no such message');
  if (content.kind === 'poll_vote' && named.kind !== 'poll') throw badField('body/content/id', 'That is no poll');
}

/** What is written on a phone and what arrives there. */
export function registerMessageRoutes(app: FastifyInstance, admin: Admin): void {
  const { running, phoneOf } = admin;

  /** The chat's name as the phone knows it. Throws when there is nobody, and no such group. */
  function chatOf(phone: Phone, field: string, named: string): string {
    const chat = chatName(named);
    const { server } = running();
    if (chat.endsWith('@g.us')) {
      if (server.groups(phone.number).some(({ id }) => id === chat)) return chat;
      throw badField(field, 'The phone is in no such group');
    }
    if (chat === phone.number) throw badField(field, 'That is the phone itself');
    if (!server.phone(chat)) throw badField(field, `Nobody has the number ${named}`);
    return chat;
  }

  app.post<{ Body: MessageInput }>(
    `${PHONE}/messages`,
    {
      schema: { body: messageBody },
      bodyLimit: BODY_LIMIT,
      // A text may stand for itself.
      preValidation: (request, _reply, done) => {
        const body = request.body as { content?: unknown } | undefined;
        if (typeof body?.content === 'string') body.content = { kind: 'text', text: body.content };
        done();
      },
    },
    async (request, reply) => {
      const phone = phoneOf(request);
      const { to, content, ...options } = request.body;
      const chat = chatOf(phone, 'body/to', to);
      checkReferences(phone, chat, request.body);
      const { id } = await phone.send(chat, contentOf(content), options);
      const shown = phone.messages().filter((message) => message.chat === chat && message.id === id);
      return reply.code(201).send(viewMessages(phone, shown)[0] ?? { id });
    },
  );

  app.get<{ Querystring: MessagesQuery }>(
    `${PHONE}/messages`,
    { schema: { querystring: messagesQuery } },
    async (request) => {
      const phone = phoneOf(request);
      return { items: viewMessages(phone, await messagesAfter(phone, request.query)) };
    },
  );

  app.get<{ Params: { number: string; id: string } }>(`${PHONE}/messages/:id/media`, (request, reply) =>
    sendMedia(phoneOf(request), request.params.id, reply),
  );

  app.get(`${PHONE}/undecryptable`, (request) => ({ items: phoneOf(request).undecryptable() }));
  app.get(`${PHONE}/chats`, (request) => ({ items: listChats(phoneOf(request), admin) }));

  app.post<{ Body: { chat: string; ids?: string[] } }>(
    `${PHONE}/read`,
    { schema: { body: readBody } },
    (request, reply) => {
      const phone = phoneOf(request);
      const { chat, ids } = request.body;
      phone.read(chatOf(phone, 'body/chat', chat), ids);
      return reply.code(204).send();
    },
  );

  app.get(`${PHONE}/typing`, (request) => ({ items: phoneOf(request).typingSeen() }));
  app.post<{ Body: { to: string; state: TypingState } }>(
    `${PHONE}/typing`,
    { schema: { body: typingBody } },
    (request, reply) => {
      const phone = phoneOf(request);
      phone.typing(chatOf(phone, 'body/to', request.body.to), request.body.state);
      return reply.code(204).send();
    },
  );
}

/** Those that came after the one that is named; when there are none, the next that arrives within `wait_ms`. */
async function messagesAfter(phone: Phone, query: MessagesQuery): Promise<PhoneMessage[]> {
  const { after, wait_ms, limit } = query;
  const chat = query.chat === undefined ? undefined : chatName(query.chat);
  const all = (): PhoneMessage[] => phone.messages().filter((message) => chat === undefined || message.chat === chat);
  const before = all();
  const known = after === undefined ? -1 : before.findIndex(({ id }) => id === after);
  if (after !== undefined && known < 0) throw badField('querystring/after', 'There is no such message');
  const found = before.slice(known + 1);
  if (found.length > 0 || wait_ms === 0) return after === undefined ? found.slice(-limit) : found.slice(0, limit);
  const seen = new Set(before);
  const isNew = (message: PhoneMessage): boolean => !seen.has(message) && (chat === undefined || message.chat === chat);
  const arrived = await phone.waitFor(isNew, wait_ms).catch(() => null);
  return arrived ? [arrived] : [];
}

const SHOWN_IN_PAGES = /^(image\/(png|jpeg|gif|webp)|audio\/[\w.+-]+|video\/[\w.+-]+)$/;

function sendMedia(phone: Phone, id: string, reply: FastifyReply): FastifyReply {
  const message = phone.messages().find((one) => one.id === id);
  if (!message) throw notFound('There is no such message.');
  const [{ media } = { media: null }] = viewMessages(phone, [message]);
  if (!media) throw notFound('The message brought no media.');
  const type = media.mime_type.split(';')[0] ?? '';
  // Whatever somebody sends must not run as a page of the sandbox.
  return reply
    .headers({
      'content-type': SHOWN_IN_PAGES.test(type) ? media.mime_type : 'application/octet-stream',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'content-disposition': SHOWN_IN_PAGES.test(type) ? 'inline' : 'attachment',
    })
    .send(readMedia(phone, message));
}

function readMedia(phone: Phone, message: PhoneMessage): Buffer {
  try {
    return phone.media(message);
  } catch (error) {
    throw notFound(`The file cannot be had: ${(error as Error).message}.`);
  }
}

/** The chats of a phone, the latest first, with who is writing in them. */
function listChats(phone: Phone, { running }: Admin) {
  const { server } = running();
  const groups = server.groups(phone.number);
  const by_chat = Map.groupBy(phone.messages(), ({ chat }) => chat);
  for (const { id } of groups) if (!by_chat.has(id)) by_chat.set(id, []);
  const typing = Map.groupBy(phone.typingSeen(), ({ chat }) => chat);
  const chats = [...by_chat].map(([chat, messages]) => {
    const last = messages.at(-1);
    const latest = new Map((typing.get(chat) ?? []).map((one) => [one.from, one]));
    const writing = [...latest.values()].filter(({ state, at }) => state !== 'paused' && at > (last?.at ?? ''));
    return {
      chat,
      name: groups.find(({ id }) => id === chat)?.subject ?? server.phone(chat)?.name ?? chat,
      is_group: chat.endsWith('@g.us'),
      messages: messages.length,
      last: last ? { text: last.text, kind: last.kind, at: last.at } : null,
      typing: writing.map(({ from, state }) => ({ from, state })),
    };
  });
  return chats.sort((a, b) => (b.last?.at ?? '').localeCompare(a.last?.at ?? ''));
}
