create or replace function app.calendar_role_rank(p_role text) returns int language sql immutable parallel safe
  return case p_role when 'owner' then 4 when 'editor' then 3 when 'viewer' then 2 when 'freebusy' then 1 else 0 end;

-- The one place that decides access to a calendar: a subscription of somebody who is still in the workspace. No row, or role
-- null: no access, or no such calendar. Not for app_user.
create or replace function app.decide_calendar_access(p_user_id uuid, p_calendar_id uuid)
returns table (workspace_id uuid, role text)
language sql stable
begin atomic
  select c.workspace_id,
    case when (select w.owner_user_id = p_user_id from app.workspaces w where w.id = c.workspace_id and w.deleted_at is null)
        or exists (select from app.workspace_members m join app.workspaces w on w.id = m.workspace_id and w.deleted_at is null
          where m.workspace_id = c.workspace_id and m.user_id = p_user_id)
      then (select s.role from app.calendar_subscriptions s
        where s.workspace_id = c.workspace_id and s.calendar_id = c.id and s.user_id = p_user_id)
    end
  from app.calendars c where c.id = p_calendar_id;
end;

-- Roles on a calendar: owner > editor > viewer > freebusy. Under this context the rows of this one calendar are visible.
create or replace function app.set_calendar_context(
  p_user_id uuid, p_calendar_id uuid, p_needed_role text default 'viewer', out workspace_id uuid, out role text)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_done text;
begin
  select d.workspace_id, d.role into workspace_id, role from app.decide_calendar_access(p_user_id, p_calendar_id) d;
  if role is null then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  end if;
  if app.calendar_role_rank(role) < app.calendar_role_rank(p_needed_role) then
    perform app.fail('PT403', 'calendar.forbidden', 'Your role on this calendar does not allow this.',
      jsonb_build_object('needed_role', p_needed_role, 'role', role));
  end if;
  v_done := concat(set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', p_calendar_id::text, true),
    set_config('app.role', role, true));
end $$;

-- What somebody may do with a schedule: `editor` (editors and the owner of its calendar, and its organiser as long as they read the
-- calendar), `guest` (to answer), `viewer` (to read). A private one is read by its editors and guests alone, and who has only
-- free/busy sees none: null, they see no more than that somebody is busy.
create or replace function app.schedule_role(p_user_id uuid, p_organiser_user_id uuid, p_visibility text, p_calendar_role text,
  p_is_guest boolean) returns text language sql immutable parallel safe
  return case when p_calendar_role in ('owner', 'editor') or p_calendar_role = 'viewer' and p_organiser_user_id = p_user_id then 'editor'
    when p_is_guest then 'guest' when p_calendar_role = 'viewer' and p_visibility = 'default' then 'viewer' end;

-- The one place that decides access to a schedule, for every door: app.schedule_role. Null: not visible, or no such schedule. A guest
-- who is no more in the workspace is none. Not for app_user.
create or replace function app.decide_schedule_access(p_user_id uuid, p_schedule_id uuid,
  out workspace_id uuid, out calendar_id uuid, out role text, out calendar_role text, out guest_id uuid)
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_organiser uuid;
  v_visibility text;
begin
  select s.workspace_id, s.calendar_id, s.organiser_user_id, s.visibility into workspace_id, calendar_id, v_organiser, v_visibility
  from app.schedules s where s.id = p_schedule_id;
  if not found then
    return;
  end if;
  select d.role into calendar_role from app.decide_calendar_access(p_user_id, decide_schedule_access.calendar_id) d;
  select g.id into guest_id from app.schedule_guests g
  where g.workspace_id = decide_schedule_access.workspace_id and g.calendar_id = decide_schedule_access.calendar_id
    and g.schedule_id = p_schedule_id and g.user_id = p_user_id
    and (calendar_role is not null or app.find_workspace_role(p_user_id, g.workspace_id) is not null);
  role := app.schedule_role(p_user_id, v_organiser, v_visibility, calendar_role, guest_id is not null);
end $$;

create or replace function app.schedule_role_rank(p_role text) returns int language sql immutable parallel safe
  return case p_role when 'editor' then 3 when 'guest' then 2 when 'viewer' then 1 else 0 end;

-- The context of the calendar that the schedule stands in, for who may do what `p_needed_role` says with this schedule: the
-- caller's statements name the schedule. guest_id: the caller's own row among its guests.
create or replace function app.set_schedule_context(p_user_id uuid, p_schedule_id uuid, p_needed_role text default 'viewer',
  out workspace_id uuid, out calendar_id uuid, out role text, out calendar_role text, out guest_id uuid)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_done text;
begin
  select d.* into workspace_id, calendar_id, role, calendar_role, guest_id
  from app.decide_schedule_access(p_user_id, p_schedule_id) d;
  if role is null then
    perform app.fail('PT404', 'schedule.not_found', 'There is no such schedule.');
  end if;
  if app.schedule_role_rank(role) < app.schedule_role_rank(p_needed_role) or (p_needed_role = 'guest' and guest_id is null) then
    perform app.fail('PT403', 'schedule.forbidden', case when p_needed_role = 'guest' then 'Only guests answer.'
      else 'You may not change this schedule.' end, jsonb_build_object('needed_role', p_needed_role, 'role', role));
  end if;
  v_done := concat(set_config('app.user_id', p_user_id::text, true), set_config('app.workspace_id', workspace_id::text, true),
    set_config('app.canvas_id', '', true), set_config('app.calendar_id', calendar_id::text, true),
    set_config('app.role', role, true));
end $$;

-- Takes the calendar's lock and its next seq: one writer of its schedules at a time, and seq in the order of commits. The caller
-- has the context. The lock timeout is the caller's.
create or replace function app.next_calendar_seq(p_workspace_id uuid, p_calendar_id uuid) returns bigint
language plpgsql set search_path = app, pg_temp as $$
declare
  v_seq bigint;
begin
  update calendars c set seq = c.seq + 1 where c.workspace_id = p_workspace_id and c.id = p_calendar_id returning c.seq into v_seq;
  return v_seq;
end $$;

-- Takes the calendar's lock for a writer of its schedules, its next seq, and sets the context. Only who may have the lock gets to
-- wait for it; access is decided again once it is held, so that a revocation which committed while we waited counts. The wait is
-- shorter than the deadline of a statement: who waits holds a connection, and one that missed its deadline would cost the pool its.
create or replace function app.lock_calendar(p_user_id uuid, p_calendar_id uuid, p_needed_role text,
  out workspace_id uuid, out role text, out seq bigint)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
begin
  workspace_id := (app.set_calendar_context(p_user_id, p_calendar_id, p_needed_role)).workspace_id;
  seq := app.next_calendar_seq(workspace_id, p_calendar_id);
  role := (app.set_calendar_context(p_user_id, p_calendar_id, p_needed_role)).role;
end $$;

-- The same of the calendar that the schedule stands in, by what one may do with the schedule.
create or replace function app.lock_schedule(p_user_id uuid, p_schedule_id uuid, p_needed_role text,
  out workspace_id uuid, out calendar_id uuid, out role text, out calendar_role text, out guest_id uuid, out seq bigint)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_calendar_id uuid;
begin
  -- Twice only for a schedule that was moved to another calendar between the two statements.
  loop
    select c.workspace_id, c.calendar_id into workspace_id, v_calendar_id
    from app.set_schedule_context(p_user_id, p_schedule_id, p_needed_role) c;
    seq := app.next_calendar_seq(workspace_id, v_calendar_id);
    select c.* into workspace_id, calendar_id, role, calendar_role, guest_id
    from app.set_schedule_context(p_user_id, p_schedule_id, p_needed_role) c;
    exit when calendar_id = v_calendar_id;
  end loop;
end $$;

-- Something changed for these people beside the calendars that they read: their free/busy and their synchronisation are anew. In
-- the order of ids, so that two writers never wait for each other. Returns the seq that each has now.
create or replace function app.bump_user_calendars(p_user_ids uuid[]) returns table (user_id uuid, seq bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  return query
    insert into user_calendar_heads as h (user_id, seq)
    select u.id, 1 from (select distinct x as id from unnest(p_user_ids) x where x is not null) u
    where exists (select from users p where p.id = u.id) order by u.id
    on conflict (user_id) do update set seq = h.seq + 1
    returning h.user_id, h.seq;
end $$;

-- Asks a job to write the instances of a schedule, or to clear them away when it is gone.
create or replace function app.request_instances(p_workspace_id uuid, p_schedule_id uuid, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'calendar.materialise', p_workspace_id, null, jsonb_build_object('schedule_id', p_schedule_id), p_traceparent, p_request_id);
end $$;

-- What every change of the occurrences of a schedule ends with: none of its instances are read until a job has written them anew.
-- Every write of a schedule's times, rule or overrides calls it. The caller has the context.
create or replace function app.uncover_schedule(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid,
  p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update schedules s set sequence = s.sequence + 1, materialised_from = '-infinity', materialised_until = '-infinity'
  where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id and s.id = p_schedule_id;
  -- And it is to be worked out anew when its readers are reminded.
  update schedule_reminders r set next_at = '-infinity', next_recurrence_id = null
  where r.workspace_id = p_workspace_id and r.calendar_id = p_calendar_id and r.schedule_id = p_schedule_id
    and r.next_at is distinct from '-infinity';
  perform app.request_instances(p_workspace_id, p_schedule_id, p_request_id, p_traceparent);
end $$;

grant execute on function app.calendar_role_rank, app.schedule_role, app.schedule_role_rank, app.set_calendar_context, app.set_schedule_context,
  app.next_calendar_seq, app.lock_calendar, app.lock_schedule, app.bump_user_calendars, app.request_instances,
  app.uncover_schedule to app_user;
grant select, insert, update, delete on app.calendars, app.calendar_subscriptions, app.schedules, app.schedule_overrides,
  app.schedule_guests, app.schedule_responses, app.schedule_reminders, app.schedule_bookings, app.schedule_tombstones,
  app.calendar_feeds to app_user;
