import { sql } from 'drizzle-orm';
import { boolean, customType, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

/** A wall clock without a zone, as text. */
const local = customType<{ data: string }>({ dataType: () => 'timestamp without time zone' });
const time_of_day = customType<{ data: string }>({ dataType: () => 'time without time zone' });
const instant_range = customType<{ data: string }>({ dataType: () => 'tstzrange' });

export const calendars = app.table('calendars', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  owner_user_id: uuid().notNull(),
  name: text().notNull(),
  description: text(),
  color: text(),
  time_zone: text().notNull().default('UTC'),
  is_exclusive: boolean().notNull().default(false),
  seq: counter().notNull().default(0),
  fan_out: text({ enum: ['each', 'shared'] })
    .notNull()
    .default('each'),
  fan_out_version: integer().notNull().default(0),
  version: integer().notNull().default(1),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const calendar_subscriptions = app.table(
  'calendar_subscriptions',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    user_id: uuid().notNull(),
    role: text({ enum: ['owner', 'editor', 'viewer', 'freebusy'] }).notNull(),
    color: text(),
    is_hidden: boolean().notNull().default(false),
    affects_busy: boolean().notNull(),
    instances_of: uuid(),
    version: integer().notNull().default(1),
    created_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.user_id] })],
);

export const schedules = app.table('schedules', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  calendar_id: uuid().notNull(),
  uid: text().notNull(),
  organiser_user_id: uuid().notNull(),
  title: text().notNull(),
  description: text(),
  location: text(),
  url: text(),
  color: text(),
  status: text({ enum: ['confirmed', 'tentative', 'cancelled'] })
    .notNull()
    .default('confirmed'),
  transparency: text({ enum: ['opaque', 'transparent'] })
    .notNull()
    .default('opaque'),
  visibility: text({ enum: ['default', 'private'] })
    .notNull()
    .default('default'),
  is_all_day: boolean().notNull().default(false),
  starts_local: local().notNull(),
  time_zone: text(),
  duration_seconds: integer().notNull(),
  rrule: text(),
  rdates: local().array().notNull().default([]),
  exdates: local().array().notNull().default([]),
  ics_properties: jsonb(),
  first_at: instant().notNull(),
  last_at: instant(),
  sequence: integer().notNull().default(0),
  materialised_from: instant()
    .notNull()
    .default(sql`'-infinity'`),
  materialised_until: instant()
    .notNull()
    .default(sql`'-infinity'`),
  tz_version: text(),
  seq: counter().notNull().default(0),
  version: integer().notNull().default(1),
  created_by: uuid().notNull(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const schedule_overrides = app.table(
  'schedule_overrides',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    recurrence_id: local().notNull(),
    is_cancelled: boolean().notNull().default(false),
    starts_local: local(),
    duration_seconds: integer(),
    title: text(),
    description: text(),
    location: text(),
    url: text(),
    status: text({ enum: ['confirmed', 'tentative', 'cancelled'] }),
    transparency: text({ enum: ['opaque', 'transparent'] }),
    ics_properties: jsonb(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.schedule_id, table.recurrence_id] })],
);

export const schedule_guests = app.table(
  'schedule_guests',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    id: uuid().notNull(),
    user_id: uuid(),
    email: text(),
    name: text(),
    is_optional: boolean().notNull().default(false),
    response: text({ enum: ['needs_action', 'accepted', 'declined', 'tentative'] })
      .notNull()
      .default('needs_action'),
    comment: text(),
    responded_at: instant(),
    seq: counter().notNull().default(0),
    mail_id: uuid(),
    last_at: instant(),
    created_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.schedule_id, table.id] })],
);

export const schedule_responses = app.table(
  'schedule_responses',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    guest_id: uuid().notNull(),
    recurrence_id: local().notNull(),
    applies_to: text({ enum: ['this', 'following'] }).notNull(),
    response: text({ enum: ['needs_action', 'accepted', 'declined', 'tentative'] }).notNull(),
    responded_at: instant().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.workspace_id,
        table.calendar_id,
        table.schedule_id,
        table.guest_id,
        table.recurrence_id,
        table.applies_to,
      ],
    }),
  ],
);

export const schedule_reminders = app.table(
  'schedule_reminders',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    id: uuid().notNull(),
    user_id: uuid().notNull(),
    applies_to: text({ enum: ['all', 'this', 'following'] })
      .notNull()
      .default('all'),
    recurrence_id: local(),
    until_recurrence_id: local(),
    skips: local().array().notNull().default([]),
    minutes_before: integer(),
    local_time: time_of_day(),
    days_before: integer(),
    channels: text().array().notNull().default(['in_app']),
    next_at: instant().default(sql`'-infinity'`),
    next_recurrence_id: local(),
    last_at: instant(),
    version: integer().notNull().default(1),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.schedule_id, table.id] })],
);

export const schedule_instances = app.table('schedule_instances', {
  calendar_id: uuid().notNull(),
  schedule_id: uuid().notNull(),
  user_id: uuid(),
  recurrence_id: local().notNull(),
  starts_at: instant().notNull(),
  ends_at: instant().notNull(),
  is_override: boolean().notNull(),
});

export const schedule_bookings = app.table(
  'schedule_bookings',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    recurrence_id: local().notNull(),
    during: instant_range().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.schedule_id, table.recurrence_id] })],
);

export const schedule_tombstones = app.table(
  'schedule_tombstones',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    seq: counter().notNull(),
    created_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.schedule_id] })],
);

export const user_calendar_heads = app.table('user_calendar_heads', {
  user_id: uuid().primaryKey(),
  seq: counter().notNull().default(0),
});

export const guest_tombstones = app.table(
  'guest_tombstones',
  {
    user_id: uuid().notNull(),
    schedule_id: uuid().notNull(),
    seq: counter().notNull(),
    created_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.schedule_id] })],
);

export const calendar_feeds = app.table(
  'calendar_feeds',
  {
    workspace_id: uuid().notNull(),
    calendar_id: uuid().notNull(),
    user_id: uuid().notNull(),
    token_hash: text().notNull(),
    created_at: instant().notNull().defaultNow(),
    last_read_at: instant(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.calendar_id, table.user_id] })],
);

export const time_zone_rules = app.table('time_zone_rules', {
  time_zone: text().primaryKey(),
  tz_version: text().notNull(),
  fingerprint: text().notNull(),
  is_changing: boolean().notNull().default(false),
  checked_at: instant().notNull().defaultNow(),
});
