-- Local times (`starts_local`, `recurrence_id`, …) are wall clocks without a zone; `time_zone` beside them says whose. Nothing in
-- SQL turns one into an instant: the services do, by one set of zone tables, and store the instants that came of it.

-- Trusted: the owner of the database may. For the one exclusion constraint (schedule_bookings).
create extension if not exists btree_gist schema public;

create table app.calendars (
  id uuid primary key,
  workspace_id uuid not null references app.workspaces (id) on delete cascade,
  -- Has the one subscription with the role owner, too.
  owner_user_id uuid not null references app.users (id),
  name text not null check (char_length(name) between 1 and 200),
  description text check (char_length(description) <= 2000),
  color text check (color ~ '^#[0-9a-f]{6}$'),
  time_zone text not null default 'UTC' check (char_length(time_zone) <= 64),
  -- A room, a machine: its schedules never overlap (schedule_bookings).
  is_exclusive boolean not null default false,
  -- Counts the changes of what is in it. Whoever writes a schedule of it takes the next one, so it is the writers' lock as well.
  seq bigint not null default 0,
  -- Whether instances are written for each subscriber, or once for all (above the fan-out limit).
  fan_out text not null default 'each' check (fan_out in ('each', 'shared')),
  -- Counts the changes of fan_out: a job that has written instances for one knows by it that the other came between.
  fan_out_version int not null default 0,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, id)
) with (fillfactor = 70);
create index calendars_owner on app.calendars (workspace_id, owner_user_id);
create index calendars_owned on app.calendars (owner_user_id);
comment on table app.calendars is 'family: calendar; calendar_id: id.';

create table app.calendar_subscriptions (
  workspace_id uuid not null,
  calendar_id uuid not null,
  user_id uuid not null references app.users (id) on delete cascade,
  role text not null check (role in ('owner', 'editor', 'viewer', 'freebusy')),
  color text check (color ~ '^#[0-9a-f]{6}$'),
  is_hidden boolean not null default false,
  -- Whether what stands in it makes the subscriber busy.
  affects_busy boolean not null,
  -- Whose instances this subscription reads: the subscriber's own, or until those are written the calendar owner's; null: the shared ones.
  instances_of uuid,
  version int not null default 1,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, calendar_id, user_id),
  foreign key (workspace_id, calendar_id) references app.calendars (workspace_id, id) on delete cascade
);
create unique index calendar_subscriptions_owner on app.calendar_subscriptions (workspace_id, calendar_id) where role = 'owner';
create index calendar_subscriptions_user on app.calendar_subscriptions (user_id);
-- What makes a person busy, without a look at the rows: every answer about free/busy asks.
create index calendar_subscriptions_busy on app.calendar_subscriptions (user_id) include (calendar_id) where affects_busy;
comment on table app.calendar_subscriptions is 'family: calendar.';

-- Everybody has a calendar from the start; here those get theirs who are there already.
insert into app.calendars (id, workspace_id, owner_user_id, name, time_zone)
select gen_random_uuid(), w.id, u.id, 'Calendar', u.time_zone
from app.workspaces w join app.users u on u.id = w.owner_user_id where w.is_personal;
insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
select c.workspace_id, c.id, c.owner_user_id, 'owner', true, c.owner_user_id, c.owner_user_id from app.calendars c;

create table app.schedules (
  id uuid primary key,
  workspace_id uuid not null,
  calendar_id uuid not null,
  -- RFC 5545 UID: the same wherever the schedule is imported, exported or mailed.
  uid text not null check (char_length(uid) between 1 and 255),
  organiser_user_id uuid not null references app.users (id),
  title text not null check (char_length(title) <= 500),
  description text check (char_length(description) <= 20000),
  location text check (char_length(location) <= 500),
  url text check (char_length(url) <= 2000),
  color text check (color ~ '^#[0-9a-f]{6}$'),
  status text not null default 'confirmed' check (status in ('confirmed', 'tentative', 'cancelled')),
  transparency text not null default 'opaque' check (transparency in ('opaque', 'transparent')),
  visibility text not null default 'default' check (visibility in ('default', 'private')),
  is_all_day boolean not null default false,
  starts_local timestamp not null check (starts_local >= '1900-01-01' and starts_local < '2101-01-01'),
  -- IANA name; null: floating, or all day.
  time_zone text check (char_length(time_zone) <= 64),
  -- Exact seconds (RFC 5545 3.8.5.3); of an all-day schedule whole days, which are nominal.
  duration_seconds int not null check (duration_seconds between 0 and 366 * 86400),
  -- Normalised, without DTSTART; null: once, and at each rdate.
  rrule text check (char_length(rrule) <= 512),
  rdates timestamp[] not null default '{}' check (cardinality(rdates) <= 1000),
  exdates timestamp[] not null default '{}' check (cardinality(exdates) <= 5000),
  -- What the ICS that it came from says and we have no column for: kept for the export (jCal, RFC 7265).
  ics_properties jsonb,
  -- From the start of the first occurrence to the end of the last; last_at null: endless. A day wider for floating ones.
  first_at timestamptz not null,
  last_at timestamptz,
  -- Counts the versions of the set of occurrences: materialising is fenced by it, and it is the SEQUENCE of RFC 5545.
  sequence int not null default 0,
  -- Instances are whole in [materialised_from, materialised_until); -infinity: none are to be read, the series is expanded on read.
  -- A series that ended long ago has none, from infinity on.
  materialised_from timestamptz not null default '-infinity',
  materialised_until timestamptz not null default '-infinity',
  -- Of the tz database by which they were expanded.
  tz_version text,
  -- The calendar's seq when it last changed.
  seq bigint not null default 0,
  version int not null default 1,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, calendar_id, id),
  unique (workspace_id, calendar_id, uid),
  foreign key (workspace_id, calendar_id) references app.calendars (workspace_id, id) on delete cascade,
  constraint schedules_all_day check (not is_all_day or time_zone is null and duration_seconds % 86400 = 0 and duration_seconds > 0)
);
-- Those whose instances are not whole for all times, by their end: who recur by a rule, and who are to be written anew.
create index schedules_uncovered on app.schedules (workspace_id, calendar_id, coalesce(last_at, 'infinity'))
  where materialised_until < 'infinity' or materialised_from > '-infinity';
create index schedules_seq on app.schedules (workspace_id, calendar_id, seq);
-- What the horizon is to be moved of, and what waits for its instances.
create index schedules_horizon on app.schedules (materialised_from, id) where materialised_from > '-infinity' and materialised_from < 'infinity';
create index schedules_dirty on app.schedules (id) where materialised_until = '-infinity';
create index schedules_organiser on app.schedules (organiser_user_id);
comment on table app.schedules is 'family: calendar.';

-- One occurrence that differs from its series; a column that is null is the series' own.
create table app.schedule_overrides (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  -- The start that the rule gives it, in the schedule's zone.
  recurrence_id timestamp not null,
  is_cancelled boolean not null default false,
  starts_local timestamp check (starts_local >= '1900-01-01' and starts_local < '2101-01-01'),
  duration_seconds int check (duration_seconds between 0 and 366 * 86400),
  title text check (char_length(title) <= 500),
  description text check (char_length(description) <= 20000),
  location text check (char_length(location) <= 500),
  url text check (char_length(url) <= 2000),
  status text check (status in ('confirmed', 'tentative', 'cancelled')),
  transparency text check (transparency in ('opaque', 'transparent')),
  ics_properties jsonb,
  primary key (workspace_id, calendar_id, schedule_id, recurrence_id),
  foreign key (workspace_id, calendar_id, schedule_id) references app.schedules (workspace_id, calendar_id, id)
    on update cascade on delete cascade
);
comment on table app.schedule_overrides is 'family: calendar.';

create table app.schedule_guests (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  id uuid not null,
  -- A person of the workspace; null: known by the address alone.
  user_id uuid references app.users (id) on delete cascade,
  email text check (email = lower(email) and char_length(email) <= 320),
  name text check (char_length(name) <= 200),
  is_optional boolean not null default false,
  -- To the whole series; schedule_responses says what differs.
  response text not null default 'needs_action' check (response in ('needs_action', 'accepted', 'declined', 'tentative')),
  comment text check (char_length(comment) <= 1000),
  responded_at timestamptz,
  -- The guest's own seq (user_calendar_heads) when the schedule last changed for them.
  seq bigint not null default 0,
  -- The outbox row of the latest mail to the address: an earlier one that has not gone out yet says nothing any more. Null: it was
  -- never written to, as those who came with an import.
  mail_id uuid,
  -- A copy of the schedule's, which triggers keep: what goes on is found without reading all that a person ever was a guest of.
  last_at timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, calendar_id, schedule_id, id),
  foreign key (workspace_id, calendar_id, schedule_id) references app.schedules (workspace_id, calendar_id, id)
    on update cascade on delete cascade,
  constraint schedule_guests_target check ((user_id is null) <> (email is null))
);
create unique index schedule_guests_user on app.schedule_guests (workspace_id, calendar_id, schedule_id, user_id) where user_id is not null;
create unique index schedule_guests_email on app.schedule_guests (workspace_id, calendar_id, schedule_id, email) where email is not null;
create index schedule_guests_person on app.schedule_guests (user_id, schedule_id);
create index schedule_guests_ends on app.schedule_guests (user_id, coalesce(last_at, 'infinity')) where user_id is not null;
create unique index schedule_guests_id on app.schedule_guests (id);
comment on table app.schedule_guests is 'family: calendar.';
-- Whether a guest was ever written to.
create index mail_deliveries_guests on app.mail_deliveries (reference) where template = 'schedule_invitation';

create table app.schedule_responses (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  guest_id uuid not null,
  recurrence_id timestamp not null,
  -- `following`: to this occurrence and those after it, until the next row of the kind; `this` goes before `following`.
  applies_to text not null check (applies_to in ('this', 'following')),
  response text not null check (response in ('needs_action', 'accepted', 'declined', 'tentative')),
  responded_at timestamptz not null default now(),
  primary key (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to),
  foreign key (workspace_id, calendar_id, schedule_id, guest_id) references app.schedule_guests (workspace_id, calendar_id, schedule_id, id)
    on update cascade on delete cascade
);
comment on table app.schedule_responses is 'family: calendar.';

create table app.schedule_reminders (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  id uuid not null,
  -- Whom it reminds: it is theirs, and nobody else's.
  user_id uuid not null references app.users (id) on delete cascade,
  applies_to text not null default 'all' check (applies_to in ('all', 'this', 'following')),
  recurrence_id timestamp,
  -- Ends before this occurrence; null: with the series.
  until_recurrence_id timestamp,
  -- Occurrences that it leaves out.
  skips timestamp[] not null default '{}' check (cardinality(skips) <= 500),
  -- Either so many minutes before the start, or at a time of day, so many days before the day of the start, in the person's zone.
  minutes_before int check (minutes_before between 0 and 40320),
  local_time time,
  days_before int check (days_before between 0 and 28),
  channels text[] not null default '{in_app}' check (channels <@ '{in_app,email}' and cardinality(channels) > 0),
  -- When it is due next, and for which occurrence; -infinity, or for none: to be worked out then; null: never again.
  next_at timestamptz default '-infinity',
  next_recurrence_id timestamp,
  -- When the last was due that it reminded of: what was due before is not reminded of again.
  last_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, calendar_id, schedule_id, id),
  foreign key (workspace_id, calendar_id, schedule_id) references app.schedules (workspace_id, calendar_id, id)
    on update cascade on delete cascade,
  constraint schedule_reminders_when check ((minutes_before is null) = (local_time is not null) and (local_time is null) = (days_before is null)),
  constraint schedule_reminders_where check ((applies_to = 'all') = (recurrence_id is null)
    and (applies_to <> 'this' or until_recurrence_id is null and skips = '{}'))
);
create index schedule_reminders_due on app.schedule_reminders (next_at) where next_at is not null;
create index schedule_reminders_person on app.schedule_reminders (user_id);
create unique index schedule_reminders_id on app.schedule_reminders (id);
comment on table app.schedule_reminders is 'family: calendar.';

-- Every occurrence for every reader: subscribers, and guests who are none. Copies of what schedules and overrides say, without a
-- foreign key: whoever reads them joins schedules, so rows that are left over are seen by nobody until a job clears them away.
create table app.schedule_instances (
  calendar_id uuid not null,
  schedule_id uuid not null,
  -- Null: for everybody who reads the calendar.
  user_id uuid,
  recurrence_id timestamp not null,
  -- Of all-day and floating ones the wall clock, read as UTC.
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  is_override boolean not null,
  unique nulls not distinct (schedule_id, user_id, recurrence_id)
);
-- With what a view shows: in the table the rows of one person lie far apart, because a job writes schedule by schedule.
create index schedule_instances_user on app.schedule_instances (user_id, starts_at) include (schedule_id, recurrence_id, ends_at);
create index schedule_instances_shared on app.schedule_instances (calendar_id, starts_at) include (schedule_id, recurrence_id, ends_at)
  where user_id is null;
-- Those longer than a day, by their end: whoever reads a window finds the others by starts_at, a day before it at most.
create index schedule_instances_long on app.schedule_instances (user_id, ends_at) where ends_at - starts_at > interval '1 day';
create index schedule_instances_shared_long on app.schedule_instances (calendar_id, ends_at)
  where user_id is null and ends_at - starts_at > interval '1 day';
comment on table app.schedule_instances is 'family: private.';

-- What an exclusive calendar is taken by.
create table app.schedule_bookings (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  recurrence_id timestamp not null,
  during tstzrange not null check (not isempty(during)),
  primary key (workspace_id, calendar_id, schedule_id, recurrence_id),
  foreign key (workspace_id, calendar_id, schedule_id) references app.schedules (workspace_id, calendar_id, id)
    on update cascade on delete cascade,
  constraint schedule_bookings_overlap exclude using gist (calendar_id with =, during with &&)
);
comment on table app.schedule_bookings is 'family: calendar.';

-- What whoever synchronises must be told is gone.
create table app.schedule_tombstones (
  workspace_id uuid not null,
  calendar_id uuid not null,
  schedule_id uuid not null,
  seq bigint not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, calendar_id, schedule_id),
  foreign key (workspace_id, calendar_id) references app.calendars (workspace_id, id) on delete cascade
);
create index schedule_tombstones_seq on app.schedule_tombstones (workspace_id, calendar_id, seq);
create index schedule_tombstones_old on app.schedule_tombstones (created_at);
comment on table app.schedule_tombstones is 'family: calendar.';

-- Counts what changes for one person beside the calendars: subscriptions, schedules they are a guest of, their zone.
create table app.user_calendar_heads (
  user_id uuid primary key references app.users (id) on delete cascade,
  seq bigint not null default 0
) with (fillfactor = 50);
comment on table app.user_calendar_heads is 'family: private.';

-- Schedules that a person was a guest of.
create table app.guest_tombstones (
  user_id uuid not null references app.users (id) on delete cascade,
  schedule_id uuid not null,
  seq bigint not null,
  created_at timestamptz not null default now(),
  primary key (user_id, schedule_id)
);
create index guest_tombstones_old on app.guest_tombstones (created_at);
comment on table app.guest_tombstones is 'family: private.';

-- A subscriber's secret address of a calendar, for programs that read ICS. It shows what the subscriber may see.
create table app.calendar_feeds (
  workspace_id uuid not null,
  calendar_id uuid not null,
  user_id uuid not null,
  -- SHA-256 of the token in hex.
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(),
  last_read_at timestamptz,
  primary key (workspace_id, calendar_id, user_id),
  foreign key (workspace_id, calendar_id, user_id) references app.calendar_subscriptions (workspace_id, calendar_id, user_id) on delete cascade
);
comment on table app.calendar_feeds is 'family: calendar.';

-- What the zones in use were last found to be: a new tz database re-expands those that it changes.
create table app.time_zone_rules (
  time_zone text primary key,
  tz_version text not null,
  fingerprint text not null,
  -- Found to be another, and not all of its schedules have been told so yet.
  is_changing boolean not null default false,
  checked_at timestamptz not null default now()
);
comment on table app.time_zone_rules is 'family: private.';

alter table app.api_keys drop constraint api_keys_scopes_check;
alter table app.api_keys add constraint api_keys_scopes_check check (cardinality(scopes) >= 1
  and scopes <@ array['canvas:read', 'canvas:write', 'calendar:read', 'calendar:write', 'workspace:read', 'workspace:admin']);
