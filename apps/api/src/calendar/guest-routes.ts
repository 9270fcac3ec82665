import { addGuests } from '@potentia/domain/calendar/add-guests';
import { getGuest } from '@potentia/domain/calendar/get-guest';
import {
  addGuestsBody,
  answeredSchedule,
  guest,
  guestList,
  guestPage,
  guestRef,
  listGuestsQuery,
  respondToScheduleBody,
  updateGuestBody,
} from '@potentia/domain/calendar/guest-schemas';
import { listGuests } from '@potentia/domain/calendar/list-guests';
import { removeGuest } from '@potentia/domain/calendar/remove-guest';
import { respondToSchedule } from '@potentia/domain/calendar/respond-to-schedule';
import { scopeQuery } from '@potentia/domain/calendar/time-schemas';
import { updateGuest } from '@potentia/domain/calendar/update-guest';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { SCHEDULE, schedulePath } from './paths.ts';

const tags = ['schedules'];
const GUESTS = `${SCHEDULE}/guests`;
const GUEST = `${GUESTS}/:guest_id`;
const editor = { tags, access: { schedule: 'editor' }, scope: 'calendar:write' } as const;

/** Guests: who is invited to a schedule, and what they have answered. */
export function guestRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  readRoute(app, context);
  changeRoutes(app, context);
  respondRoute(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listGuests',
    tags,
    access: { schedule: 'viewer' },
    scope: 'calendar:read',
    summary: 'The guests of a schedule, and what they have answered',
    params: schedulePath,
    querystring: listGuestsQuery,
    ok: { 200: guestPage },
    problems: [404],
  });
  app.get(GUESTS, { schema: listSchema }, (request) =>
    listGuests(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const addSchema = operation({
    ...editor,
    operationId: 'addGuests',
    summary: 'Add a guest to a schedule, or several',
    description:
      'By `user_id`, somebody in the workspace, who sees the schedule from now on and is told on `/ws/me`; or by `email`. An ' +
      'address of somebody in the workspace is that person; any other gets an invitation by mail, with a link to answer it. At ' +
      'most 200 of one schedule.',
    params: schedulePath,
    body: addGuestsBody,
    ok: { 201: guestList },
    problems: [404, 409, 422],
  });
  app.post(GUESTS, { schema: addSchema }, async (request, reply) => {
    const { result, replayed } = await addGuests(userCtx(context, request), { ...request.body, ...request.params });
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).send(result);
  });
}

function readRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'getGuest',
    tags,
    access: { schedule: 'viewer' },
    scope: 'calendar:read',
    summary: 'One guest of a schedule, and what they have answered',
    params: guestRef,
    ok: { 200: guest },
    problems: [404],
  });
  app.get(GUEST, { schema }, (request) => getGuest(userCtx(context, request), request.params));
}

function changeRoutes(app: App, context: ApiContext): void {
  const updateSchema = operation({
    ...editor,
    operationId: 'updateGuest',
    summary: 'Change whether a guest is optional, or the name of one who goes by an address',
    params: guestRef,
    body: updateGuestBody,
    ok: { 200: guest },
    problems: [404, 409],
  });
  app.patch(GUEST, { schema: updateSchema }, (request) =>
    updateGuest(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const removeSchema = operation({
    ...editor,
    operationId: 'removeGuest',
    summary: 'Remove a guest',
    description:
      'They see the schedule no more, unless they subscribe to its calendar, and are told. Their link is dead.',
    params: guestRef,
    ok: { 204: noContent('Removed.') },
    problems: [404, 409],
  });
  app.delete(GUEST, { schema: removeSchema }, async (request, reply) => {
    await removeGuest(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function respondRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'respondToSchedule',
    tags,
    access: { schedule: 'guest' },
    scope: 'calendar:write',
    summary: 'Answer an invitation: all occurrences, one, or one and those after it',
    description:
      'Guests do, for themselves; the organiser is told on `/ws/me`. An answer to `all` takes the place of those to single ' +
      'occurrences, one to `following` of those from there on. With `dry_run=true` nothing is changed.',
    params: schedulePath,
    querystring: scopeQuery,
    body: respondToScheduleBody,
    ok: { 200: answeredSchedule },
    problems: [404, 409],
  });
  app.patch(`${SCHEDULE}/respond`, { schema }, (request) =>
    respondToSchedule(userCtx(context, request), { ...request.body, ...request.query, ...request.params }),
  );
}
