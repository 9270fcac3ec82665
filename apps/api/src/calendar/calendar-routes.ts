import {
  type Calendar,
  calendar,
  calendarPage,
  createCalendarBody,
  listCalendarsQuery,
  transferCalendarBody,
  updateCalendarBody,
} from '@potentia/domain/calendar/calendar-schemas';
import { createCalendar } from '@potentia/domain/calendar/create-calendar';
import { deleteCalendar } from '@potentia/domain/calendar/delete-calendar';
import { getCalendar } from '@potentia/domain/calendar/get-calendar';
import { listCalendars } from '@potentia/domain/calendar/list-calendars';
import { transferCalendar } from '@potentia/domain/calendar/transfer-calendar';
import { updateCalendar } from '@potentia/domain/calendar/update-calendar';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CALENDAR, calendarPath, CALENDARS } from './paths.ts';

const tags = ['calendars'];
const owner = { access: { calendar: 'owner' }, scope: 'calendar:write', params: calendarPath } as const;

/** Calendars themselves: create, list, read, change, delete, hand over. */
export function calendarResourceRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  resourceRoutes(app, context);
  endRoutes(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createCalendar',
    tags,
    access: 'person',
    scope: 'calendar:write',
    summary: 'Make a calendar, which you own',
    description: 'In a workspace, where guests make none, or without `workspace_id` in your personal space.',
    body: createCalendarBody,
    ok: { 201: calendar },
    problems: [404, 409, 422],
  });
  app.post(CALENDARS, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createCalendar(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${CALENDARS}/${result.id}`);
    return sendCalendar(reply, result);
  });

  const listSchema = operation({
    operationId: 'listCalendars',
    tags,
    access: 'person',
    scope: 'calendar:read',
    summary: 'The calendars that you subscribe to, with your role, the oldest first',
    description: 'Of all workspaces. Everybody begins with one of their own in their personal space.',
    querystring: listCalendarsQuery,
    ok: { 200: calendarPage },
  });
  app.get(CALENDARS, { schema: listSchema }, (request) => listCalendars(userCtx(context, request), request.query));
}

function resourceRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getCalendar',
    tags,
    access: { calendar: 'freebusy' },
    scope: 'calendar:read',
    summary: 'One calendar, with your role on it',
    params: calendarPath,
    ok: { 200: calendar },
    problems: [404],
  });
  app.get(CALENDAR, { schema: getSchema }, async (request, reply) =>
    sendCalendar(reply, await getCalendar(userCtx(context, request), request.params)),
  );

  const updateSchema = operation({
    operationId: 'updateCalendar',
    tags,
    ...owner,
    summary: 'Change name, description, color or time zone, or make it exclusive',
    description:
      'With If-Match only if the calendar is still at that version. Schedules keep their zones. An exclusive calendar, of a ' +
      'room or a machine, takes no two schedules at a time; only an empty one becomes exclusive.',
    body: updateCalendarBody,
    ok: { 200: calendar },
    problems: [404, 409, 412],
  });
  app.patch(CALENDAR, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendCalendar(reply, await updateCalendar(userCtx(context, request), input));
  });
}

function endRoutes(app: App, context: ApiContext): void {
  const deleteSchema = operation({
    operationId: 'deleteCalendar',
    tags,
    ...owner,
    summary: 'Delete a calendar with everything that stands in it',
    description: 'For good. Its subscribers are told on `/ws/me`.',
    ok: { 204: noContent('Deleted.') },
    problems: [404],
  });
  app.delete(CALENDAR, { schema: deleteSchema }, async (request, reply) => {
    await deleteCalendar(userCtx(context, request), request.params);
    return reply.code(204).send();
  });

  const transferSchema = operation({
    operationId: 'transferCalendar',
    tags,
    ...owner,
    summary: 'Make one of its subscribers the owner',
    description: 'You stay, as an editor.',
    body: transferCalendarBody,
    ok: { 200: calendar },
    problems: [404],
  });
  app.post(`${CALENDAR}/transfer`, { schema: transferSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    return sendCalendar(reply, await transferCalendar(userCtx(context, request), input));
  });
}

const sendCalendar = (reply: FastifyReply, row: Calendar): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
