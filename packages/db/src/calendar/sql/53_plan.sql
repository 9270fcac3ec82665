-- How a schedule changes: `load_schedule_for_edit` takes the lock and reads all that an edit can touch, the service plans
-- (`rules/plan.ts`), `apply_schedule_plan` writes what was planned, in the same transaction.

-- A schedule with everything that hangs on its occurrences: the PlannedSchedule of `rules/plan-types.ts`.
create or replace function app.planned_schedule_json(s app.schedules) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.series_json(s) || jsonb_build_object('id', s.id, 'title', s.title, 'description', s.description, 'location', s.location,
    'url', s.url, 'status', s.status, 'transparency', s.transparency, 'color', s.color, 'visibility', s.visibility,
    'organiser_user_id', s.organiser_user_id, 'uid', s.uid, 'ics_properties', s.ics_properties,
    'overrides', coalesce((select jsonb_agg(app.override_json(o, s.is_all_day) || jsonb_build_object('ics_properties', o.ics_properties)
        order by o.recurrence_id)
      from schedule_overrides o
      where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id), '[]'),
    'guests', coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'user_id', g.user_id, 'email', g.email, 'name', g.name,
        'is_optional', g.is_optional, 'response', g.response, 'comment', g.comment, 'responded_at', app.iso(g.responded_at)) order by g.id)
      from schedule_guests g
      where g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id), '[]'),
    'responses', coalesce((select jsonb_agg(jsonb_build_object('guest_id', r.guest_id,
        'recurrence_id', app.local_json(r.recurrence_id, s.is_all_day), 'applies_to', r.applies_to, 'response', r.response,
        'responded_at', app.iso(r.responded_at)) order by r.guest_id, r.recurrence_id, r.applies_to)
      from schedule_responses r
      where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id and r.schedule_id = s.id), '[]'),
    'reminders', coalesce((select jsonb_agg(jsonb_build_object('id', r.id, 'user_id', r.user_id, 'applies_to', r.applies_to,
        'recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
        'until_recurrence_id', app.local_json(r.until_recurrence_id, s.is_all_day),
        'skips', app.local_list_json(r.skips, s.is_all_day), 'minutes_before', r.minutes_before, 'local_time', r.local_time,
        'days_before', r.days_before, 'channels', to_jsonb(r.channels)) order by r.id)
      from schedule_reminders r
      where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id and r.schedule_id = s.id), '[]'));
end $$;

-- For whoever changes only what they saw: p_version as it stands in a body (409), p_expected_version from If-Match (412). Null: any.
create or replace function app.check_schedule_version(p_schedule app.schedules, p_version int, p_expected_version int,
  p_role text, p_guest_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_expected_version <> p_schedule.version or p_version <> p_schedule.version then
    perform app.fail(case when p_expected_version <> p_schedule.version then 'PT412' else 'PT409' end, 'schedule.version_conflict',
      'The schedule was changed meanwhile.', jsonb_build_object('current', app.schedule_detail(p_schedule, p_role, p_guest_id)));
  end if;
end $$;

-- Reads a schedule for an edit of it by p_user_id. p_locks: takes the calendar's lock and its next seq, and locks what hangs on the
-- schedule until the transaction ends, so that the plan is still right when it is applied; without, it only reads (a dry run).
-- p_to_calendar_id: the calendar that the schedule is to be moved to, which the caller edits too; its lock is taken as well, in
-- the order of ids, so that two who move against each other do not wait for each other.
create or replace function app.load_schedule_for_edit(p_user_id uuid, p_schedule_id uuid, p_version int, p_expected_version int,
  p_locks boolean, p_to_calendar_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_access record;
  v_time_zone text;
  v_is_exclusive boolean;
  v_schedule schedules;
begin
  if p_to_calendar_id is not null then
    select m.* into v_time_zone, v_is_exclusive
    from app.prepare_schedule_move(p_user_id, p_schedule_id, p_to_calendar_id, p_locks) m;
  end if;
  if p_locks then
    v_access := app.lock_schedule(p_user_id, p_schedule_id, 'editor');
    perform from schedules s
    where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id for update;
    perform from schedule_guests g
    where g.workspace_id = v_access.workspace_id and g.calendar_id = v_access.calendar_id and g.schedule_id = p_schedule_id
    order by g.id for update;
    perform from schedule_reminders r
    where r.workspace_id = v_access.workspace_id and r.calendar_id = v_access.calendar_id and r.schedule_id = p_schedule_id
    order by r.id for update;
  else
    v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
  end if;
  select * into v_schedule from schedules s
  where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id;
  perform app.check_schedule_version(v_schedule, p_version, p_expected_version, v_access.role, v_access.guest_id);
  return (select jsonb_build_object('schedule', app.planned_schedule_json(v_schedule), 'version', v_schedule.version,
      'calendar_id', v_schedule.calendar_id, 'time_zone', coalesce(v_time_zone, c.time_zone),
      'is_exclusive', coalesce(v_is_exclusive, c.is_exclusive))
    from calendars c where c.workspace_id = v_access.workspace_id and c.id = v_access.calendar_id);
end $$;

-- Whether the schedule may be moved to this calendar by p_user_id, and both locks.
create or replace function app.prepare_schedule_move(p_user_id uuid, p_schedule_id uuid, p_to_calendar_id uuid, p_locks boolean,
  out time_zone text, out is_exclusive boolean)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_from record;
  v_to record;
  v_calendar_id uuid;
begin
  v_from := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
  v_to := app.set_calendar_context(p_user_id, p_to_calendar_id, 'editor');
  if v_to.workspace_id <> v_from.workspace_id then
    perform app.fail('PT400', 'schedule.other_workspace', 'A schedule moves within its workspace.', '{"pointer": "/calendar_id"}');
  end if;
  select c.time_zone, c.is_exclusive into prepare_schedule_move.time_zone, prepare_schedule_move.is_exclusive
  from calendars c where c.workspace_id = v_to.workspace_id and c.id = p_to_calendar_id;
  if p_locks then
    for v_calendar_id in select x from unnest(array[v_from.calendar_id, p_to_calendar_id]) x order by x loop
      perform app.set_calendar_context(p_user_id, v_calendar_id, case when v_calendar_id = p_to_calendar_id then 'editor' else 'freebusy' end);
      perform app.next_calendar_seq(v_from.workspace_id, v_calendar_id);
    end loop;
  end if;
end $$;

-- Makes these the overrides of a schedule. A row that is so already is not written.
create or replace function app.write_overrides(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_list jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  delete from schedule_overrides o
  where o.workspace_id = p_workspace_id and o.calendar_id = p_calendar_id and o.schedule_id = p_schedule_id
    and not exists (select from jsonb_to_recordset(p_list) n (recurrence_id timestamp) where n.recurrence_id = o.recurrence_id);
  insert into schedule_overrides as o (workspace_id, calendar_id, schedule_id, recurrence_id, is_cancelled, starts_local, duration_seconds,
    title, description, location, url, status, transparency, ics_properties)
  select p_workspace_id, p_calendar_id, p_schedule_id, n.recurrence_id, n.is_cancelled, n.starts_local, n.duration_seconds,
    n.title, n.description, n.location, n.url, n.status, n.transparency, nullif(n.ics_properties, 'null')
  from jsonb_to_recordset(p_list) n (recurrence_id timestamp, is_cancelled boolean, starts_local timestamp, duration_seconds int,
    title text, description text, location text, url text, status text, transparency text, ics_properties jsonb)
  on conflict (workspace_id, calendar_id, schedule_id, recurrence_id) do update
  set is_cancelled = excluded.is_cancelled, starts_local = excluded.starts_local, duration_seconds = excluded.duration_seconds,
    title = excluded.title, description = excluded.description, location = excluded.location, url = excluded.url,
    status = excluded.status, transparency = excluded.transparency, ics_properties = excluded.ics_properties
  where (o.is_cancelled, o.starts_local, o.duration_seconds, o.title, o.description, o.location, o.url, o.status, o.transparency, o.ics_properties)
    is distinct from (excluded.is_cancelled, excluded.starts_local, excluded.duration_seconds, excluded.title, excluded.description,
      excluded.location, excluded.url, excluded.status, excluded.transparency, excluded.ics_properties);
end $$;

-- Makes these the answers of guests to single occurrences.
create or replace function app.write_responses(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_list jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  delete from schedule_responses r
  where r.workspace_id = p_workspace_id and r.calendar_id = p_calendar_id and r.schedule_id = p_schedule_id
    and not exists (select from jsonb_to_recordset(p_list) n (guest_id uuid, recurrence_id timestamp, applies_to text)
      where n.guest_id = r.guest_id and n.recurrence_id = r.recurrence_id and n.applies_to = r.applies_to);
  insert into schedule_responses as r (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response, responded_at)
  select p_workspace_id, p_calendar_id, p_schedule_id, n.guest_id, n.recurrence_id, n.applies_to, n.response, n.responded_at
  from jsonb_to_recordset(p_list) n (guest_id uuid, recurrence_id timestamp, applies_to text, response text, responded_at timestamptz)
  on conflict (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to) do update
  set response = excluded.response, responded_at = excluded.responded_at
  where (r.response, r.responded_at) is distinct from (excluded.response, excluded.responded_at);
end $$;

-- Makes these the reminders of a schedule; when each is due next is to be worked out anew.
create or replace function app.write_reminders(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_list jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  delete from schedule_reminders r
  where r.workspace_id = p_workspace_id and r.calendar_id = p_calendar_id and r.schedule_id = p_schedule_id
    and not exists (select from jsonb_to_recordset(p_list) n (id uuid) where n.id = r.id);
  insert into schedule_reminders (workspace_id, calendar_id, schedule_id, id, user_id, applies_to, recurrence_id, until_recurrence_id,
    skips, minutes_before, local_time, days_before, channels)
  select p_workspace_id, p_calendar_id, p_schedule_id, n.id, n.user_id, n.applies_to, n.recurrence_id, n.until_recurrence_id,
    app.local_times(n.skips), n.minutes_before, n.local_time, n.days_before, app.text_items(n.channels)
  from jsonb_to_recordset(p_list) n (id uuid, user_id uuid, applies_to text, recurrence_id timestamp, until_recurrence_id timestamp,
    skips jsonb, minutes_before int, local_time time, days_before int, channels jsonb)
  on conflict (workspace_id, calendar_id, schedule_id, id) do update
  set applies_to = excluded.applies_to, recurrence_id = excluded.recurrence_id, until_recurrence_id = excluded.until_recurrence_id,
    skips = excluded.skips, next_at = '-infinity', next_recurrence_id = null;
end $$;

-- Its guests see what changed: their own seq goes on, and stands with them. Returns those who have an account.
create or replace function app.touch_schedule_guests(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_user_ids constant uuid[] := array(select g.user_id from schedule_guests g where g.workspace_id = p_workspace_id
    and g.calendar_id = p_calendar_id and g.schedule_id = p_schedule_id and g.user_id is not null);
begin
  if cardinality(v_user_ids) > 0 then
    update schedule_guests g set seq = h.seq
    from app.bump_user_calendars(v_user_ids) h
    where g.workspace_id = p_workspace_id and g.calendar_id = p_calendar_id and g.schedule_id = p_schedule_id and g.user_id = h.user_id;
  end if;
  return v_user_ids;
end $$;

-- Tells these guests, when they synchronise, that the schedule is gone for them. To be called while they still are guests of it: of
-- others nothing is written. The caller has the calendar's context.
create or replace function app.bury_schedule_guests(p_schedule_id uuid, p_user_ids uuid[]) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_guests constant uuid[] := array(select g.user_id from schedule_guests g
    where g.workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid
      and g.calendar_id = nullif(current_setting('app.calendar_id', true), '')::uuid
      and g.schedule_id = p_schedule_id and g.user_id = any (p_user_ids));
begin
  insert into guest_tombstones as t (user_id, schedule_id, seq)
  select h.user_id, p_schedule_id, h.seq from app.bump_user_calendars(v_guests) h
  on conflict (user_id, schedule_id) do update set seq = excluded.seq, created_at = now();
end $$;

-- Tells these people on `/ws/me`, except who did it.
create or replace function app.notify_of_schedule(p_user_ids uuid[], p_type text, p_schedule app.schedules, p_edit jsonb,
  p_actor_user_id uuid, p_request_id text, p_traceparent text) returns boolean
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', p_schedule.workspace_id, u.id,
    jsonb_build_object('user_id', u.id, 'type', p_type, 'schedule_id', p_schedule.id, 'calendar_id', p_schedule.calendar_id,
      'title', p_schedule.title, 'scope', p_edit ->> 'scope', 'recurrence_id', p_edit ->> 'recurrence_id', 'actor_user_id', p_actor_user_id),
    p_traceparent, p_request_id
  from unnest(p_user_ids) u (id) where u.id <> p_actor_user_id;
  return found;
end $$;

grant execute on function app.planned_schedule_json, app.check_schedule_version, app.load_schedule_for_edit, app.prepare_schedule_move,
  app.write_overrides, app.write_responses, app.write_reminders, app.touch_schedule_guests, app.bury_schedule_guests,
  app.notify_of_schedule to app_user;
