import { Readable } from 'node:stream';
import { exportChat } from '@potentia/domain/chat/export-chat';
import { importMessages } from '@potentia/domain/chat/import-messages';
import {
  IMPORT_BODY_LIMIT,
  importMessagesBody,
  importReport,
  importStatus,
} from '@potentia/domain/chat/import-schemas';
import { readImportStatus } from '@potentia/domain/chat/read-import-status';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CHAT, MESSAGES } from './paths.ts';

const tags = ['chat'];
const access = 'person';
const NDJSON = 'application/x-ndjson';
/** Milliseconds that one export may take: a client that reads a byte a minute is not reading. */
const EXPORT_DEADLINE = 600_000;

/** A whole history, in and out. */
export function importRoutes(app: App, context: ApiContext): void {
  importRoute(app, context);
  statusRoute(app, context);
  exportRoute(app, context);
}

function importRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'importMessages',
    tags,
    access,
    summary: 'Take up messages from another system, with their own times',
    description:
      'At most 1,000 messages and 8 MiB a request, 1,000,000 messages a person. Each counts once by (`source`, `external_id`): ' +
      'to send it again changes nothing, and one that says something else by now is reported. They are searchable within ' +
      'seconds (see `/import/status`), and nothing is remembered from them.',
    body: importMessagesBody,
    ok: { 200: importReport },
    problems: [409],
  });
  app.post(`${MESSAGES}/import`, { schema, bodyLimit: IMPORT_BODY_LIMIT }, (request) =>
    importMessages(userCtx(context, request), request.body),
  );
}

function statusRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'readImportStatus',
    tags,
    access,
    summary: 'How far the index has come with your messages',
    ok: { 200: importStatus },
  });
  app.get(`${MESSAGES}/import/status`, { schema }, (request) => readImportStatus(userCtx(context, request)));
}

function exportRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'exportChat',
    tags,
    access,
    summary: 'Everything of your chat as NDJSON',
    description:
      'A line for each context, then one for each message, the oldest first, with what an answer rests on. `message` of a line ' +
      'is what the import takes. An export that cannot go on ends its connection without the final chunk: what came is not all.',
    ok: { 200: { description: 'One context or message a line', content: { [NDJSON]: { schema: z.string() } } } },
  });
  // No HEAD: it would read all of it, to throw it away.
  app.get(`${CHAT}/export`, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const pages = exportChat(userCtx(context, request));
    // Read before the status is sent, so that a refusal is one.
    const first = await pages.next();
    const signal = AbortSignal.timeout(EXPORT_DEADLINE);
    const text = Readable.from(joined(first.value ?? '', pages), { objectMode: false, signal });
    reply.header('content-disposition', 'attachment; filename="chat.ndjson"');
    return reply.type(`${NDJSON}; charset=utf-8`).send(text);
  });
}

async function* joined(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  if (first !== '') yield first;
  for await (const page of rest) if (page !== '') yield page;
}
