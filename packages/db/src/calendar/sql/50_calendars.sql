-- A calendar as one of its subscribers has it.
create or replace function app.calendar_json(c app.calendars, s app.calendar_subscriptions) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (c).id, 'workspace_id', (c).workspace_id, 'owner_user_id', (c).owner_user_id, 'name', (c).name,
    'description', (c).description, 'color', (c).color, 'time_zone', (c).time_zone, 'is_exclusive', (c).is_exclusive,
    'role', (s).role, 'my_color', (s).color, 'is_hidden', (s).is_hidden, 'affects_busy', (s).affects_busy,
    'version', (c).version, 'created_at', app.iso((c).created_at), 'updated_at', app.iso((c).updated_at));

-- What audit rows tell of a calendar.
create or replace function app.calendar_summary(c app.calendars) returns jsonb language sql stable parallel safe
  return jsonb_build_object('name', (c).name, 'time_zone', (c).time_zone, 'color', (c).color, 'is_exclusive', (c).is_exclusive,
    'owner_user_id', (c).owner_user_id);

-- Those of them that are people. Definer, since nobody sees who else there is.
create or replace function app.people_among(p_user_ids uuid[]) returns setof uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query select u.id from users u where u.id = any (p_user_ids) and u.kind = 'person';
end $$;

-- Tells people on their own channels; API keys have none. The caller is in the workspace's context, or is a definer function.
create or replace function app.notify_subscribers(p_calendar app.calendars, p_user_ids uuid[], p_type text, p_data jsonb,
  p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  select app.uuidv7(), 'me.deliver', p_calendar.workspace_id, u.id,
    jsonb_build_object('user_id', u.id, 'type', p_type, 'workspace_id', p_calendar.workspace_id, 'calendar_id', p_calendar.id,
      'name', p_calendar.name) || p_data,
    p_traceparent, p_request_id
  from app.people_among(p_user_ids) as u (id);
end $$;

-- The row and its owner's subscription. The caller has the calendar's context, or is a definer function.
create or replace function app.insert_calendar(p_calendar app.calendars, p_actor_user_id uuid, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calendar calendars;
  v_mine calendar_subscriptions;
begin
  insert into calendars (id, workspace_id, owner_user_id, name, description, color, time_zone, is_exclusive)
  values (p_calendar.id, p_calendar.workspace_id, p_calendar.owner_user_id, p_calendar.name, p_calendar.description,
    p_calendar.color, p_calendar.time_zone, p_calendar.is_exclusive)
  returning * into v_calendar;
  insert into calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
  values (v_calendar.workspace_id, v_calendar.id, v_calendar.owner_user_id, 'owner', true, v_calendar.owner_user_id, p_actor_user_id)
  returning * into v_mine;
  perform app.append_audit(p_actor_user_id, v_calendar.workspace_id, null, 'calendar.create', 'calendar', v_calendar.id::text, null,
    app.calendar_summary(v_calendar), p_request_id);
  perform app.bump_user_calendars(array[v_calendar.owner_user_id]);
  return app.calendar_json(v_calendar, v_mine);
end $$;

-- Everybody has a calendar from the start, in their personal space; whoever deletes it gets no other. Only app.ensure_user calls it.
create or replace function app.create_first_calendar(p_user_id uuid, p_workspace_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calendar calendars;
begin
  v_calendar.id := app.uuidv7();
  v_calendar.workspace_id := p_workspace_id;
  v_calendar.owner_user_id := p_user_id;
  v_calendar.name := 'Calendar';
  v_calendar.time_zone := (select u.time_zone from users u where u.id = p_user_id);
  v_calendar.is_exclusive := false;
  perform app.insert_calendar(v_calendar, p_user_id, null);
end $$;

-- The calendar of what names none: the oldest of the person's own in their personal space that is no room or machine. Null: there is none.
create or replace function app.default_calendar(p_user_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (
    select c.id from workspaces w join calendars c on c.workspace_id = w.id and c.owner_user_id = w.owner_user_id and not c.is_exclusive
    where w.owner_user_id = p_user_id and w.is_personal and w.deleted_at is null
    order by c.created_at, c.id limit 1);
end $$;

-- Calendars of a person's personal space that kept to their old zone follow them to the new one; what stands in them has its own, but
-- for what is booked: such a calendar stays where it is (app.update_calendar). Only app.update_me calls it.
create or replace function app.follow_time_zone(p_user_id uuid, p_workspace_id uuid, p_before text, p_after text, p_request_id text)
returns void language plpgsql set search_path = app, pg_temp as $$
declare
  v_id uuid;
begin
  -- All are held first, so that nothing comes to stand in one meanwhile.
  perform from calendars c
  where c.workspace_id = p_workspace_id and c.owner_user_id = p_user_id and c.time_zone = p_before order by c.id for no key update;
  for v_id in
    update calendars c set time_zone = p_after, version = c.version + 1, updated_at = clock_timestamp()
    where c.workspace_id = p_workspace_id and c.owner_user_id = p_user_id and c.time_zone = p_before
      and not (c.is_exclusive and exists (select from schedules s where s.workspace_id = c.workspace_id and s.calendar_id = c.id))
    returning c.id
  loop
    perform app.append_audit(p_user_id, p_workspace_id, null, 'calendar.update', 'calendar', v_id::text,
      jsonb_build_object('time_zone', p_before), jsonb_build_object('time_zone', p_after), p_request_id);
  end loop;
  perform app.bump_user_calendars(array[p_user_id]);
  -- What they are reminded of at a time of day, or of whole days, is due at another instant now.
  update schedule_reminders r set next_at = '-infinity', next_recurrence_id = null where r.user_id = p_user_id and r.next_at is not null;
end $$;

-- How many calendars a workspace has, for who may make one there.
create or replace function app.count_calendars(p_user_id uuid, p_workspace_id uuid) returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if coalesce(app.find_workspace_role(p_user_id, p_workspace_id), 'guest') = 'guest' then
    return 0;
  end if;
  return (select count(*) from calendars c where c.workspace_id = p_workspace_id);
end $$;

create or replace function app.count_subscriptions(p_user_id uuid) returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select count(*) from calendar_subscriptions s where s.user_id = p_user_id);
end $$;

-- One after the other, so that two do not take the same last place.
create or replace function app.check_subscription_limit(p_user_id uuid, p_is_oneself boolean) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 500;
begin
  perform pg_advisory_xact_lock(7236021, hashtext(p_user_id::text));
  if app.count_subscriptions(p_user_id) >= v_max then
    perform app.fail('PT409', 'subscription.too_many', format(case when p_is_oneself then 'One person subscribes to at most %s calendars.'
      else 'This person subscribes to as many calendars as one can: %s.' end, v_max));
  end if;
end $$;

-- The tenant's context of a member who stays one until the transaction ends: whoever is taken out at the same time leaves to the
-- workspace's owner what they are making.
create or replace function app.stay_in_workspace(p_user_id uuid, p_workspace_id uuid) returns void
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
  perform from workspace_members m where m.workspace_id = p_workspace_id and m.user_id = p_user_id for key share;
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'member');
end $$;

-- p_fields: name, description, color, time_zone (null: the caller's own), is_exclusive. p_workspace_id null: the personal space.
create or replace function app.create_calendar(p_user_id uuid, p_calendar_id uuid, p_workspace_id uuid, p_fields jsonb,
  p_request_id text, p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := coalesce(p_workspace_id, app.personal_workspace(p_user_id));
  v_max constant int := 500;
  v_calendar calendars;
  v_json jsonb;
begin
  if v_workspace_id is null then
    perform app.fail('PT400', 'request.invalid', 'Required: an API key has no personal space.', '{"pointer": "/workspace_id"}');
  end if;
  perform app.stay_in_workspace(p_user_id, v_workspace_id);
  perform pg_advisory_xact_lock(7236020, hashtext(v_workspace_id::text));
  if app.count_calendars(p_user_id, v_workspace_id) >= v_max then
    perform app.fail('PT409', 'calendar.too_many', format('A workspace has at most %s calendars.', v_max));
  end if;
  perform app.check_subscription_limit(p_user_id, true);
  v_calendar := jsonb_populate_record(null::calendars, p_fields);
  v_calendar.id := p_calendar_id;
  v_calendar.workspace_id := v_workspace_id;
  v_calendar.owner_user_id := p_user_id;
  v_calendar.time_zone := coalesce(v_calendar.time_zone, app.get_time_zone(p_user_id));
  -- The calendar that this makes; an id that is taken fails by its key.
  perform set_config('app.calendar_id', p_calendar_id::text, true);
  v_json := app.insert_calendar(v_calendar, p_user_id, p_request_id);
  perform app.notify_subscribers(v_calendar, array[p_user_id], 'calendar.subscribed', jsonb_build_object('role', 'owner'),
    p_request_id, p_traceparent);
  return v_json;
end $$;

-- Of a person or an API key that one knows; of nobody UTC.
create or replace function app.get_time_zone(p_user_id uuid) returns text
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return coalesce((select u.time_zone from users u where u.id = p_user_id), 'UTC');
end $$;

-- Everything that a person subscribes to, in all workspaces or one, in the order in which the calendars were made. The cursor is
-- the last row read.
create or replace function app.list_calendars(p_user_id uuid, p_workspace_id uuid, p_cursor_created_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (calendar jsonb, created_at timestamptz, id uuid)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_created_at constant timestamptz := coalesce(p_cursor_created_at, '-infinity');
  v_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
begin
  return query
    select app.calendar_json(c, s), c.created_at, c.id
    from calendar_subscriptions s
    join calendars c on c.workspace_id = s.workspace_id and c.id = s.calendar_id
    join workspaces w on w.id = c.workspace_id and w.deleted_at is null
    where s.user_id = p_user_id and (p_workspace_id is null or s.workspace_id = p_workspace_id)
      and (w.owner_user_id = p_user_id
        or exists (select from workspace_members m where m.workspace_id = w.id and m.user_id = p_user_id))
      and (c.created_at, c.id) > (v_created_at, v_id)
    order by c.created_at, c.id limit least(greatest(p_limit, 1), 1001);
end $$;

-- What the caller, who has the context, sees of it.
create or replace function app.present_calendar(p_user_id uuid, p_workspace_id uuid, p_calendar_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select app.calendar_json(c, s) from calendars c
    join calendar_subscriptions s on s.workspace_id = c.workspace_id and s.calendar_id = c.id and s.user_id = p_user_id
    where c.workspace_id = p_workspace_id and c.id = p_calendar_id);
end $$;

create or replace function app.get_calendar(p_user_id uuid, p_calendar_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_calendar_context(p_user_id, p_calendar_id, 'freebusy')).workspace_id;
  return app.present_calendar(p_user_id, v_workspace_id, p_calendar_id);
end $$;

-- The calendar's lock for changes of itself and of its subscriptions: writers of its schedules wait, and its seq stays. Access is
-- decided again once it is held, so that a revocation which committed while we waited counts.
create or replace function app.hold_calendar(p_user_id uuid, p_calendar_id uuid, p_needed_role text, out calendar app.calendars, out role text)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_calendar_context(p_user_id, p_calendar_id, p_needed_role)).workspace_id;
  select * into calendar from calendars c where c.workspace_id = v_workspace_id and c.id = p_calendar_id for no key update;
  role := (app.set_calendar_context(p_user_id, p_calendar_id, p_needed_role)).role;
end $$;

-- p_patch: any of name, description, color, time_zone, is_exclusive; what stays as it was is no change. p_expected_version null:
-- whatever it is now.
create or replace function app.update_calendar(p_user_id uuid, p_calendar_id uuid, p_expected_version int, p_patch jsonb, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_before calendars;
  v_wanted calendars;
  v_after calendars;
begin
  v_before := (app.hold_calendar(p_user_id, p_calendar_id, 'owner')).calendar;
  if p_expected_version <> v_before.version then
    perform app.fail('PT412', 'calendar.version_conflict', 'The calendar was changed meanwhile.',
      jsonb_build_object('current', app.present_calendar(p_user_id, v_before.workspace_id, p_calendar_id)));
  end if;
  v_wanted := jsonb_populate_record(v_before, p_patch);
  if v_wanted.is_exclusive and not v_before.is_exclusive and exists (
    select from schedules s where s.workspace_id = v_before.workspace_id and s.calendar_id = p_calendar_id) then
    perform app.fail('PT409', 'calendar.not_empty', 'Only an empty calendar can become exclusive: what stands in it may overlap.',
      '{"pointer": "/is_exclusive"}');
  end if;
  -- What is all-day or floating would take another time, which may be taken.
  if v_wanted.is_exclusive and v_wanted.time_zone <> v_before.time_zone and exists (
    select from schedules s where s.workspace_id = v_before.workspace_id and s.calendar_id = p_calendar_id) then
    perform app.fail('PT409', 'calendar.not_empty', 'The zone of an exclusive calendar changes only while it is empty: what stands in it would overlap.',
      '{"pointer": "/time_zone"}');
  end if;
  update calendars c
  set name = v_wanted.name, description = v_wanted.description, color = v_wanted.color, time_zone = v_wanted.time_zone,
    is_exclusive = v_wanted.is_exclusive, version = c.version + 1, updated_at = clock_timestamp()
  where c.workspace_id = v_before.workspace_id and c.id = p_calendar_id
    and (v_wanted.name, v_wanted.description, v_wanted.color, v_wanted.time_zone, v_wanted.is_exclusive)
      is distinct from (c.name, c.description, c.color, c.time_zone, c.is_exclusive)
  returning * into v_after;
  if found then
    if not v_after.is_exclusive then
      delete from schedule_bookings b where b.workspace_id = v_after.workspace_id and b.calendar_id = p_calendar_id;
    end if;
    perform app.append_audit(p_user_id, v_after.workspace_id, null, 'calendar.update', 'calendar', p_calendar_id::text,
      app.calendar_summary(v_before), app.calendar_summary(v_after), p_request_id);
  end if;
  return app.present_calendar(p_user_id, v_before.workspace_id, p_calendar_id);
end $$;

-- With everything that stands in it.
create or replace function app.delete_calendar(p_user_id uuid, p_calendar_id uuid, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calendar calendars;
  v_readers uuid[];
  v_schedules bigint;
begin
  v_calendar := (app.hold_calendar(p_user_id, p_calendar_id, 'owner')).calendar;
  v_readers := array(
    select s.user_id from calendar_subscriptions s where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id);
  v_schedules := (select count(*) from schedules s where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id);
  perform app.cancel_schedules(v_calendar, v_readers, p_user_id, p_request_id, p_traceparent);
  perform app.bury_calendar_guests(v_calendar.workspace_id, p_calendar_id, v_readers);
  perform app.notify_subscribers(v_calendar, v_readers, 'calendar.unsubscribed', '{}', p_request_id, p_traceparent);
  delete from calendars c where c.workspace_id = v_calendar.workspace_id and c.id = p_calendar_id;
  perform app.append_audit(p_user_id, v_calendar.workspace_id, null, 'calendar.delete', 'calendar', p_calendar_id::text,
    app.calendar_summary(v_calendar) || jsonb_build_object('subscriptions', cardinality(v_readers), 'schedules', v_schedules), null,
    p_request_id);
end $$;

-- Before a calendar goes: guests of what was yet to come hear of it, by mail, or on their channel those who are not told of the calendar.
create or replace function app.cancel_schedules(p_calendar app.calendars, p_readers uuid[], p_actor_user_id uuid, p_request_id text,
  p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_schedule schedules;
begin
  for v_schedule in
    select s.* from schedules s
    where s.workspace_id = p_calendar.workspace_id and s.calendar_id = p_calendar.id and s.status <> 'cancelled'
      and (s.last_at is null or s.last_at > now())
      and exists (select from schedule_guests g
        where g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id)
  loop
    perform app.mail_cancellations(v_schedule, null, p_request_id, p_traceparent);
    perform app.notify_of_schedule(array(select g.user_id from schedule_guests g
      where g.workspace_id = v_schedule.workspace_id and g.calendar_id = v_schedule.calendar_id and g.schedule_id = v_schedule.id
        and g.user_id is not null and g.user_id <> all (p_readers)),
      'schedule.cancelled', v_schedule, '{"scope": "all"}', p_actor_user_id, p_request_id, p_traceparent);
  end loop;
end $$;

-- Before a calendar goes: whoever synchronises as a guest is told what goes with it (also who subscribes by now: they may not have
-- synchronised since), and all whose calendars it changes are counted up. Definer, since nobody writes guest_tombstones.
create or replace function app.bury_calendar_guests(p_workspace_id uuid, p_calendar_id uuid, p_readers uuid[]) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_guests uuid[];
begin
  if p_calendar_id is distinct from nullif(current_setting('app.calendar_id', true), '')::uuid
    or current_setting('app.role', true) <> 'owner' then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  end if;
  v_guests := array(
    select distinct g.user_id from schedule_guests g
    where g.workspace_id = p_workspace_id and g.calendar_id = p_calendar_id and g.user_id is not null and g.user_id <> all (p_readers));
  insert into guest_tombstones as t (user_id, schedule_id, seq)
  select g.user_id, g.schedule_id, h.seq from app.bump_user_calendars(p_readers || v_guests) h
  join schedule_guests g on g.workspace_id = p_workspace_id and g.calendar_id = p_calendar_id and g.user_id = h.user_id
  on conflict (user_id, schedule_id) do update set seq = excluded.seq, created_at = now();
end $$;

-- Makes somebody, who subscribes to it or is now made to, its owner. The former owner stays as p_former_role, or goes (null). Nobody
-- reads other instances because of it: those of the former owner stay as long as a subscription reads them. The caller has the
-- context, or is a definer function, and holds the calendar.
create or replace function app.hand_over_calendar(p_calendar app.calendars, p_to_user_id uuid, p_former_role text,
  p_actor_user_id uuid, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_instances_of constant uuid := app.first_instances_of(p_calendar.workspace_id, p_calendar.id);
begin
  if p_former_role is null then
    delete from calendar_subscriptions s
    where s.workspace_id = p_calendar.workspace_id and s.calendar_id = p_calendar.id and s.user_id = p_calendar.owner_user_id;
  else
    update calendar_subscriptions s set role = p_former_role, version = s.version + 1, updated_at = clock_timestamp()
    where s.workspace_id = p_calendar.workspace_id and s.calendar_id = p_calendar.id and s.user_id = p_calendar.owner_user_id;
  end if;
  insert into calendar_subscriptions as s (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
  values (p_calendar.workspace_id, p_calendar.id, p_to_user_id, 'owner', false, v_instances_of, coalesce(p_actor_user_id, p_to_user_id))
  on conflict (workspace_id, calendar_id, user_id) do update
  set role = 'owner', version = s.version + 1, updated_at = clock_timestamp();
  update calendars c set owner_user_id = p_to_user_id, seq = c.seq + 1, version = c.version + 1, updated_at = clock_timestamp()
  where c.workspace_id = p_calendar.workspace_id and c.id = p_calendar.id;
end $$;

-- To one of its subscribers; the former owner writes in it from then on. False: it was so already.
create or replace function app.transfer_calendar(p_user_id uuid, p_calendar_id uuid, p_target_user_id uuid, p_request_id text,
  p_traceparent text, out calendar jsonb, out changed boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calendar calendars;
begin
  v_calendar := (app.hold_calendar(p_user_id, p_calendar_id, 'owner')).calendar;
  changed := p_target_user_id <> p_user_id;
  if changed then
    if not exists (select from calendar_subscriptions s where s.workspace_id = v_calendar.workspace_id
      and s.calendar_id = p_calendar_id and s.user_id = p_target_user_id) then
      perform app.fail('PT404', 'subscription.not_found', 'There is no such subscriber.');
    end if;
    perform app.hand_over_calendar(v_calendar, p_target_user_id, 'editor', p_user_id, p_request_id, p_traceparent);
    perform app.append_audit(p_user_id, v_calendar.workspace_id, null, 'calendar.transfer', 'calendar', p_calendar_id::text,
      jsonb_build_object('owner_user_id', p_user_id), jsonb_build_object('owner_user_id', p_target_user_id), p_request_id);
    perform app.notify_subscribers(v_calendar, array[p_target_user_id], 'calendar.subscribed', jsonb_build_object('role', 'owner'),
      p_request_id, p_traceparent);
    perform app.notify_subscribers(v_calendar, array[p_user_id], 'calendar.subscribed', jsonb_build_object('role', 'editor'),
      p_request_id, p_traceparent);
    perform app.bump_user_calendars(array[p_user_id, p_target_user_id]);
  end if;
  calendar := app.present_calendar(p_user_id, v_calendar.workspace_id, p_calendar_id);
end $$;

-- Whose limits and origins count: the workspace of a calendar, or of a schedule, for who may see it.
create or replace function app.get_calendar_tenant(p_user_id uuid, p_calendar_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select d.workspace_id from app.decide_calendar_access(p_user_id, p_calendar_id) d where d.role is not null);
end $$;

create or replace function app.get_schedule_tenant(p_user_id uuid, p_schedule_id uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select d.workspace_id from app.decide_schedule_access(p_user_id, p_schedule_id) d where d.role is not null);
end $$;

grant execute on function app.calendar_json, app.calendar_summary, app.people_among, app.notify_subscribers, app.insert_calendar, app.default_calendar,
  app.count_calendars, app.count_subscriptions, app.stay_in_workspace, app.check_subscription_limit, app.create_calendar, app.get_time_zone,
  app.list_calendars, app.present_calendar, app.get_calendar, app.hold_calendar, app.update_calendar, app.delete_calendar,
  app.cancel_schedules, app.bury_calendar_guests, app.hand_over_calendar, app.transfer_calendar, app.get_calendar_tenant,
  app.get_schedule_tenant to app_user;
