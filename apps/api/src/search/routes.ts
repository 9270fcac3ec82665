import { searchPage, searchQuery } from '@potentia/domain/search/schemas';
import { search } from '@potentia/domain/search/search';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

/** `/api/v1/search` */
export function searchRoutes(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'search',
    tags: ['search'],
    access: 'person',
    scope: 'canvas:read',
    summary: 'Blocks and titles by their words, in everything that you may see, best first',
    description:
      'English and Indonesian, whatever the form of a word; the last word may be unfinished. Nothing of the trash; archived ' +
      'canvases with `include_archived`. A filter that names what you may not see finds nothing.',
    querystring: searchQuery,
    ok: { 200: searchPage },
  });
  app.get('/api/v1/search', { schema }, (request) =>
    search(userCtx(context, request), { ...request.query, types: request.query.types?.join(',') }),
  );
}
