-- What the instances need as time goes by: a horizon that moves, zones that change, rows that are left over.

-- Series whose window began at p_before or earlier, the earliest first; the cursor is the last one read.
create or replace function app.list_horizons(p_before timestamptz, p_cursor_from timestamptz, p_cursor_id uuid, p_limit int)
returns table (schedule_id uuid, materialised_from timestamptz)
language plpgsql stable security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
begin
  return query
    select s.id, s.materialised_from from schedules s
    where s.materialised_from > '-infinity' and s.materialised_from < 'infinity' and s.materialised_from <= p_before
      and (s.materialised_from, s.id) > (coalesce(p_cursor_from, '-infinity'), coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000'))
    order by s.materialised_from, s.id limit p_limit;
end $$;

-- Schedules that wait for their instances, in the order of ids.
create or replace function app.list_uncovered(p_cursor_id uuid, p_limit int) returns table (schedule_id uuid)
language plpgsql stable security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
begin
  return query
    select s.id from schedules s
    where s.materialised_until = '-infinity' and s.id > coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000')
    order by s.id limit p_limit;
end $$;

create or replace function app.count_uncovered() returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select count(*) from schedules s where s.materialised_until = '-infinity');
end $$;

-- Zones in use that were last looked at before p_before, or by another tz database, or whose change is not through yet.
create or replace function app.list_zone_rules(p_tz_version text, p_before timestamptz)
returns table (time_zone text, fingerprint text, is_changing boolean)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
    select z.time_zone, z.fingerprint, z.is_changing from time_zone_rules z
    where z.tz_version <> p_tz_version or z.checked_at < p_before or z.is_changing order by z.time_zone;
end $$;

-- From now on nobody with other tables writes instances in this zone. The tz version stays what it was until all is through.
create or replace function app.begin_zone_change(p_time_zone text, p_fingerprint text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update time_zone_rules z set fingerprint = p_fingerprint, is_changing = true where z.time_zone = p_time_zone;
end $$;

create or replace function app.finish_zone_check(p_time_zones text[], p_tz_version text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update time_zone_rules z set tz_version = p_tz_version, is_changing = false, checked_at = now() where z.time_zone = any (p_time_zones);
end $$;

-- Of the p_limit schedules after p_cursor_id, shuts those in zones that are changing, as an edit of their times would: their
-- occurrences are at other instants from now on. Those that were expanded by p_tz_version since are left as they are, unless the
-- change is one within that version; those that are shut already are not: an old process may be about to open one. All calendars are
-- held first, in the order of their ids, and guests' heads are counted up last, in the order of theirs: so no edit waits for us while
-- we wait for it. Answers where to go on (null: that was the end) and how many it shut.
create or replace function app.uncover_zones(p_time_zones text[], p_tz_version text, p_cursor_id uuid, p_limit int, p_request_id text,
  out next_id uuid, out uncovered int)
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off set lock_timeout = '4s' as $$
declare
  v_after_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
  v_seen uuid[];
  v_changing uuid[];
  v_calendar record;
  v_schedule record;
  v_guests uuid[];
begin
  select coalesce(array_agg(n.id), '{}'), coalesce(array_agg(n.id) filter (where n.is_changing), '{}') into v_seen, v_changing
  from (
    select s.id, s.time_zone = any (p_time_zones) and (s.tz_version is distinct from p_tz_version
      or exists (select from time_zone_rules z where z.time_zone = s.time_zone and z.tz_version = p_tz_version)) as is_changing
    from schedules s where s.id > v_after_id order by s.id limit p_limit
  ) n;
  for v_calendar in
    select distinct s.workspace_id, s.calendar_id from schedules s where s.id = any (v_changing) order by s.calendar_id
  loop
    perform app.next_calendar_seq(v_calendar.workspace_id, v_calendar.calendar_id);
  end loop;
  -- What was moved to another calendar meanwhile is shut by that, and its job finds the new tables.
  uncovered := 0;
  for v_schedule in
    update schedules s set seq = c.seq from calendars c
    where s.id = any (v_changing) and c.workspace_id = s.workspace_id and c.id = s.calendar_id
    returning s.id, s.workspace_id, s.calendar_id
  loop
    perform app.uncover_schedule(v_schedule.workspace_id, v_schedule.calendar_id, v_schedule.id, p_request_id, null);
    uncovered := uncovered + 1;
  end loop;
  v_guests := array(
    select distinct g.user_id from schedules s
    join schedule_guests g on g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id
    where s.id = any (v_changing) and g.user_id is not null);
  update schedule_guests g set seq = h.seq from schedules s cross join app.bump_user_calendars(v_guests) h
  where s.id = any (v_changing) and g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id
    and g.user_id = h.user_id;
  next_id := case when cardinality(v_seen) = p_limit then v_seen[p_limit] end;
end $$;

-- Schedules that were deleted, alone or with their calendar, leave their instances to a job.
create or replace function app.leave_instances() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, payload)
  select app.uuidv7(), 'calendar.sweep', null, jsonb_build_object('schedule_ids', jsonb_agg(d.id))
  from (select o.id, (row_number() over () - 1) / 500 as batch from old_rows o) d
  group by d.batch;
  return null;
end $$;
drop trigger if exists schedules_leave_instances on app.schedules;
create trigger schedules_leave_instances after delete on app.schedules referencing old table as old_rows
  for each statement execute function app.leave_instances();

-- Of the p_schedules schedules after p_cursor_id that have instances: those that are gone. next_id: where to go on; null: at the end.
create or replace function app.list_left_instances(p_cursor_id uuid, p_schedules int, out next_id uuid, out gone uuid[])
language plpgsql stable security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
declare
  v_seen int;
begin
  with recursive seen (id, n) as (
    (select i.schedule_id, 1 from schedule_instances i
      where i.schedule_id > coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000') order by i.schedule_id limit 1)
    union all
    select (select i.schedule_id from schedule_instances i where i.schedule_id > s.id order by i.schedule_id limit 1), s.n + 1
    from seen s where s.id is not null and s.n < p_schedules
  )
  select count(*), max(s.id::text)::uuid, array_agg(s.id) filter (where not exists (select from schedules x where x.id = s.id))
  into v_seen, next_id, gone
  from seen s where s.id is not null;
  gone := coalesce(gone, '{}');
  if v_seen < p_schedules then
    next_id := null;
  end if;
end $$;

-- Forgets up to p_limit tombstones of each kind that are older; how many at most.
create or replace function app.forget_tombstones(p_before timestamptz, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_schedules int;
  v_guests int;
begin
  delete from schedule_tombstones t where t.ctid = any (array(
    select x.ctid from schedule_tombstones x where x.created_at < p_before limit p_limit));
  get diagnostics v_schedules = row_count;
  delete from guest_tombstones t where t.ctid = any (array(
    select x.ctid from guest_tombstones x where x.created_at < p_before limit p_limit));
  get diagnostics v_guests = row_count;
  return greatest(v_schedules, v_guests);
end $$;

grant execute on function app.list_horizons, app.list_uncovered, app.count_uncovered, app.list_zone_rules, app.begin_zone_change, app.finish_zone_check,
  app.uncover_zones, app.list_left_instances, app.forget_tombstones to job_user;
