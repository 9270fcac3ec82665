import { findSlots } from '@potentia/domain/calendar/find-slots';
import { freebusy, freebusyBody, slots, slotsBody } from '@potentia/domain/calendar/freebusy-schemas';
import { readFreebusy } from '@potentia/domain/calendar/read-freebusy';
import type { ApiContext } from '../context.ts';
import { sendJson } from '../platform/etag.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const tags = ['free/busy'];
const access = 'person';
const scope = 'calendar:read';

/** When people are busy, and when they are all free. POST, because fifty ids are too many for a path; nothing is changed. */
export function freebusyRoutes(app: App, context: ApiContext): void {
  const freebusySchema = operation({
    tags,
    access,
    scope,
    operationId: 'readFreebusy',
    summary: 'When people are busy, without a word about why',
    description:
      'Of everything that stands in calendars that affect them and of what they are invited to, wherever it is. Right in ' +
      'the same second as a write. Whom you may not ask about is told as one who does not exist.',
    body: freebusyBody,
    ok: { 200: freebusy },
  });
  app.post('/api/v1/freebusy', { schema: freebusySchema }, async (request, reply) =>
    sendJson(reply, JSON.stringify(await readFreebusy(userCtx(context, request), request.body))),
  );

  const slotsSchema = operation({
    tags,
    access,
    scope,
    operationId: 'findSlots',
    summary: 'The next times at which everybody is free',
    description:
      'Within the working hours of each, by the clock of their own zone. Slots begin at whole steps of one clock, also on ' +
      'the days on which clocks change.',
    body: slotsBody,
    ok: { 200: slots },
  });
  app.post('/api/v1/freebusy/slots', { schema: slotsSchema }, (request) =>
    findSlots(userCtx(context, request), request.body),
  );
}
