-- How schedule_instances is written. The rules that keep a view right at every moment:
--   1. Whoever writes or deletes rows of a schedule holds app.lock_instances of it, and then reads anew whether its work is still
--      wanted. So what is written is never stale, no two write one row, and an edit waits for none of them.
--   2. Rows are read only in [materialised_from, materialised_until), which opens last (app.finish_instances), when all who read
--      have theirs, and which every change of the occurrences or of the guests shuts in its own transaction.
--   3. Who reads whose rows changes only under the calendar's lock, after the rows are there (57_fan_out.sql).

create or replace function app.lock_instances(p_schedule_id uuid) returns void
language plpgsql set search_path = app, pg_temp set lock_timeout = '4s' as $$
begin
  perform pg_advisory_xact_lock(7236011, hashtext(p_schedule_id::text));
end $$;

-- None of the instances of a schedule are read until a job has seen to it that all who are to have theirs: what adding a guest who has
-- an account ends with. The occurrences are the same, and so is their version. The caller has the context and the calendar's lock.
create or replace function app.shut_instances(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid, p_request_id text,
  p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update schedules s set materialised_from = '-infinity', materialised_until = '-infinity'
  where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id and s.id = p_schedule_id;
  perform app.request_instances(p_workspace_id, p_schedule_id, p_request_id, p_traceparent);
end $$;

-- Whose rows of a schedule there are to be: of its guests; of each subscriber, unless there are rows for all; and of whomever a
-- subscription reads at present. Null: those for all.
create or replace function app.list_readers(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid) returns setof uuid
language sql stable
begin atomic
  select g.user_id from app.schedule_guests g
  where g.workspace_id = p_workspace_id and g.calendar_id = p_calendar_id and g.schedule_id = p_schedule_id and g.user_id is not null
  union
  select s.instances_of from app.calendar_subscriptions s where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id
  union
  select s.user_id from app.calendars c join app.calendar_subscriptions s on s.workspace_id = c.workspace_id and s.calendar_id = c.id
  where c.workspace_id = p_workspace_id and c.id = p_calendar_id and c.fan_out = 'each'
  union
  select null from app.calendars c where c.workspace_id = p_workspace_id and c.id = p_calendar_id and c.fan_out = 'shared';
end;

-- What the expansion of one schedule needs. Null: there is no such schedule.
create or replace function app.read_expansion(p_schedule_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select jsonb_build_object('workspace_id', s.workspace_id, 'calendar_id', s.calendar_id, 'sequence', s.sequence,
      'last_at', app.iso(s.last_at), 'materialised_from', s.materialised_from, 'materialised_until', s.materialised_until,
      'tz_version', s.tz_version, 'series', app.series_json(s),
      'readers', (select coalesce(jsonb_agg(r.id order by r.id) filter (where r.id is not null), '[]')
        from app.list_readers(s.workspace_id, s.calendar_id, s.id) r (id)),
      'is_shared', (select coalesce(bool_or(r.id is null), false) from app.list_readers(s.workspace_id, s.calendar_id, s.id) r (id)),
      'fingerprint', (select z.fingerprint from time_zone_rules z where z.time_zone = s.time_zone))
    from schedules s where s.id = p_schedule_id);
end $$;

-- Makes the rows of these readers (p_shared: and those for all) in a window the occurrences that are given, which are all that meet
-- it, in their order. A row that is right is not written. Rows further off than p_margin are of an older version, and go too (null: none
-- do): a worker who looked at the clock earlier has a window that is a week off. The caller holds app.lock_instances. `unnest` of arrays whose length the
-- planner knows, and of rows nobody has counted: so plans are made for each call, and without a loop over the occurrences.
create or replace function app.put_instances(p_calendar_id uuid, p_schedule_id uuid, p_readers uuid[], p_shared boolean,
  p_from timestamptz, p_until timestamptz, p_margin interval, p_recurrence_ids timestamp[], p_starts timestamptz[],
  p_ends timestamptz[], p_overrides boolean[], out written int, out deleted int)
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_custom_plan set work_mem = '32MB'
set enable_seqscan = off set enable_nestloop = off as $$
declare
  v_wrong tid[];
  v_right int;
begin
  select count(*) filter (where m.is_right), array_agg(m.row_id) filter (where not m.is_right) into v_right, v_wrong
  from (
    select i.ctid as row_id, coalesce(o.starts_at = i.starts_at and o.ends_at = i.ends_at and o.is_override = i.is_override
        and i.calendar_id = p_calendar_id, false) as is_right
    from schedule_instances i
    left join unnest(p_recurrence_ids, p_starts, p_ends, p_overrides) o (recurrence_id, starts_at, ends_at, is_override)
      on o.recurrence_id = i.recurrence_id
    where i.schedule_id = p_schedule_id and (i.user_id = any (p_readers) or p_shared and i.user_id is null)
      and (o.recurrence_id is not null or i.starts_at < p_until and (i.ends_at > p_from or i.starts_at >= p_from)
        or i.ends_at < p_from - p_margin or i.starts_at > p_until + p_margin)
  ) m;
  delete from schedule_instances i where i.ctid = any (v_wrong);
  deleted := coalesce(cardinality(v_wrong), 0);
  written := cardinality(p_recurrence_ids) * (cardinality(p_readers) + p_shared::int) - v_right;
  -- In the order in which they are read: the rows of one reader and month lie together.
  if v_right = 0 then
    insert into schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
    select p_calendar_id, p_schedule_id, r.user_id, o.recurrence_id, o.starts_at, o.ends_at, o.is_override
    from (select x from unnest(p_readers) x union all select null where p_shared) r (user_id)
    cross join unnest(p_recurrence_ids, p_starts, p_ends, p_overrides) o (recurrence_id, starts_at, ends_at, is_override)
    order by r.user_id, o.starts_at;
  elsif written > 0 then
    insert into schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
    select p_calendar_id, p_schedule_id, r.user_id, o.recurrence_id, o.starts_at, o.ends_at, o.is_override
    from (select x from unnest(p_readers) x union all select null where p_shared) r (user_id)
    cross join unnest(p_recurrence_ids, p_starts, p_ends, p_overrides) o (recurrence_id, starts_at, ends_at, is_override)
    where not exists (select from schedule_instances i
      where i.schedule_id = p_schedule_id and (i.user_id = any (p_readers) or p_shared and i.user_id is null)
        and coalesce(i.user_id, '00000000-0000-0000-0000-000000000000') = coalesce(r.user_id, '00000000-0000-0000-0000-000000000000')
        and i.recurrence_id = o.recurrence_id)
    order by r.user_id, o.starts_at;
  end if;
end $$;

-- Whether work on a schedule is still wanted that began when it had this sequence and was open until p_since, with zone tables that
-- make p_fingerprint (null: it has no zone).
create or replace function app.is_expansion_wanted(s app.schedules, p_sequence int, p_since timestamptz, p_fingerprint text)
returns boolean language sql stable
  return (s).sequence = p_sequence and (s).materialised_until = p_since
    and not exists (select from app.time_zone_rules z where z.time_zone = (s).time_zone and z.fingerprint <> p_fingerprint);

-- The same as one statement of a job (is_expansion_wanted). is_wanted false: another was faster, there is a newer version, or no such
-- schedule any more, and nothing was written.
create or replace function app.write_instances(p_schedule_id uuid, p_sequence int, p_since timestamptz, p_fingerprint text,
  p_readers uuid[], p_shared boolean, p_from timestamptz, p_until timestamptz, p_recurrence_ids timestamp[], p_starts timestamptz[],
  p_ends timestamptz[], p_overrides boolean[], out is_wanted boolean, out written int, out deleted int)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_schedule schedules;
begin
  perform app.lock_instances(p_schedule_id);
  select * into v_schedule from schedules s where s.id = p_schedule_id;
  is_wanted := coalesce(app.is_expansion_wanted(v_schedule, p_sequence, p_since, p_fingerprint), false);
  if not is_wanted then
    written := 0;
    deleted := 0;
    return;
  end if;
  select p.written, p.deleted into write_instances.written, write_instances.deleted
  from app.put_instances(v_schedule.calendar_id, p_schedule_id, p_readers, p_shared, p_from, p_until,
    case when p_since = '-infinity' then interval '8 days' end, p_recurrence_ids, p_starts, p_ends, p_overrides) p;
end $$;

-- Opens [p_from, p_until) for reading, when the rows that there are now to be are among those of p_readers (p_shared: and those for
-- all), and the work is still wanted (is_expansion_wanted).
-- state: `covered`; `missing`, with the readers who came meanwhile; `superseded`: another has opened it, or there is a newer version.
-- p_first_at, p_last_at: what the bounds are by the zone tables of p_tz_version; they count when those before were of another.
create or replace function app.finish_instances(p_schedule_id uuid, p_sequence int, p_since timestamptz, p_readers uuid[],
  p_shared boolean, p_from timestamptz, p_until timestamptz, p_first_at timestamptz, p_last_at timestamptz,
  p_tz_version text, p_fingerprint text, out state text, out missing uuid[], out is_shared_missing boolean)
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '4s' as $$
declare
  v_schedule schedules;
  v_is_other boolean;
begin
  state := 'superseded';
  missing := '{}';
  is_shared_missing := false;
  -- Who reads whose rows stays as it is meanwhile. In the order of all writers: the calendar, then the schedule.
  perform from calendars c join schedules s on s.workspace_id = c.workspace_id and s.calendar_id = c.id
  where s.id = p_schedule_id for share of c;
  select * into v_schedule from schedules s where s.id = p_schedule_id for no key update;
  if not coalesce(app.is_expansion_wanted(v_schedule, p_sequence, p_since, p_fingerprint), false) then
    return;
  end if;
  select coalesce(array_agg(r.id) filter (where r.id is not null), '{}'), coalesce(bool_or(r.id is null), false)
  into missing, is_shared_missing
  from app.list_readers(v_schedule.workspace_id, v_schedule.calendar_id, p_schedule_id) r (id)
  where case when r.id is null then not p_shared else r.id <> all (p_readers) end;
  if is_shared_missing or cardinality(missing) > 0 then
    state := 'missing';
    return;
  end if;
  state := 'covered';
  v_is_other := coalesce(v_schedule.time_zone is not null and v_schedule.tz_version <> p_tz_version, false);
  update schedules s set materialised_from = p_from, materialised_until = p_until, tz_version = p_tz_version,
    first_at = case when v_is_other and p_first_at is not null then p_first_at else s.first_at end,
    last_at = case when v_is_other and p_first_at is not null then p_last_at else s.last_at end
  where s.workspace_id = v_schedule.workspace_id and s.calendar_id = v_schedule.calendar_id and s.id = p_schedule_id;
  if v_schedule.time_zone is not null then
    insert into time_zone_rules (time_zone, tz_version, fingerprint) values (v_schedule.time_zone, p_tz_version, p_fingerprint)
    on conflict (time_zone) do nothing;
  end if;
end $$;

-- Deletes up to p_limit rows of readers who are none any more, or all rows when the schedule is gone. How many it was.
create or replace function app.prune_instances(p_schedule_id uuid, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp set plan_cache_mode = force_custom_plan set enable_seqscan = off as $$
declare
  v_readers uuid[];
  v_present uuid[];
  v_gone uuid[];
  v_is_shared boolean;
  v_rows int;
begin
  perform app.lock_instances(p_schedule_id);
  select coalesce(array_agg(r.id) filter (where r.id is not null), '{}'), coalesce(bool_or(r.id is null), false) into v_readers, v_is_shared
  from schedules s cross join lateral app.list_readers(s.workspace_id, s.calendar_id, s.id) r (id) where s.id = p_schedule_id;
  -- From one reader to the next by the index, instead of through all their rows.
  with recursive present (user_id) as (
    (select i.user_id from schedule_instances i where i.schedule_id = p_schedule_id and i.user_id is not null order by i.user_id limit 1)
    union all
    select (select i.user_id from schedule_instances i where i.schedule_id = p_schedule_id and i.user_id > p.user_id order by i.user_id limit 1)
    from present p where p.user_id is not null
  )
  select array_agg(p.user_id) filter (where p.user_id <> all (v_readers)) into v_gone from present p;
  if v_gone is null and (v_is_shared or not exists (
    select from schedule_instances x where x.schedule_id = p_schedule_id and x.user_id is null)) then
    return 0;
  end if;
  delete from schedule_instances i where i.ctid = any (array(
    select x.ctid from schedule_instances x where x.schedule_id = p_schedule_id and x.user_id = any (v_gone)
    union all
    select x.ctid from schedule_instances x where x.schedule_id = p_schedule_id and x.user_id is null and not v_is_shared
    limit p_limit));
  get diagnostics v_rows = row_count;
  return v_rows;
end $$;

-- Deletes up to p_limit rows of a schedule that ended before its window. How many it was.
create or replace function app.trim_instances(p_schedule_id uuid, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_from timestamptz;
  v_rows int;
begin
  perform app.lock_instances(p_schedule_id);
  select s.materialised_from into v_from from schedules s where s.id = p_schedule_id;
  delete from schedule_instances i where i.ctid = any (array(
    select x.ctid from schedule_instances x where x.schedule_id = p_schedule_id and x.ends_at <= v_from and x.starts_at < v_from
    limit p_limit));
  get diagnostics v_rows = row_count;
  return v_rows;
end $$;

grant execute on function app.shut_instances to app_user;
grant execute on function app.read_expansion, app.write_instances, app.finish_instances, app.prune_instances, app.trim_instances to job_user;
