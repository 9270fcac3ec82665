import { createSchedule } from '@potentia/domain/calendar/create-schedule';
import { deleteSchedule } from '@potentia/domain/calendar/delete-schedule';
import { getSchedule } from '@potentia/domain/calendar/get-schedule';
import { listSchedules } from '@potentia/domain/calendar/list-schedules';
import { moveSchedule } from '@potentia/domain/calendar/move-schedule';
import {
  changedSchedule,
  changeScheduleQuery,
  createdSchedule,
  createScheduleBody,
  editPreview,
  listSchedulesQuery,
  moveScheduleBody,
  scheduleDetail,
  schedulePage,
  updateScheduleBody,
} from '@potentia/domain/calendar/schedule-schemas';
import { scopeQuery } from '@potentia/domain/calendar/time-schemas';
import { updateSchedule } from '@potentia/domain/calendar/update-schedule';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CALENDAR, calendarPath, SCHEDULE, schedulePath, SCHEDULES } from './paths.ts';

const tags = ['schedules'];
const SCOPES =
  '`scope` says which occurrences it is for: `this` one, it and the `following`, or `all`. With `dry_run=true` nothing is ' +
  'changed, and the answer says what would be. With If-Match (412) or `version` (409) only if the schedule is still at that version.';
const changed = { 200: z.union([changedSchedule, editPreview]) };
const editor = { access: { schedule: 'editor' }, scope: 'calendar:write', params: schedulePath } as const;

/** Schedules: create, list, read, change, move, delete. */
export function scheduleRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  readRoute(app, context);
  changeRoutes(app, context);
  deleteRoute(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createSchedule',
    tags,
    access: 'person',
    scope: 'calendar:write',
    summary: 'Put a schedule into a calendar, once or recurring',
    description:
      'Editors of the calendar do. A rule that is not to be had answers 400 with the reason, before anything is written. ' +
      '`conflicts` names who is busy already; on an exclusive calendar an overlap answers 409 with the occurrence and by what.',
    body: createScheduleBody,
    ok: { 201: createdSchedule },
    problems: [404, 409, 422],
  });
  app.post(SCHEDULES, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createSchedule(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${SCHEDULES}/${result.id}`);
    return sendSchedule(reply, result);
  });

  const listSchema = operation({
    operationId: 'listSchedules',
    tags,
    access: { calendar: 'viewer' },
    scope: 'calendar:read',
    summary: 'The schedules of a calendar, in the order of their making',
    description: 'Each once, however often it takes place: `GET /view/schedules` lists occurrences.',
    params: calendarPath,
    querystring: listSchedulesQuery,
    ok: { 200: schedulePage },
    problems: [404],
  });
  app.get(`${CALENDAR}/schedules`, { schema: listSchema }, (request) =>
    listSchedules(userCtx(context, request), { ...request.query, ...request.params }),
  );
}

function readRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'getSchedule',
    tags,
    access: { schedule: 'viewer' },
    scope: 'calendar:read',
    summary: 'One schedule, with what single occurrences have of their own, and what you may do with it',
    params: schedulePath,
    ok: { 200: scheduleDetail },
    problems: [404],
  });
  app.get(SCHEDULE, { schema }, async (request, reply) =>
    sendSchedule(reply, await getSchedule(userCtx(context, request), request.params)),
  );
}

function changeRoutes(app: App, context: ApiContext): void {
  const updateSchema = operation({
    ...editor,
    operationId: 'updateSchedule',
    tags,
    summary: 'Change a schedule, or some of its occurrences',
    description: SCOPES,
    querystring: changeScheduleQuery,
    body: updateScheduleBody,
    ok: changed,
    problems: [404, 409, 412],
  });
  app.patch(SCHEDULE, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.query, ...request.params, expected_version };
    return sendSchedule(reply, await updateSchedule(userCtx(context, request), input));
  });

  const moveSchema = operation({
    ...editor,
    operationId: 'moveSchedule',
    tags,
    summary: 'Move a schedule to another time, or to another calendar of its workspace',
    description: `${SCOPES} What hangs on occurrences (overrides, answers, reminders) moves along.`,
    querystring: changeScheduleQuery,
    body: moveScheduleBody,
    ok: changed,
    problems: [404, 409, 412, 422],
  });
  app.post(`${SCHEDULE}/move`, { schema: moveSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.query, ...request.params, expected_version };
    const { result, replayed } = await moveSchedule(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return sendSchedule(reply, result);
  });
}

function deleteRoute(app: App, context: ApiContext): void {
  const schema = operation({
    ...editor,
    operationId: 'deleteSchedule',
    tags,
    summary: 'Delete a schedule, or some of its occurrences',
    description: SCOPES.replace(' or `version` (409)', ''),
    querystring: scopeQuery,
    ok: { 200: editPreview, 204: noContent('Deleted.') },
    problems: [404, 409, 412],
  });
  app.delete(SCHEDULE, { schema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.query, ...request.params, expected_version };
    const preview = await deleteSchedule(userCtx(context, request), input);
    return preview ?? reply.code(204).send();
  });
}

/** A preview has no version: it is of nothing that stands. */
const sendSchedule = (reply: FastifyReply, answer: object & { version?: number }): FastifyReply => {
  if (answer.version !== undefined) reply.header('etag', versionTag(answer.version));
  return reply.send(answer);
};
