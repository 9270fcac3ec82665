import {
  createSubscriptionBody,
  listSubscriptionsQuery,
  type Subscription,
  subscription,
  subscriptionPage,
  subscriptionRef,
  updateSubscriptionBody,
} from '@potentia/domain/calendar/calendar-schemas';
import { createSubscription } from '@potentia/domain/calendar/create-subscription';
import { deleteSubscription } from '@potentia/domain/calendar/delete-subscription';
import { getSubscription } from '@potentia/domain/calendar/get-subscription';
import { listSubscriptions } from '@potentia/domain/calendar/list-subscriptions';
import { updateSubscription } from '@potentia/domain/calendar/update-subscription';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CALENDAR, calendarPath } from './paths.ts';

const tags = ['calendars'];
const SUBSCRIPTIONS = `${CALENDAR}/subscriptions`;
const SUBSCRIPTION = `${SUBSCRIPTIONS}/:user_id`;
const mine = { access: { calendar: 'owner', oneself: 'freebusy' }, scope: 'calendar:write' } as const;

/** Who subscribes to a calendar: the owner adds people of the workspace, who keep how they show it to themselves. */
export function subscriptionRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  readRoute(app, context);
  changeRoutes(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createSubscription',
    tags,
    access: { calendar: 'owner' },
    scope: 'calendar:write',
    summary: 'Subscribe somebody of the workspace, at once',
    description:
      'They are told on `/ws/me`. `affects_busy` begins as true for an editor, and as false for who only reads. An API key is ' +
      'subscribed by its id.',
    params: calendarPath,
    body: createSubscriptionBody,
    ok: { 201: subscription },
    problems: [404, 409, 422],
  });
  app.post(SUBSCRIPTIONS, { schema: createSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createSubscription(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${request.url.split('?')[0]}/${result.user_id}`);
    return sendSubscription(reply, result);
  });

  const listSchema = operation({
    operationId: 'listSubscriptions',
    tags,
    access: { calendar: 'freebusy' },
    scope: 'calendar:read',
    summary: 'Who subscribes to a calendar, with their roles',
    description: 'In the order of their ids. Who sees only free/busy sees themselves.',
    params: calendarPath,
    querystring: listSubscriptionsQuery,
    ok: { 200: subscriptionPage },
    problems: [404],
  });
  app.get(SUBSCRIPTIONS, { schema: listSchema }, (request) =>
    listSubscriptions(userCtx(context, request), { ...request.query, ...request.params }),
  );
}

function readRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'getSubscription',
    tags,
    access: { calendar: 'viewer', oneself: 'freebusy' },
    scope: 'calendar:read',
    summary: 'One subscription',
    params: subscriptionRef,
    ok: { 200: subscription },
    problems: [404],
  });
  app.get(SUBSCRIPTION, { schema }, async (request, reply) =>
    sendSubscription(reply, await getSubscription(userCtx(context, request), request.params)),
  );
}

function changeRoutes(app: App, context: ApiContext): void {
  const updateSchema = operation({
    operationId: 'updateSubscription',
    tags,
    ...mine,
    summary: "Give a subscriber another role, or change your own subscription's color, is_hidden, affects_busy",
    description: 'With If-Match only if the subscription is still at that version.',
    params: subscriptionRef,
    body: updateSubscriptionBody,
    ok: { 200: subscription },
    problems: [404, 409, 412],
  });
  app.patch(SUBSCRIPTION, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendSubscription(reply, await updateSubscription(userCtx(context, request), input));
  });

  const deleteSchema = operation({
    operationId: 'deleteSubscription',
    tags,
    ...mine,
    summary: 'Leave a calendar, or as its owner take somebody off it',
    description: "The owner's own stays: transfer the calendar, or delete it.",
    params: subscriptionRef,
    ok: { 204: noContent('Ended.') },
    problems: [404, 409],
  });
  app.delete(SUBSCRIPTION, { schema: deleteSchema }, async (request, reply) => {
    await deleteSubscription(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

const sendSubscription = (reply: FastifyReply, row: Subscription): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
