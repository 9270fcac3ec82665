import { Readable } from 'node:stream';
import { getChatSettings } from '@potentia/domain/chat/chat-settings';
import { createMemory } from '@potentia/domain/chat/create-memory';
import { deleteAll, deleteMemory } from '@potentia/domain/chat/delete-memory';
import { exportMemories } from '@potentia/domain/chat/export-memories';
import { forgetEverything } from '@potentia/domain/chat/forget-everything';
import { getMemory, getMemoryHistory } from '@potentia/domain/chat/get-memory';
import { listMemories } from '@potentia/domain/chat/list-memories';
import {
  createMemoryBody,
  deletedMemories,
  deleteMemoryQuery,
  forgetEverythingBody,
  forgottenEverything,
  listMemoriesQuery,
  type Memory,
  memory,
  memoryExport,
  memoryHistory,
  memoryPage,
  memoryPath,
  rememberedMemory,
  updateMemoryBody,
} from '@potentia/domain/chat/memory-schemas';
import { updateMemory } from '@potentia/domain/chat/update-memory';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const tags = ['memory'];
const access = 'person';
const MEMORIES = '/api/v1/memories';
const MEMORY = `${MEMORIES}/:memory_id`;
/** Milliseconds that one export may take. */
const EXPORT_DEADLINE = 60_000;

/** What is remembered of a person: theirs to read, write, correct, take along and forget. */
export function memoryRoutes(app: App, context: ApiContext): void {
  listRoutes(app, context);
  writeRoutes(app, context);
  deleteRoutes(app, context);
  exportRoute(app, context);
  forgetRoute(app, context);
}

function listRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listMemories',
    tags,
    access,
    summary: 'What is remembered of you, the newest first',
    description:
      'Facts, preferences and rules, which every answer knows, and memories, which come up when they matter. `valid_at` and ' +
      '`known_at` together read them as they were: what held at one time, as far as it was known at another.',
    querystring: listMemoriesQuery,
    ok: { 200: memoryPage },
  });
  app.get(MEMORIES, { schema: listSchema }, (request) => listMemories(userCtx(context, request), request.query));

  const getSchema = operation({
    operationId: 'getMemory',
    tags,
    access,
    summary: 'One memory, and where it comes from',
    params: memoryPath,
    ok: { 200: memory },
    problems: [404],
  });
  app.get(MEMORY, { schema: getSchema }, async (request, reply) => {
    const row = await getMemory(userCtx(context, request), request.params);
    return reply.header('etag', versionTag(row.version)).send(row);
  });

  const historySchema = operation({
    operationId: 'getMemoryHistory',
    tags,
    access,
    summary: 'What it took the place of, and what took its place',
    params: memoryPath,
    ok: { 200: memoryHistory },
    problems: [404],
  });
  app.get(`${MEMORY}/history`, { schema: historySchema }, (request) =>
    getMemoryHistory(userCtx(context, request), request.params),
  );
}

function writeRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createMemory',
    tags,
    access,
    summary: 'Have something remembered',
    description:
      'What says the same as something known, in whatever words, changes nothing and answers 200 with that. Relative dates ' +
      '("tomorrow") get the day that they mean. At most 5,000 memories, 500 preferences, rules and facts, 50 pinned.',
    body: createMemoryBody,
    ok: { 200: rememberedMemory, 201: rememberedMemory },
    problems: [404, 409, 422],
  });
  app.post(MEMORIES, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createMemory(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.header('etag', versionTag(result.memory.version));
    return reply.code(result.outcome === 'known' ? 200 : 201).send(result);
  });

  const updateSchema = operation({
    operationId: 'updateMemory',
    tags,
    access,
    summary: 'Correct or pin a memory',
    description:
      'In its place: what it said before is gone. A stale `version` answers 409, a stale If-Match 412, with the current one.',
    params: memoryPath,
    body: updateMemoryBody,
    ok: { 200: memory },
    problems: [404, 409, 412],
  });
  app.patch(MEMORY, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const row = await updateMemory(userCtx(context, request), { ...request.body, ...request.params, expected_version });
    return reply.header('etag', versionTag(row.version)).send(row);
  });
}

function deleteRoutes(app: App, context: ApiContext): void {
  const deleteSchema = operation({
    operationId: 'deleteMemory',
    tags,
    access,
    summary: 'Delete a memory',
    description:
      'For good, with all that it took the place of, out of every index; or undo it with `restore_previous`.',
    params: memoryPath,
    querystring: deleteMemoryQuery,
    ok: { 204: noContent('Deleted.') },
    problems: [404],
  });
  app.delete(MEMORY, { schema: deleteSchema }, async (request, reply) => {
    await deleteMemory(userCtx(context, request), { ...request.params, ...request.query });
    return reply.code(204).send();
  });

  const deleteAllSchema = operation({
    operationId: 'deleteAllMemories',
    tags,
    access,
    summary: 'Delete all memories, with their history',
    description: 'Messages stay; to forget those too, see `/memory/forget-everything`.',
    ok: { 200: deletedMemories },
  });
  app.delete(MEMORIES, { schema: deleteAllSchema }, (request) => deleteAll(userCtx(context, request)));
}

function exportRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'exportMemories',
    tags,
    access,
    summary: 'All memories as one JSON document, with their history',
    ok: { 200: memoryExport },
  });
  // No HEAD: it would read all of it, to throw it away.
  app.get('/api/v1/memory/export', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const { is_memory_enabled } = await getChatSettings(ctx);
    const pages = exportMemories(ctx);
    const first = await pages.next();
    const head = { exported_at: ctx.clock().toISOString(), is_memory_enabled };
    const signal = AbortSignal.timeout(EXPORT_DEADLINE);
    const text = Readable.from(exportText(head, first.value ?? [], pages), { objectMode: false, signal });
    reply.header('content-disposition', 'attachment; filename="memories.json"');
    return reply.type('application/json; charset=utf-8').send(text);
  });
}

async function* exportText(head: object, first: Memory[], rest: AsyncIterable<Memory[]>): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"memories":[${jsonItems(first)}`;
  for await (const page of rest) if (page.length > 0) yield `,${jsonItems(page)}`;
  yield ']}';
}

const jsonItems = (items: Memory[]): string => items.map((item) => JSON.stringify(item)).join(',');

function forgetRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'forgetEverything',
    tags,
    access,
    summary: 'Forget everything that was ever said',
    description:
      'Contexts, messages, memories, what turns and tools held of them, and all indexes. What was used stays as numbers; calendars ' +
      'and canvases stay. Much of it goes on after the answer (202), and `memory.forgotten` on `/ws/me` says when it is done. ' +
      'There is no way back.',
    body: forgetEverythingBody,
    ok: { 200: forgottenEverything, 202: forgottenEverything },
  });
  app.post('/api/v1/memory/forget-everything', { schema }, async (request, reply) => {
    const forgotten = await forgetEverything(userCtx(context, request), request.body);
    return reply.code(forgotten.state === 'done' ? 200 : 202).send(forgotten);
  });
}
