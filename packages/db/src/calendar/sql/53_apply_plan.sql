-- Audit rows are for the admins of the workspace, whoever reads the calendar: of what is private they tell that it changed, not what
-- it says.
create or replace function app.hide_words(p_row jsonb, p_is_private boolean) returns jsonb language sql immutable parallel safe
  return case when not p_is_private then p_row else coalesce((select jsonb_object_agg(r.key, case
      when r.key in ('title', 'description', 'location', 'url') and r.value <> 'null' then '"(private)"' else r.value end)
    from jsonb_each(p_row) r), p_row) end;

-- Of a schedule as JSON the fields that changed, short enough for an audit row.
create or replace function app.brief_fields(p_row jsonb, p_fields jsonb) returns jsonb language sql immutable parallel safe
  return coalesce((select jsonb_object_agg(r.key, case
      when jsonb_typeof(r.value) = 'string' then to_jsonb(left(r.value #>> '{}', 200))
      when jsonb_typeof(r.value) = 'array' and jsonb_array_length(r.value) > 20 then jsonb_build_object('count', jsonb_array_length(r.value))
      else r.value end)
    from jsonb_each(p_row) r where p_fields ? r.key), '{}');

create or replace function app.find_override(p_schedule app.schedules, p_recurrence_id text) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select jsonb_strip_nulls(app.override_json(o, p_schedule.is_all_day)) from schedule_overrides o
    where o.workspace_id = p_schedule.workspace_id and o.calendar_id = p_schedule.calendar_id and o.schedule_id = p_schedule.id
      and o.recurrence_id = p_recurrence_id::timestamp);
end $$;

-- p_write of these: what `rules/plan-types.ts` calls a ScheduleWrite, with first_at, last_at and bookings; overrides, responses,
-- reminders and bookings are absent where they stay as they are. p_edit: action, scope, recurrence_id. Each is called under the lock.
create or replace function app.apply_schedule_update(p_user_id uuid, p_before app.schedules, p_seq bigint, p_write jsonb, p_edit jsonb,
  p_request_id text, p_traceparent text) returns app.schedules
language plpgsql set search_path = app, pg_temp as $$
declare
  v_fields constant jsonb := p_write -> 'fields';
  v_is_one constant boolean := p_edit ->> 'scope' = 'this';
  v_is_private constant boolean := 'private' in (p_before.visibility, v_fields ->> 'visibility');
  v_told_before jsonb := app.brief_fields(app.schedule_json(p_before), p_write -> 'changed');
  v_told_after jsonb;
  v_after schedules;
begin
  if v_is_one then
    v_told_before := v_told_before || jsonb_build_object('override',
      app.hide_words(app.find_override(p_before, p_edit ->> 'recurrence_id'), v_is_private));
  end if;
  update schedules s
  set organiser_user_id = (v_fields ->> 'organiser_user_id')::uuid, title = v_fields ->> 'title', description = v_fields ->> 'description',
    location = v_fields ->> 'location', url = v_fields ->> 'url', color = v_fields ->> 'color', status = v_fields ->> 'status',
    transparency = v_fields ->> 'transparency', visibility = v_fields ->> 'visibility', is_all_day = (v_fields ->> 'is_all_day')::boolean,
    starts_local = (v_fields ->> 'starts_local')::timestamp, time_zone = v_fields ->> 'time_zone',
    duration_seconds = (v_fields ->> 'duration_seconds')::int, rrule = v_fields ->> 'rrule', rdates = app.local_times(v_fields -> 'rdates'),
    exdates = app.local_times(v_fields -> 'exdates'), ics_properties = nullif(v_fields -> 'ics_properties', 'null'),
    first_at = (p_write ->> 'first_at')::timestamptz, last_at = (p_write ->> 'last_at')::timestamptz,
    seq = p_seq, version = s.version + 1, updated_at = clock_timestamp()
  where s.workspace_id = p_before.workspace_id and s.calendar_id = p_before.calendar_id and s.id = p_before.id;
  if p_write ? 'overrides' then
    perform app.write_overrides(p_before.workspace_id, p_before.calendar_id, p_before.id, p_write -> 'overrides');
  end if;
  if p_write ? 'responses' then
    perform app.write_responses(p_before.workspace_id, p_before.calendar_id, p_before.id, p_write -> 'responses');
  end if;
  if p_write ? 'reminders' then
    perform app.write_reminders(p_before.workspace_id, p_before.calendar_id, p_before.id, p_write -> 'reminders');
  end if;
  if p_write ? 'bookings' then
    perform app.book_schedule(p_before.workspace_id, p_before.calendar_id, p_before.id, nullif(p_write -> 'bookings', 'null'));
  end if;
  if (p_write ->> 'occurrences_changed')::boolean then
    perform app.uncover_schedule(p_before.workspace_id, p_before.calendar_id, p_before.id, p_request_id, p_traceparent);
  end if;
  select * into v_after from schedules s
  where s.workspace_id = p_before.workspace_id and s.calendar_id = p_before.calendar_id and s.id = p_before.id;
  if (p_write ? 'overrides' or app.is_told_by_mail(p_write -> 'changed'))
    and (v_after.last_at is null or p_before.last_at is null or greatest(v_after.last_at, p_before.last_at) > now()) then
    perform app.mail_guests(v_after, 'updated', null, p_request_id, p_traceparent);
  end if;
  v_told_after := app.brief_fields(app.schedule_json(v_after), p_write -> 'changed') || jsonb_build_object('scope', p_edit -> 'scope');
  if p_edit ->> 'recurrence_id' is not null then
    v_told_after := v_told_after || jsonb_build_object('recurrence_id', p_edit -> 'recurrence_id');
  end if;
  if v_is_one then
    v_told_after := v_told_after || jsonb_build_object('override',
      app.hide_words(app.find_override(v_after, p_edit ->> 'recurrence_id'), v_is_private));
  end if;
  perform app.append_audit(p_user_id, p_before.workspace_id, null, p_edit ->> 'action', 'schedule', p_before.id::text,
    app.hide_words(v_told_before, v_is_private), app.hide_words(v_told_after, v_is_private), p_request_id);
  return v_after;
end $$;

-- What `following` cuts off: a schedule of its own, with its own rows for the same guests.
create or replace function app.apply_schedule_cut(p_user_id uuid, p_from app.schedules, p_seq bigint, p_write jsonb,
  p_request_id text, p_traceparent text) returns app.schedules
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := (p_write ->> 'id')::uuid;
  v_schedule schedules;
begin
  v_schedule := app.insert_schedule(p_user_id, p_from.workspace_id, p_from.calendar_id, v_id, p_seq, p_write -> 'fields',
    (p_write ->> 'first_at')::timestamptz, (p_write ->> 'last_at')::timestamptz);
  insert into schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, email, name, is_optional, response, comment,
    responded_at, created_by)
  select p_from.workspace_id, p_from.calendar_id, v_id, g.id, g.user_id, g.email, g.name, g.is_optional, g.response, g.comment,
    g.responded_at, p_user_id
  from jsonb_to_recordset(p_write -> 'guests') g (id uuid, user_id uuid, email text, name text, is_optional boolean, response text,
    comment text, responded_at timestamptz);
  perform app.write_overrides(p_from.workspace_id, p_from.calendar_id, v_id, p_write -> 'overrides');
  perform app.write_responses(p_from.workspace_id, p_from.calendar_id, v_id, p_write -> 'responses');
  perform app.write_reminders(p_from.workspace_id, p_from.calendar_id, v_id, p_write -> 'reminders');
  perform app.book_schedule(p_from.workspace_id, p_from.calendar_id, v_id, nullif(p_write -> 'bookings', 'null'));
  perform app.touch_schedule_guests(p_from.workspace_id, p_from.calendar_id, v_id);
  perform app.mail_guests(v_schedule, 'invited', array(select n.id from jsonb_to_recordset(p_write -> 'guests') n (id uuid, copy_of uuid)
    join schedule_guests g on g.workspace_id = p_from.workspace_id and g.calendar_id = p_from.calendar_id and g.schedule_id = p_from.id
      and g.id = n.copy_of and g.mail_id is not null), p_request_id, p_traceparent);
  perform app.append_audit(p_user_id, p_from.workspace_id, null, 'schedule.create', 'schedule', v_id::text, null,
    app.schedule_summary(v_schedule) || jsonb_build_object('cut_off_from', p_from.id), p_request_id);
  perform app.request_instances(p_from.workspace_id, v_id, p_request_id, p_traceparent);
  return v_schedule;
end $$;

create or replace function app.apply_schedule_delete(p_user_id uuid, p_before app.schedules, p_seq bigint, p_edit jsonb,
  p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.bury_schedule_guests(p_before.id, array(select g.user_id from schedule_guests g where g.workspace_id = p_before.workspace_id
    and g.calendar_id = p_before.calendar_id and g.schedule_id = p_before.id and g.user_id is not null));
  if p_before.status <> 'cancelled' and (p_before.last_at is null or p_before.last_at > now()) then
    perform app.mail_cancellations(p_before, null, p_request_id, p_traceparent);
  end if;
  insert into schedule_tombstones (workspace_id, calendar_id, schedule_id, seq)
  values (p_before.workspace_id, p_before.calendar_id, p_before.id, p_seq)
  on conflict (workspace_id, calendar_id, schedule_id) do update set seq = excluded.seq, created_at = now();
  delete from schedules s where s.workspace_id = p_before.workspace_id and s.calendar_id = p_before.calendar_id and s.id = p_before.id;
  perform app.append_audit(p_user_id, p_before.workspace_id, null, p_edit ->> 'action', 'schedule', p_before.id::text,
    app.schedule_summary(p_before), null, p_request_id);
  perform app.request_instances(p_before.workspace_id, p_before.id, p_request_id, p_traceparent);
end $$;

-- Writes what was planned of the schedule as `load_schedule_for_edit` read it in this transaction. p_version: the one that was read.
-- schedule: as it stands then, null when it is gone; cut_off: what `following` made; notified: there are outbox rows for people.
create or replace function app.apply_schedule_plan(p_user_id uuid, p_schedule_id uuid, p_version int, p_writes jsonb, p_edit jsonb,
  p_request_id text, p_traceparent text, out schedule jsonb, out cut_off jsonb, out notified boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_access record;
  v_seq bigint;
  v_before schedules;
  v_after schedules;
  v_cut schedules;
  v_guests uuid[];
  v_write jsonb;
begin
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
  select c.seq into v_seq from calendars c where c.workspace_id = v_access.workspace_id and c.id = v_access.calendar_id;
  select * into v_before from schedules s
  where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id;
  perform app.check_schedule_version(v_before, p_version, null, v_access.role, v_access.guest_id);
  v_guests := app.touch_schedule_guests(v_access.workspace_id, v_access.calendar_id, p_schedule_id);
  v_after := v_before;
  for v_write in select w.x from jsonb_array_elements(p_writes) with ordinality w (x, place) order by w.place loop
    case v_write ->> 'op'
      when 'update' then
        v_after := app.apply_schedule_update(p_user_id, v_before, v_seq, v_write, p_edit, p_request_id, p_traceparent);
      when 'create' then
        v_cut := app.apply_schedule_cut(p_user_id, v_before, v_seq, v_write, p_request_id, p_traceparent);
      when 'delete' then
        perform app.apply_schedule_delete(p_user_id, v_before, v_seq, p_edit, p_request_id, p_traceparent);
        v_after := null;
    end case;
  end loop;
  notified := app.notify_of_schedule(v_guests, case when v_after.id is null or p_edit ->> 'action' = 'schedule.delete'
      or (v_after.status = 'cancelled' and v_before.status <> 'cancelled') then 'schedule.cancelled' else 'schedule.updated' end,
    coalesce(v_after, v_before), p_edit, p_user_id, p_request_id, p_traceparent);
  if v_after.id is not null then
    schedule := app.schedule_detail(v_after, v_access.role, v_access.guest_id);
  end if;
  if v_cut.id is not null then
    cut_off := app.schedule_detail(v_cut, v_access.role, (select g.id from schedule_guests g where g.workspace_id = v_cut.workspace_id
      and g.calendar_id = v_cut.calendar_id and g.schedule_id = v_cut.id and g.user_id = p_user_id));
  end if;
end $$;

-- Moves a whole schedule to another calendar of its workspace, with everything that hangs on it. Definer, since under the context of
-- one calendar nobody writes into another: it asks of both what they ask. p_bookings: what it takes of the other one, as in create_schedule.
create or replace function app.move_schedule_to_calendar(p_user_id uuid, p_schedule_id uuid, p_to_calendar_id uuid, p_bookings jsonb,
  p_request_id text, p_traceparent text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_from record;
  v_access record;
  v_schedule schedules;
begin
  perform app.prepare_schedule_move(p_user_id, p_schedule_id, p_to_calendar_id, true);
  v_from := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
  if v_from.calendar_id <> p_to_calendar_id then
    delete from schedule_bookings b
    where b.workspace_id = v_from.workspace_id and b.calendar_id = v_from.calendar_id and b.schedule_id = p_schedule_id;
    insert into schedule_tombstones (workspace_id, calendar_id, schedule_id, seq)
    select c.workspace_id, c.id, p_schedule_id, c.seq from calendars c where c.workspace_id = v_from.workspace_id and c.id = v_from.calendar_id
    on conflict (workspace_id, calendar_id, schedule_id) do update set seq = excluded.seq, created_at = now();
    delete from schedule_tombstones t
    where t.workspace_id = v_from.workspace_id and t.calendar_id = p_to_calendar_id and t.schedule_id = p_schedule_id;
    perform app.check_room_for_schedule(v_from.workspace_id, p_to_calendar_id);
    begin
      update schedules s set calendar_id = p_to_calendar_id, version = s.version + 1, updated_at = clock_timestamp(),
        seq = (select c.seq from calendars c where c.workspace_id = v_from.workspace_id and c.id = p_to_calendar_id)
      where s.workspace_id = v_from.workspace_id and s.calendar_id = v_from.calendar_id and s.id = p_schedule_id;
    exception when unique_violation then
      perform app.fail('PT409', 'schedule.uid_taken', 'That calendar holds a copy of this schedule already.', '{"pointer": "/calendar_id"}');
    end;
    v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
    perform app.uncover_schedule(v_from.workspace_id, p_to_calendar_id, p_schedule_id, p_request_id, p_traceparent);
    perform app.book_schedule(v_from.workspace_id, p_to_calendar_id, p_schedule_id, p_bookings);
    perform app.touch_schedule_guests(v_from.workspace_id, p_to_calendar_id, p_schedule_id);
    perform app.append_audit(p_user_id, v_from.workspace_id, null, 'schedule.move', 'schedule', p_schedule_id::text,
      jsonb_build_object('calendar_id', v_from.calendar_id), jsonb_build_object('calendar_id', p_to_calendar_id), p_request_id);
  end if;
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'editor');
  select * into v_schedule from schedules s
  where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id;
  return app.schedule_detail(v_schedule, v_access.role, v_access.guest_id);
end $$;

grant execute on function app.hide_words, app.brief_fields, app.find_override, app.apply_schedule_update, app.apply_schedule_cut, app.apply_schedule_delete,
  app.apply_schedule_plan, app.move_schedule_to_calendar to app_user;
