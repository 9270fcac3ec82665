import { exportMarkdown } from '@potentia/domain/canvas/export-markdown';
import { importMarkdown } from '@potentia/domain/canvas/import-markdown';
import { importMarkdownBody, type MutationResult, mutationResult } from '@potentia/domain/canvas/schemas';
import { AppError } from '@potentia/domain/platform/errors';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { bodyText } from '../platform/validation.ts';
import { CANVAS, canvasPath } from './paths.ts';

const tags = ['markdown'];
/** Bytes of a document to import. */
const IMPORT_LIMIT = 2_097_152;

/** Markdown in and out. Register in a scope of its own: text bodies are read here and nowhere else. */
export function markdownRoutes(app: App, context: ApiContext): void {
  app.addContentTypeParser<Buffer>(['text/markdown', 'text/plain'], { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, { markdown: bodyText(body) });
  });
  importRoute(app, context);

  const schema = operation({
    operationId: 'exportMarkdown',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'The canvas as Markdown',
    params: canvasPath,
    ok: { 200: { description: 'The document.', content: { 'text/markdown': { schema: z.string() } } } },
    problems: [404, 409],
  });
  app.get(`${CANVAS}/export`, { schema }, async (request, reply) => {
    const { title, markdown } = await exportMarkdown(userCtx(context, request), request.params);
    reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(title || 'canvas')}.md`);
    return reply.type('text/markdown; charset=utf-8').send(markdown);
  });
}

function importRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'importMarkdown',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Add the blocks of a Markdown document to a canvas',
    description: 'As `text/markdown` it goes to the end; as JSON it may name its place. One import is one mutation.',
    consumes: ['application/json', 'text/markdown'],
    params: canvasPath,
    body: importMarkdownBody,
    ok: { 201: mutationResult },
    problems: [403, 404, 409, 422],
  });
  app.post(`${CANVAS}/import`, { schema, bodyLimit: IMPORT_LIMIT }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const result = await importMarkdown(ctx, { ...request.body, ...request.params }).catch(asKeyReused(ctx));
    if (result.replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).send(result);
  });
}

/** An import's mutation id comes from the Idempotency-Key, so what was reused with another document is the key. */
const asKeyReused =
  (ctx: { idempotency_key?: string }) =>
  (error: unknown): MutationResult => {
    if (ctx.idempotency_key === undefined || !(error instanceof AppError) || error.code !== 'canvas.mutation_reused')
      throw error;
    throw new AppError('conflict', 'idempotency.key_reused', 'This Idempotency-Key was used for another request');
  };
