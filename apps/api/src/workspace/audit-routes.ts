import { Readable } from 'node:stream';
import { auditFilter, auditPage, listAuditLogsQuery } from '@potentia/domain/platform/audit-schemas';
import { exportAuditLogs } from '@potentia/domain/platform/export-audit-logs';
import { listAuditLogs } from '@potentia/domain/platform/list-audit-logs';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from './paths.ts';

const tags = ['audit'];
const AUDIT_LOGS = `${WORKSPACE}/audit-logs`;
/** Milliseconds that one export may take: a client that reads a byte a minute is not reading. */
const EXPORT_DEADLINE = 600_000;
const NDJSON = 'application/x-ndjson';

/** Who did what to what: read and exported by admins, written by whatever does it. */
export function auditRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listAuditLogs',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'Who did what, newest first',
    params: workspacePath,
    querystring: listAuditLogsQuery,
    ok: { 200: auditPage },
    problems: [403, 404],
  });
  app.get(AUDIT_LOGS, { schema: listSchema }, (request) =>
    listAuditLogs(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const exportSchema = operation({
    operationId: 'exportAuditLogs',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'The same as NDJSON, an entry a line, without pages',
    description: 'An export that cannot go on ends its connection without the final chunk: what came is not all.',
    params: workspacePath,
    querystring: auditFilter,
    ok: { 200: { description: 'One `AuditEntry` a line', content: { [NDJSON]: { schema: z.string() } } } },
    problems: [403, 404],
  });
  // No HEAD: it would read all of it, to throw it away.
  app.get(`${AUDIT_LOGS}/export`, { schema: exportSchema, exposeHeadRoute: false }, async (request, reply) => {
    const pages = exportAuditLogs(userCtx(context, request), { ...request.query, ...request.params });
    // Read before the status is sent, so that a refusal is one.
    const first = await pages.next();
    const signal = AbortSignal.timeout(EXPORT_DEADLINE);
    const text = Readable.from(joined(first.value ?? '', pages), { objectMode: false, signal });
    reply.header('content-disposition', 'attachment; filename="audit-logs.ndjson"');
    return reply.type(`${NDJSON}; charset=utf-8`).send(text);
  });
}

async function* joined(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
