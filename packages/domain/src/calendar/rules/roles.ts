/** Roles on a calendar, lowest first. Postgres decides access (`app.set_calendar_context`); these only read its answer. */
export const calendar_roles = ['freebusy', 'viewer', 'editor', 'owner'] as const;
export type CalendarRole = (typeof calendar_roles)[number];

/** Roles that a subscription can be given: everything below `owner`. */
export const subscriber_roles = ['freebusy', 'viewer', 'editor'] as const;

/** What somebody may do with a schedule, lowest first (`app.set_schedule_context`). */
export const schedule_roles = ['viewer', 'guest', 'editor'] as const;
export type ScheduleRole = (typeof schedule_roles)[number];
