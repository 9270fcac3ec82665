import { previewRsvpBody, rsvp, rsvpBody } from '@potentia/domain/calendar/guest-schemas';
import { previewRsvp } from '@potentia/domain/calendar/preview-rsvp';
import { respondByLink } from '@potentia/domain/calendar/respond-by-link';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';

const tags = ['schedules'];
const RSVP = '/api/v1/rsvp';

/** For guests without an account: by the link in their mail. Nothing changes by a GET, which scanners of mail send. */
export function rsvpRoutes(app: App, context: ApiContext): void {
  const config = { auth: 'none', limited: true } as const;
  const previewSchema = operation({
    operationId: 'previewRsvp',
    tags,
    summary: 'What an invitation by mail is to, for whoever holds its token',
    auth: false,
    body: previewRsvpBody,
    ok: { 200: rsvp },
    problems: [404, 409],
  });
  app.post(`${RSVP}/preview`, { config, schema: previewSchema }, (request, reply) => {
    reply.header('cache-control', 'no-store');
    return previewRsvp(context, request.body);
  });

  const answerSchema = operation({
    operationId: 'answerRsvp',
    tags,
    summary: 'Answer an invitation by mail, for whoever holds its token',
    description:
      'For the whole series, as often as you like: the last answer counts. The organiser is told on `/ws/me`.',
    auth: false,
    body: rsvpBody,
    ok: { 200: rsvp },
    problems: [404, 409],
  });
  app.post(RSVP, { config, schema: answerSchema }, (request, reply) => {
    reply.header('cache-control', 'no-store');
    const { db, bus, clock, sealer } = context;
    return respondByLink({ db, bus, clock, sealer, request_id: request.id }, request.body);
  });
}
