import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { reminderRoutes } from './reminder-routes.ts';
import { calendarResourceRoutes } from './calendar-routes.ts';
import { freebusyRoutes } from './freebusy-routes.ts';
import { guestRoutes } from './guest-routes.ts';
import { icsRoutes } from './ics-routes.ts';
import { rsvpRoutes } from './rsvp-routes.ts';
import { ruleRoutes } from './rule-routes.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import { subscriptionRoutes } from './subscription-routes.ts';
import { viewRoutes } from './view-routes.ts';

/** Calendars, and everything that stands in them. */
export function calendarRoutes(app: App, context: ApiContext): void {
  calendarResourceRoutes(app, context);
  subscriptionRoutes(app, context);
  ruleRoutes(app);
  scheduleRoutes(app, context);
  void app.register((scope, _options, done) => {
    icsRoutes(scope, context);
    done();
  });
  guestRoutes(app, context);
  rsvpRoutes(app, context);
  reminderRoutes(app, context);
  viewRoutes(app, context);
  freebusyRoutes(app, context);
}
