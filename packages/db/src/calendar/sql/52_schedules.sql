-- What a schedule says, to everybody who may read it.
create or replace function app.schedule_json(s app.schedules) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (s).id, 'workspace_id', (s).workspace_id, 'calendar_id', (s).calendar_id, 'uid', (s).uid,
    'organiser_user_id', (s).organiser_user_id, 'title', (s).title, 'description', (s).description, 'location', (s).location,
    'url', (s).url, 'color', (s).color, 'status', (s).status, 'transparency', (s).transparency, 'visibility', (s).visibility,
    'is_all_day', (s).is_all_day, 'starts_local', app.local_json((s).starts_local, (s).is_all_day), 'time_zone', (s).time_zone,
    'duration_seconds', (s).duration_seconds, 'rrule', (s).rrule)
    || jsonb_build_object('rdates', app.local_list_json((s).rdates, (s).is_all_day),
    'exdates', app.local_list_json((s).exdates, (s).is_all_day), 'first_at', app.iso((s).first_at), 'last_at', app.iso((s).last_at),
    'sequence', (s).sequence, 'version', (s).version, 'created_by', (s).created_by, 'created_at', app.iso((s).created_at),
    'updated_at', app.iso((s).updated_at));

-- The same for one reader, who has the context: p_role is what they may do with it, p_guest_id their own row among its guests.
create or replace function app.present_schedule(p_schedule app.schedules, p_role text, p_guest_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.schedule_json(p_schedule) || jsonb_build_object('role', p_role,
    'guest_count', (select count(*) from schedule_guests g where g.workspace_id = p_schedule.workspace_id
      and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id),
    'override_count', (select count(*) from schedule_overrides o where o.workspace_id = p_schedule.workspace_id
      and o.calendar_id = p_schedule.calendar_id and o.schedule_id = p_schedule.id),
    'my_guest_id', p_guest_id,
    'my_response', (select g.response from schedule_guests g where g.workspace_id = p_schedule.workspace_id
      and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id and g.id = p_guest_id));
end $$;

-- With what single occurrences have of their own, in the order of time.
create or replace function app.schedule_detail(p_schedule app.schedules, p_role text, p_guest_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.present_schedule(p_schedule, p_role, p_guest_id) || jsonb_build_object('overrides', coalesce((
    select jsonb_agg(app.override_json(o, p_schedule.is_all_day) order by o.recurrence_id)
    from schedule_overrides o where o.workspace_id = p_schedule.workspace_id and o.calendar_id = p_schedule.calendar_id
      and o.schedule_id = p_schedule.id), '[]'));
end $$;

-- What audit rows tell of a schedule.
create or replace function app.schedule_summary(s app.schedules) returns jsonb language plpgsql stable parallel safe
set search_path = app, pg_temp as $$
begin
  return app.hide_words(jsonb_build_object('title', left(s.title, 200), 'calendar_id', s.calendar_id,
    'starts_local', app.local_json(s.starts_local, s.is_all_day), 'time_zone', s.time_zone,
    'duration_seconds', s.duration_seconds, 'rrule', s.rrule), s.visibility = 'private');
end $$;

create or replace function app.get_schedule(p_user_id uuid, p_schedule_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_access record;
  v_schedule schedules;
begin
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'viewer');
  select * into v_schedule from schedules s
  where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id;
  return app.schedule_detail(v_schedule, v_access.role, v_access.guest_id);
end $$;

-- The schedules of a calendar in the order of their making, for whoever reads it. Of private ones those that app.decide_schedule_access
-- lets them read, whose rule for one calendar this is. The cursor is the id of the last row read: ids are in the order of their making.
create or replace function app.list_schedules(p_user_id uuid, p_calendar_id uuid, p_cursor_id uuid, p_limit int)
returns table (schedule jsonb)
-- One plan, off the index in its order, as far as the page goes.
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan set enable_sort = off as $$
declare
  v_after_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
  v_limit constant int := least(greatest(p_limit, 1), 1001);
  v_access record;
begin
  v_access := app.set_calendar_context(p_user_id, p_calendar_id, 'viewer');
  return query
    select app.present_schedule(p.s, p.role, p.guest_id)
    from (
      select s, g.id as guest_id, a.role
      from schedules s
      left join schedule_guests g on g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id
        and g.user_id = p_user_id
      cross join lateral (
        select app.schedule_role(p_user_id, s.organiser_user_id, s.visibility, v_access.role, g.id is not null) as role) a
      where s.workspace_id = v_access.workspace_id and s.calendar_id = p_calendar_id and s.id > v_after_id and a.role is not null
      order by s.id limit v_limit
    ) p (s, guest_id, role)
    order by ((p.s).id);
end $$;

-- What a schedule of this calendar (null: of the person's own) is made by: the zone that it has unless it says otherwise, and whether
-- it books.
create or replace function app.prepare_schedule(p_user_id uuid, p_calendar_id uuid, out calendar_id uuid, out time_zone text,
  out is_exclusive boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  calendar_id := coalesce(p_calendar_id, app.default_calendar(p_user_id));
  if calendar_id is null then
    perform app.fail('PT400', 'request.invalid', 'Required: you have no calendar of your own in your personal space.',
      '{"pointer": "/calendar_id"}');
  end if;
  v_workspace_id := (app.set_calendar_context(p_user_id, calendar_id, 'editor')).workspace_id;
  select c.time_zone, c.is_exclusive into prepare_schedule.time_zone, prepare_schedule.is_exclusive
  from calendars c where c.workspace_id = v_workspace_id and c.id = prepare_schedule.calendar_id;
end $$;

create or replace function app.check_room_for_schedule(p_workspace_id uuid, p_calendar_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 50000;
begin
  if (select count(*) from (select from schedules s where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id limit v_max) n) >= v_max then
    perform app.fail('PT409', 'calendar.full', format('A calendar holds at most %s schedules.', v_max));
  end if;
end $$;

-- Puts a row where p_fields (columns as they are named) says. The caller has the context and the lock.
create or replace function app.insert_schedule(p_user_id uuid, p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid,
  p_seq bigint, p_fields jsonb, p_first_at timestamptz, p_last_at timestamptz) returns app.schedules
language plpgsql set search_path = app, pg_temp as $$
declare
  v_schedule schedules;
begin
  perform app.check_room_for_schedule(p_workspace_id, p_calendar_id);
  insert into schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, description, location, url, color, status,
    transparency, visibility, is_all_day, starts_local, time_zone, duration_seconds, rrule, rdates, exdates, ics_properties,
    first_at, last_at, seq, created_by, created_at, updated_at)
  values (p_schedule_id, p_workspace_id, p_calendar_id, p_fields ->> 'uid', (p_fields ->> 'organiser_user_id')::uuid,
    p_fields ->> 'title', p_fields ->> 'description', p_fields ->> 'location', p_fields ->> 'url', p_fields ->> 'color',
    p_fields ->> 'status', p_fields ->> 'transparency', p_fields ->> 'visibility', (p_fields ->> 'is_all_day')::boolean,
    (p_fields ->> 'starts_local')::timestamp, p_fields ->> 'time_zone', (p_fields ->> 'duration_seconds')::int,
    p_fields ->> 'rrule', app.local_times(p_fields -> 'rdates'), app.local_times(p_fields -> 'exdates'),
    nullif(p_fields -> 'ics_properties', 'null'), p_first_at, p_last_at, p_seq, p_user_id, clock_timestamp(), clock_timestamp())
  returning * into v_schedule;
  return v_schedule;
end $$;

-- One statement makes a schedule. p_fields: its columns; first_at and last_at too. p_bookings: what it takes of an exclusive
-- calendar, [{recurrence_id, starts_at, ends_at}]; null when nobody asked for them, because the calendar was not exclusive.
-- `guests` in p_fields: as app.add_schedule_guests takes them; absent: none.
create or replace function app.create_schedule(p_user_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_fields jsonb,
  p_bookings jsonb, p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_lock record;
  v_schedule schedules;
begin
  v_lock := app.lock_calendar(p_user_id, p_calendar_id, 'editor');
  v_schedule := app.insert_schedule(p_user_id, v_lock.workspace_id, p_calendar_id, p_schedule_id, v_lock.seq, p_fields,
    (p_fields ->> 'first_at')::timestamptz, (p_fields ->> 'last_at')::timestamptz);
  perform app.book_schedule(v_lock.workspace_id, p_calendar_id, p_schedule_id, p_bookings);
  perform app.append_audit(p_user_id, v_lock.workspace_id, null, 'schedule.create', 'schedule', p_schedule_id::text,
    null, app.schedule_summary(v_schedule), p_request_id);
  perform app.add_schedule_guests(p_user_id, v_schedule, p_fields -> 'guests', '/guests', true, p_request_id, p_traceparent);
  perform app.request_instances(v_lock.workspace_id, p_schedule_id, p_request_id, p_traceparent);
  return app.schedule_detail(v_schedule, 'editor', (select g.id from schedule_guests g where g.workspace_id = v_lock.workspace_id
    and g.calendar_id = p_calendar_id and g.schedule_id = p_schedule_id and g.user_id = p_user_id));
end $$;

-- The bookings of one schedule from JSON, the calendar being exclusive; null: nobody has worked them out, which is wrong only
-- when the calendar became exclusive meanwhile.
create or replace function app.book_schedule(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_bookings jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_ids timestamp[];
  v_starts timestamptz[];
  v_ends timestamptz[];
begin
  if p_bookings is null then
    perform from calendars c where c.workspace_id = p_workspace_id and c.id = p_calendar_id and c.is_exclusive;
    if found then
      perform app.fail('PT409', 'calendar.changed', 'The calendar was changed meanwhile; try again.');
    end if;
    return;
  end if;
  select array_agg(b.recurrence_id), array_agg(b.starts_at), array_agg(b.ends_at) into v_ids, v_starts, v_ends
  from jsonb_to_recordset(p_bookings) b (recurrence_id timestamp, starts_at timestamptz, ends_at timestamptz);
  perform app.write_bookings(p_workspace_id, p_calendar_id, p_schedule_id, v_ids, v_starts, v_ends);
end $$;

grant execute on function app.schedule_json, app.present_schedule, app.schedule_detail, app.schedule_summary, app.get_schedule,
  app.list_schedules, app.prepare_schedule, app.check_room_for_schedule, app.insert_schedule, app.create_schedule, app.book_schedule to app_user;
