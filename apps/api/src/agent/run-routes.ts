import { getRun } from '@potentia/domain/agent/get-run';
import { getUsage } from '@potentia/domain/agent/get-usage';
import { listRuns } from '@potentia/domain/agent/list-runs';
import { listRunsQuery, runDetails, runPage, runPath, usage, usageQuery } from '@potentia/domain/agent/usage-schemas';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const RUNS = '/api/v1/agent/runs';
const tags = ['agent'];

/** The ledger, to read: what was done for a turn and why, and what that cost. */
export function runRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listRuns',
    tags,
    access: 'person',
    summary: 'Your runs, the newest first',
    description: 'A run is what became of one turn. They are yours alone, whichever workspace paid.',
    querystring: listRunsQuery,
    ok: { 200: runPage },
  });
  app.get(RUNS, { schema: listSchema }, (request) => listRuns(userCtx(context, request), request.query));

  const getSchema = operation({
    operationId: 'getRun',
    tags,
    access: 'person',
    summary: 'One run: its steps, its tool calls, and everything that stood in its prompts',
    params: runPath,
    ok: { 200: runDetails },
    problems: [404],
  });
  app.get(`${RUNS}/:run_id`, { schema: getSchema }, (request) => getRun(userCtx(context, request), request.params));

  const usageSchema = operation({
    operationId: 'getUsage',
    tags,
    access: 'person',
    summary: 'What a workspace used, by day, kind of step and model, and how that stands to its quota',
    description: 'Of your personal space, or of a workspace that you are an admin of. Days and months are of UTC.',
    querystring: usageQuery,
    ok: { 200: usage },
    problems: [404],
  });
  app.get('/api/v1/usage', { schema: usageSchema }, (request) => getUsage(userCtx(context, request), request.query));
}
