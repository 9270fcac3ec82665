import { Readable } from 'node:stream';
import { type CalendarExport, exportCalendar } from '@potentia/domain/calendar/export-calendar';
import { getFeed } from '@potentia/domain/calendar/get-feed';
import {
  calendarFeed,
  icsCalendarRef,
  importCalendarBody,
  importedCalendar,
  MAX_ICS,
  newCalendarFeed,
} from '@potentia/domain/calendar/ics-schemas';
import { importCalendar } from '@potentia/domain/calendar/import-calendar';
import { openFeed } from '@potentia/domain/calendar/open-feed';
import { revokeFeed } from '@potentia/domain/calendar/revoke-feed';
import { rotateFeed } from '@potentia/domain/calendar/rotate-feed';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { isUnchanged } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { bodyText } from '../platform/validation.ts';

const tags = ['calendars'];
const CALENDAR = '/api/v1/calendars/:calendar_id';
const FEED = `${CALENDAR}/feed`;
const ICS = 'text/calendar';
const access = { calendar: 'freebusy' } as const;
/** Bytes: the text within JSON can take twice as many. */
const IMPORT_LIMIT = 2 * MAX_ICS;
/** Milliseconds that one export may take: a client that reads a byte a minute is not reading. */
const EXPORT_DEADLINE = 300_000;

/** iCalendar in and out. Register in a scope of its own: text bodies are read here and nowhere else. */
export function icsRoutes(app: App, context: ApiContext): void {
  app.addContentTypeParser<Buffer>([ICS, 'text/plain'], { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, { ics: bodyText(body) });
  });
  importRoute(app, context);
  exportRoute(app, context);
  feedRoutes(app, context);
  openFeedRoute(app, context);
}

function importRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'importCalendar',
    tags,
    access: { calendar: 'editor' },
    scope: 'calendar:write',
    summary: 'Take over the events of an iCalendar file',
    description:
      'By their UID: the same file again changes nothing. What cannot be taken over is named in `problems` and keeps nothing ' +
      'else back. Guests and alarms come with events that are new, and those guests are not told; whom you invited here hears what ' +
      'a newer file changes.',
    consumes: ['application/json', ICS],
    params: icsCalendarRef,
    body: importCalendarBody,
    ok: { 200: importedCalendar },
    problems: [404, 409],
  });
  app.post(`${CALENDAR}/import`, { schema, bodyLimit: IMPORT_LIMIT }, (request) =>
    importCalendar(userCtx(context, request), { ...request.body, ...request.params }),
  );
}

const icsText = { description: 'The calendar.', content: { [ICS]: { schema: z.string() } } };

function exportRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'exportCalendar',
    tags,
    access,
    scope: 'calendar:read',
    summary: 'A calendar as iCalendar (RFC 5545)',
    description: 'As much as you may see: with free/busy alone, times without titles. Of the reminders your own.',
    params: icsCalendarRef,
    ok: { 200: icsText, 304: noContent('You have it as it is.') },
    problems: [404],
  });
  // No HEAD: it would read all of it, to throw it away.
  app.get(`${CALENDAR}/export`, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const calendar = await exportCalendar(userCtx(context, request), request.params);
    return sendIcs(request, reply, calendar);
  });
}

function feedRoutes(app: App, context: ApiContext): void {
  const rotateSchema = operation({
    operationId: 'rotateFeed',
    tags,
    access,
    scope: 'calendar:write',
    summary: 'Make the secret address of a calendar, for calendar programs to subscribe to',
    description:
      'One for each person and calendar: an earlier one ends. It shows what you may read, for as long as you may.',
    params: icsCalendarRef,
    ok: { 201: newCalendarFeed },
    problems: [404],
  });
  app.post(FEED, { schema: rotateSchema }, async (request, reply) => {
    const { feed, token } = await rotateFeed(userCtx(context, request), request.params);
    const base = context.config.PUBLIC_URL ?? `${request.protocol}://${request.host}`;
    const url = `${base.replace(/\/$/, '')}/api/v1/feeds/${token}.ics`;
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ ...feed, url });
  });

  const getSchema = operation({
    operationId: 'getFeed',
    tags,
    access,
    scope: 'calendar:read',
    summary: 'Whether you have such an address, and when it was last read',
    params: icsCalendarRef,
    ok: { 200: calendarFeed },
    problems: [404],
  });
  app.get(FEED, { schema: getSchema }, (request) => getFeed(userCtx(context, request), request.params));

  const revokeSchema = operation({
    operationId: 'revokeFeed',
    tags,
    access,
    scope: 'calendar:write',
    summary: 'End your secret address of a calendar at once',
    params: icsCalendarRef,
    ok: { 204: noContent('Ended.') },
    problems: [404],
  });
  app.delete(FEED, { schema: revokeSchema }, async (request, reply) => {
    await revokeFeed(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function openFeedRoute(app: App, { db, clock }: ApiContext): void {
  const schema = operation({
    operationId: 'openFeed',
    tags,
    auth: false,
    summary: 'A calendar by its secret address',
    description: 'For calendar programs; with or without `.ics` at its end. Whatever lets nobody read is the same 404.',
    params: z.strictObject({ token: z.string().max(512) }),
    ok: { 200: icsText, 304: noContent('You have it as it is.') },
    problems: [404],
  });
  const config = { auth: 'none', limited: true } as const;
  app.get('/api/v1/feeds/:token', { schema, config, exposeHeadRoute: false }, async (request, reply) => {
    const calendar = await openFeed({ db, clock }, request.params);
    reply.header('cache-control', 'private, max-age=60');
    return sendIcs(request, reply, calendar);
  });
}

async function sendIcs(request: FastifyRequest, reply: FastifyReply, calendar: CalendarExport): Promise<FastifyReply> {
  const tag = `"${calendar.stamp}"`;
  reply.header('etag', tag);
  if (isUnchanged(request, tag)) return reply.code(304).send();
  const pages = calendar.text();
  // Read before the status is sent, so that a refusal is one.
  const first = await pages.next();
  const signal = AbortSignal.timeout(EXPORT_DEADLINE);
  const text = Readable.from(joined(first.value ?? '', pages), { objectMode: false, signal });
  const name = encodeURIComponent(calendar.name || 'calendar');
  reply.header('content-disposition', `attachment; filename*=UTF-8''${name}.ics`);
  return reply.type(`${ICS}; charset=utf-8`).send(text);
}

async function* joined(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
