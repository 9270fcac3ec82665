import { createReminder } from '@potentia/domain/calendar/create-reminder';
import { deleteReminder } from '@potentia/domain/calendar/delete-reminder';
import { listReminders } from '@potentia/domain/calendar/list-reminders';
import {
  createReminderBody,
  reminder,
  reminderList,
  reminderPreview,
  reminderRef,
  remindersRef,
  updateReminderBody,
} from '@potentia/domain/calendar/reminder-schemas';
import { scopeQuery } from '@potentia/domain/calendar/time-schemas';
import { updateReminder } from '@potentia/domain/calendar/update-reminder';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { SCHEDULE } from './paths.ts';

const tags = ['schedules'];
const REMINDERS = `${SCHEDULE}/reminders`;
const REMINDER = `${REMINDERS}/:reminder_id`;
const access = { schedule: 'viewer' } as const;
const scope = 'calendar:write';
const DRY_RUN = 'With `dry_run=true` nothing is changed, and the answer says which reminders would be.';

/** Reminders: what one person is reminded of. Everybody has their own, and sees nobody else's. */
export function reminderRoutes(app: App, context: ApiContext): void {
  listRoute(app, context);
  createRoute(app, context);
  changeRoutes(app, context);
}

function listRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'listReminders',
    tags,
    access,
    scope: 'calendar:read',
    summary: 'Your reminders of a schedule',
    params: remindersRef,
    ok: { 200: reminderList },
    problems: [404],
  });
  app.get(REMINDERS, { schema }, (request) => listReminders(userCtx(context, request), request.params));
}

function createRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'createReminder',
    tags,
    access,
    scope,
    summary: 'Be reminded of a schedule',
    description:
      'So many minutes before the start, or at a time of day in your own time zone; of all occurrences, of one, or of one and ' +
      'those after it. It comes as `schedule.reminder` on `/ws/me`, by mail, or both. What is past already is not reminded ' +
      'of; nor is what you declined, what is cancelled, and what you may no longer read. At most 20 of one schedule. ' +
      DRY_RUN,
    params: remindersRef,
    querystring: scopeQuery,
    body: createReminderBody,
    ok: { 200: reminderPreview, 201: reminder },
    problems: [404, 409, 422],
  });
  app.post(REMINDERS, { schema }, async (request, reply) => {
    const input = { ...request.body, ...request.query, ...request.params };
    const { result, replayed } = await createReminder(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(request.query.dry_run ? 200 : 201).send(result);
  });
}

function changeRoutes(app: App, context: ApiContext): void {
  const updateSchema = operation({
    operationId: 'updateReminder',
    tags,
    access,
    scope,
    summary: 'Change a reminder of yours',
    description:
      'With `scope=this` or `following` another reminder takes over the occurrences concerned, and is what is answered. ' +
      `A stale \`version\` answers 409 with the current one. ${DRY_RUN}`,
    params: reminderRef,
    querystring: scopeQuery,
    body: updateReminderBody,
    ok: { 200: z.union([reminder, reminderPreview]) },
    problems: [404, 409],
  });
  app.patch(REMINDER, { schema: updateSchema }, (request) =>
    updateReminder(userCtx(context, request), { ...request.body, ...request.query, ...request.params }),
  );

  const deleteSchema = operation({
    operationId: 'deleteReminder',
    tags,
    access,
    scope,
    summary: 'Delete a reminder of yours',
    description: `With \`scope=this\` it leaves one occurrence out, with \`following\` it ends before that. ${DRY_RUN}`,
    params: reminderRef,
    querystring: scopeQuery,
    ok: { 200: reminderPreview, 204: noContent('Deleted.') },
    problems: [404, 409],
  });
  app.delete(REMINDER, { schema: deleteSchema }, async (request, reply) => {
    const preview = await deleteReminder(userCtx(context, request), { ...request.query, ...request.params });
    return preview ?? reply.code(204).send();
  });
}
