import {
  listMessagesQuery,
  messagePage,
  messageRef,
  sendMessageBody,
  whatsappMessageAnswer,
} from '@potentia/domain/whatsapp/door-schemas';
import { getMessage } from '@potentia/domain/whatsapp/get-message';
import { listMessages } from '@potentia/domain/whatsapp/list-messages';
import { sendMessage } from '@potentia/domain/whatsapp/send-message';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { SESSION } from './paths.ts';

const tags = ['whatsapp'];
const MESSAGES = `${SESSION}/messages`;
const asReader = { tags, access: { session: 'member' }, scope: 'whatsapp:read' } as const;
/** A worker has 2 s to take a message, twice when the session has moved. */
const SEND_DEADLINE_MS = 8_000;

/** What a session sent and received, and what it is to send. */
export function messageRoutes(app: App, context: ApiContext): void {
  sendRoute(app, context);

  const listSchema = operation({
    ...asReader,
    operationId: 'listWhatsappMessages',
    summary: 'Messages of a session, or of one chat, the newest first',
    description: 'Edits and deletions show in what they changed. What still waits for a worker is not in it.',
    params: sessionRef,
    querystring: listMessagesQuery,
    ok: { 200: messagePage },
    problems: [404],
  });
  app.get(MESSAGES, { schema: listSchema }, (request) =>
    listMessages(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const getSchema = operation({
    ...asReader,
    operationId: 'getWhatsappMessage',
    summary: 'One message, and how far it is',
    params: messageRef,
    ok: { 200: whatsappMessageAnswer },
    problems: [404],
  });
  app.get(`${MESSAGES}/:message_id`, { schema: getSchema }, (request) =>
    getMessage(userCtx(context, request), request.params),
  );
}

function sendRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'sendWhatsappMessage',
    tags,
    access: { session: 'member' },
    scope: 'whatsapp:write',
    summary: 'Send a message',
    description:
      'Text, media, location, contact, poll, reaction, edit or deletion. 202: it is kept where nothing loses it, and goes out once, in the ' +
      'order of its chat, as fast as the settings of the session allow; `GET …/messages/{message_id}`, events and webhooks tell how far it is. ' +
      'Send an `Idempotency-Key`: in one session the same key is one message, whoever asks, for good.',
    headers: [
      {
        name: 'Idempotency-Key',
        description: 'Of your choice; it fixes the `message_id`. With another body: 409 `whatsapp.key_reused`.',
      },
    ],
    params: sessionRef,
    body: sendMessageBody,
    ok: { 202: whatsappMessageAnswer },
    problems: [404, 409],
  });
  app.post(MESSAGES, { schema, config: { deadline_ms: SEND_DEADLINE_MS } }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { answer, replayed } = await sendMessage(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    const { session_id, message_id } = answer;
    reply.code(202).header('location', `${MESSAGES.replace(':session_id', session_id)}/${message_id}`);
    return answer;
  });
}
