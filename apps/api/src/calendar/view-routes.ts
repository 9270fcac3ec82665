import { syncPage, syncQuery } from '@potentia/domain/calendar/sync-schemas';
import { syncSchedules } from '@potentia/domain/calendar/sync-schedules';
import { viewPage, viewQuery } from '@potentia/domain/calendar/view-schemas';
import { viewSchedules } from '@potentia/domain/calendar/view-schedules';
import { Counter } from 'prom-client';
import type { ApiContext } from '../context.ts';
import { sendJson } from '../platform/etag.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const tags = ['views'];

/** What somebody sees of all calendars together, and how a client keeps a copy of it. */
export function viewRoutes(app: App, context: ApiContext): void {
  viewRoute(app, context);
  syncRoute(app, context);
}

function viewRoute(app: App, context: ApiContext): void {
  // Many that were expanded mean that materialising is behind, or that people look far ahead or back.
  const occurrences = new Counter({
    name: 'potentia_view_occurrences_total',
    help: 'Occurrences of views, by where they came from: stored instances, or a series expanded on read',
    labelNames: ['source'],
    registers: [context.health.registry],
  });
  const schema = operation({
    operationId: 'viewSchedules',
    tags,
    access: 'person',
    scope: 'calendar:read',
    summary: 'The occurrences of everything that you may see in a window of time, the earliest first',
    description:
      'Those of the calendars that you subscribe to and do not hide, of all workspaces, and of schedules that you are a guest ' +
      'of, hidden or not. What overlaps the window is in it. Right from the moment of a write. Where you see only that somebody ' +
      'is busy, an item is a block without a title. `description` and the rest of a schedule: `GET /schedules/{schedule_id}`. ' +
      'A page may be short, also an empty one: go on until `next_cursor` is null. `view.too_large`: ask for a shorter window.',
    querystring: viewQuery,
    ok: { 200: viewPage },
    problems: [404],
  });
  app.get('/api/v1/view/schedules', { schema }, async (request, reply) => {
    const { json, read } = await viewSchedules(userCtx(context, request), request.query);
    occurrences.inc({ source: 'instances' }, read.instances);
    occurrences.inc({ source: 'expanded' }, read.expanded);
    return sendJson(reply, json);
  });
}

function syncRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'syncSchedules',
    tags,
    access: 'person',
    scope: 'calendar:read',
    summary: 'Everything that you may see in a window of days around today, and later what changed',
    description:
      'First without a token: pages, each by the `next_cursor` of the one before, and with the last a `sync_token`. Later with ' +
      'that: what changed since, and what came into the window as the days went by. Of each page take in this order ' +
      '`calendars_removed`, `removed`, `changed`, `entered`, `busy`; then drop what ended before `window.from`. 409 ' +
      '`sync.token_expired`: begin anew.',
    querystring: syncQuery,
    ok: { 200: syncPage },
    problems: [409],
  });
  app.get('/api/v1/sync/schedules', { schema }, (request) => syncSchedules(userCtx(context, request), request.query));
}
