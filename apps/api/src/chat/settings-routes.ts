import { getChatSettings, updateChatSettings } from '@potentia/domain/chat/chat-settings';
import { type ChatSettings, chatSettings, updateChatSettingsBody } from '@potentia/domain/chat/context-schemas';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CHAT } from './paths.ts';

const SETTINGS = `${CHAT}/settings`;
const tags = ['chat'];
const access = 'person';

/** What a person chose for their chat. */
export function settingsRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getChatSettings',
    tags,
    access,
    summary: 'Who answers you, whether anything is remembered, and where the conversation is',
    ok: { 200: chatSettings },
  });
  app.get(SETTINGS, { schema: getSchema }, async (request, reply) =>
    sendSettings(reply, await getChatSettings(userCtx(context, request))),
  );

  const updateSchema = operation({
    operationId: 'updateChatSettings',
    tags,
    access,
    summary: 'Fix the role that answers you, or switch the memory off or on',
    description: 'With If-Match only if they are still at that version. Switching the memory off forgets nothing.',
    body: updateChatSettingsBody,
    ok: { 200: chatSettings },
    problems: [404, 412],
  });
  app.patch(SETTINGS, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    return sendSettings(
      reply,
      await updateChatSettings(userCtx(context, request), { ...request.body, expected_version }),
    );
  });
}

const sendSettings = (reply: FastifyReply, settings: ChatSettings): FastifyReply =>
  reply.header('etag', versionTag(settings.version)).send(settings);
