import { searchMemory } from '@potentia/domain/chat/search-memory';
import { memorySearch, searchMemoryBody } from '@potentia/domain/chat/search-schemas';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

/** Finding what was said. Nobody finds what another person said or was told. */
export function memorySearchRoutes(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'searchMemory',
    tags: ['memory'],
    access: 'person',
    summary: 'Messages of your own history that have to do with a question, best first',
    description:
      'By words in English, Indonesian or any other language, and by meaning where a model makes vectors. A message is also found by ' +
      'what stands around it, an answer by its question; among equals the newer comes first. A new message is found within a second.',
    body: searchMemoryBody,
    ok: { 200: memorySearch },
    problems: [404],
  });
  app.post('/api/v1/memory/search', { schema }, (request) => searchMemory(userCtx(context, request), request.body));
}
