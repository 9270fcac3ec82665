-- What audit rows tell of a guest.
create or replace function app.guest_summary(g app.schedule_guests) returns jsonb language sql stable parallel safe
  return jsonb_strip_nulls(jsonb_build_object('schedule_id', (g).schedule_id, 'user_id', (g).user_id, 'email', (g).email,
    'name', (g).name, 'is_optional', (g).is_optional, 'response', (g).response));

-- Where the answer of a guest to an occurrence is another than to the series.
create or replace function app.guest_responses(g app.schedule_guests, p_is_all_day boolean) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce((
    select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, p_is_all_day), 'applies_to', r.applies_to,
      'response', r.response) order by r.recurrence_id, r.applies_to)
    from schedule_responses r where r.workspace_id = g.workspace_id and r.calendar_id = g.calendar_id
      and r.schedule_id = g.schedule_id and r.guest_id = g.id), '[]');
end $$;

-- A guest as everybody who reads the schedule sees them. p_name: that of the account; who has none goes by the name they were given.
create or replace function app.guest_json(g app.schedule_guests, p_name text, p_is_all_day boolean) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return jsonb_build_object('id', g.id, 'schedule_id', g.schedule_id, 'user_id', g.user_id, 'email', g.email,
    'name', case when g.user_id is null then g.name else p_name end, 'is_optional', g.is_optional, 'response', g.response,
    'comment', g.comment, 'responded_at', app.iso(g.responded_at), 'responses', app.guest_responses(g, p_is_all_day),
    'created_by', g.created_by, 'created_at', app.iso(g.created_at), 'updated_at', app.iso(g.updated_at));
end $$;

-- In the order of their making. p_guest_ids: these alone; the cursor is the id of the last row read. Definer because of the names of
-- the accounts: app.set_schedule_context decides who reads.
create or replace function app.list_schedule_guests(p_user_id uuid, p_schedule_id uuid, p_guest_ids uuid[], p_cursor_id uuid, p_limit int)
returns table (guest jsonb)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_after_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
  v_access record;
begin
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'viewer');
  return query
    select app.guest_json(g, u.name, s.is_all_day)
    from schedule_guests g
    join schedules s on s.workspace_id = g.workspace_id and s.calendar_id = g.calendar_id and s.id = g.schedule_id
    left join users u on u.id = g.user_id
    where g.workspace_id = v_access.workspace_id and g.calendar_id = v_access.calendar_id and g.schedule_id = p_schedule_id
      and g.id > v_after_id and (p_guest_ids is null or g.id = any (p_guest_ids))
    order by g.id limit least(greatest(p_limit, 1), 1001);
end $$;

-- Whom an editor means by these: [{id, user_id | email, name, is_optional}], each with its place. An address of somebody in the
-- calendar's workspace is that person; of a user_id who is nobody there, `unknown` is true. Tells nothing of anybody outside of it.
create or replace function app.find_invitees(p_user_id uuid, p_calendar_id uuid, p_guests jsonb)
returns table (place int, id uuid, user_id uuid, email text, name text, is_optional boolean, unknown boolean)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_access record;
begin
  select d.workspace_id, d.role into v_access from app.decide_calendar_access(p_user_id, p_calendar_id) d;
  if v_access.role is null then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  elsif v_access.role = 'freebusy' then
    perform app.fail('PT403', 'calendar.forbidden', 'Your role on this calendar does not allow this.');
  end if;
  return query
    select (i.place - 1)::int, (i.x ->> 'id')::uuid, p.id, case when p.id is null then i.x ->> 'email' end,
      case when p.id is null then i.x ->> 'name' end, coalesce((i.x ->> 'is_optional')::boolean, false),
      p.id is null and i.x ->> 'user_id' is not null
    from jsonb_array_elements(p_guests) with ordinality i (x, place)
    left join lateral (
      select u.id from users u
      where (u.id = (i.x ->> 'user_id')::uuid or lower(u.email) = i.x ->> 'email') and u.kind = 'person'
        and app.find_workspace_role(u.id, v_access.workspace_id) is not null
      order by u.id limit 1) p on true
    order by i.place;
end $$;

-- Adds guests: p_guests as app.find_invitees takes them; p_pointer: where they stand in the body, for errors (null: it is about one
-- guest, whose fields stand in the body itself). p_is_new: the schedule was made in this transaction, so that nothing of it is covered
-- yet. Writes their audit rows and invitations. The caller has the context and the calendar's lock. mailed: how many were written to.
create or replace function app.add_schedule_guests(p_user_id uuid, p_schedule app.schedules, p_guests jsonb, p_pointer text,
  p_is_new boolean, p_request_id text, p_traceparent text, out user_ids uuid[], out mailed int)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 200;
  v_guests schedule_guests[];
  v_found record;
begin
  user_ids := '{}';
  mailed := 0;
  if p_guests is null or jsonb_array_length(p_guests) = 0 then
    return;
  end if;
  if jsonb_array_length(p_guests) + (select count(*) from schedule_guests g where g.workspace_id = p_schedule.workspace_id
      and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id) > v_max then
    perform app.fail('PT409', 'schedule.guests_full', format('A schedule has at most %s guests.', v_max), jsonb_build_object('limit', v_max));
  end if;
  for v_found in select * from app.find_invitees(p_user_id, p_schedule.calendar_id, p_guests) loop
    if v_found.unknown then
      perform app.fail('PT404', 'guest.user_not_found', 'There is no such user in this workspace.',
        jsonb_build_object('pointer', coalesce(p_pointer || '/' || v_found.place, '') || '/user_id'));
    end if;
    insert into schedule_guests as g (workspace_id, calendar_id, schedule_id, id, user_id, email, name, is_optional, response,
      responded_at, created_by, created_at, updated_at)
    values (p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, v_found.id, v_found.user_id, v_found.email, v_found.name,
      v_found.is_optional, case when v_found.user_id = p_user_id then 'accepted' else 'needs_action' end,
      case when v_found.user_id = p_user_id then clock_timestamp() end, p_user_id, clock_timestamp(), clock_timestamp())
    on conflict do nothing;
    if not found then
      perform app.fail('PT409', 'guest.exists', 'This guest is there already.', jsonb_build_object('pointer',
        coalesce(p_pointer || '/' || v_found.place, '') || case when p_guests -> v_found.place ->> 'user_id' is null then '/email' else '/user_id' end));
    end if;
  end loop;
  v_guests := array(select g from schedule_guests g where g.workspace_id = p_schedule.workspace_id and g.calendar_id = p_schedule.calendar_id
    and g.schedule_id = p_schedule.id and g.id in (select (x ->> 'id')::uuid from jsonb_array_elements(p_guests) x) order by g.id);
  user_ids := array(select g.user_id from unnest(v_guests) g where g.user_id is not null);
  update schedule_guests g set seq = h.seq from app.bump_user_calendars(user_ids) h
  where g.workspace_id = p_schedule.workspace_id and g.calendar_id = p_schedule.calendar_id and g.schedule_id = p_schedule.id
    and g.user_id = h.user_id;
  insert into audit_logs (id, workspace_id, actor_type, actor_user_id, action, target_type, target_id, after, request_id)
  select app.uuidv7(), p_schedule.workspace_id, 'user', p_user_id, 'guest.create', 'guest', g.id::text, app.guest_summary(g), p_request_id
  from unnest(v_guests) g;
  -- Guests have instances of their own, which are yet to be written: subscribers too, for the day on which they subscribe no more.
  if not p_is_new and cardinality(user_ids) > 0 then
    perform app.shut_instances(p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, p_request_id, p_traceparent);
  end if;
  perform app.notify_of_schedule(user_ids, 'schedule.invited', p_schedule, '{"scope": "all"}', p_user_id, p_request_id, p_traceparent);
  mailed := app.mail_guests(p_schedule, 'invited', array(select g.id from unnest(v_guests) g where g.email is not null),
    p_request_id, p_traceparent);
end $$;

create or replace function app.create_guests(p_user_id uuid, p_schedule_id uuid, p_guests jsonb, p_pointer text, p_request_id text,
  p_traceparent text, out guests jsonb, out mailed int)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_lock record;
  v_schedule schedules;
begin
  v_lock := app.lock_schedule(p_user_id, p_schedule_id, 'editor');
  update schedules s set seq = v_lock.seq
  where s.workspace_id = v_lock.workspace_id and s.calendar_id = v_lock.calendar_id and s.id = p_schedule_id returning * into v_schedule;
  mailed := (app.add_schedule_guests(p_user_id, v_schedule, p_guests, p_pointer, false, p_request_id, p_traceparent)).mailed;
  guests := (select jsonb_agg(l.guest) from app.list_schedule_guests(p_user_id, p_schedule_id,
    array(select (x ->> 'id')::uuid from jsonb_array_elements(p_guests) x), null, 1000) l);
end $$;

-- For who may change the schedule. The caller has the lock.
create or replace function app.find_guest(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_guest_id uuid)
returns app.schedule_guests language plpgsql set search_path = app, pg_temp as $$
declare
  v_guest schedule_guests;
begin
  select * into v_guest from schedule_guests g where g.workspace_id = p_workspace_id and g.calendar_id = p_calendar_id
    and g.schedule_id = p_schedule_id and g.id = p_guest_id for update;
  if not found then
    perform app.fail('PT404', 'guest.not_found', 'There is no such guest.');
  end if;
  return v_guest;
end $$;

-- p_patch: name (of who goes by an address), is_optional; what is absent stays.
create or replace function app.update_guest(p_user_id uuid, p_schedule_id uuid, p_guest_id uuid, p_patch jsonb, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_lock record;
  v_before schedule_guests;
  v_after schedule_guests;
begin
  v_lock := app.lock_schedule(p_user_id, p_schedule_id, 'editor');
  v_before := app.find_guest(v_lock.workspace_id, v_lock.calendar_id, p_schedule_id, p_guest_id);
  if v_before.user_id is not null and p_patch ? 'name' then
    perform app.fail('PT400', 'guest.has_account', 'Somebody with an account goes by their own name.', '{"pointer": "/name"}');
  end if;
  update schedule_guests g
  set name = case when p_patch ? 'name' then p_patch ->> 'name' else g.name end,
    is_optional = coalesce((p_patch ->> 'is_optional')::boolean, g.is_optional), updated_at = clock_timestamp(),
    seq = coalesce((select h.seq from app.bump_user_calendars(array[g.user_id]) h), g.seq)
  where g.workspace_id = v_lock.workspace_id and g.calendar_id = v_lock.calendar_id and g.schedule_id = p_schedule_id and g.id = p_guest_id
  returning * into v_after;
  update schedules s set seq = v_lock.seq
  where s.workspace_id = v_lock.workspace_id and s.calendar_id = v_lock.calendar_id and s.id = p_schedule_id;
  perform app.append_audit(p_user_id, v_lock.workspace_id, null, 'guest.update', 'guest', p_guest_id::text,
    app.guest_summary(v_before), app.guest_summary(v_after), p_request_id);
  return (select l.guest from app.list_schedule_guests(p_user_id, p_schedule_id, array[p_guest_id], null, 1) l);
end $$;

-- Who is removed has no access any more once this commits, unless they subscribe to the calendar.
create or replace function app.remove_guest(p_user_id uuid, p_schedule_id uuid, p_guest_id uuid, p_request_id text, p_traceparent text)
returns void language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_lock record;
  v_guest schedule_guests;
  v_schedule schedules;
begin
  v_lock := app.lock_schedule(p_user_id, p_schedule_id, 'editor');
  v_guest := app.find_guest(v_lock.workspace_id, v_lock.calendar_id, p_schedule_id, p_guest_id);
  update schedules s set seq = v_lock.seq
  where s.workspace_id = v_lock.workspace_id and s.calendar_id = v_lock.calendar_id and s.id = p_schedule_id returning * into v_schedule;
  if v_guest.user_id is not null then
    perform app.bury_schedule_guests(p_schedule_id, array[v_guest.user_id]);
    perform app.notify_of_schedule(array[v_guest.user_id], 'schedule.cancelled', v_schedule, '{"scope": "all"}', p_user_id,
      p_request_id, p_traceparent);
  else
    perform app.mail_cancellations(v_schedule, array[p_guest_id], p_request_id, p_traceparent);
  end if;
  delete from schedule_guests g where g.workspace_id = v_lock.workspace_id and g.calendar_id = v_lock.calendar_id
    and g.schedule_id = p_schedule_id and g.id = p_guest_id;
  if v_guest.user_id is not null then
    perform app.request_instances(v_lock.workspace_id, p_schedule_id, p_request_id, p_traceparent);
  end if;
  perform app.append_audit(p_user_id, v_lock.workspace_id, null, 'guest.delete', 'guest', p_guest_id::text,
    app.guest_summary(v_guest), null, p_request_id);
end $$;

grant execute on function app.guest_summary, app.guest_responses, app.guest_json, app.list_schedule_guests, app.find_invitees,
  app.add_schedule_guests, app.create_guests, app.find_guest, app.update_guest, app.remove_guest to app_user;
