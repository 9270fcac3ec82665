-- Who is busy when. Of one person across all calendars, so these are definer functions that filter by person; what they tell is
-- times alone. A stamp says what an answer is worth: two that are equal come from the same state, so that a copy of an answer,
-- kept elsewhere with the stamp that it was read under, is right as long as the person's stamp is still that one.

-- Everything that a person's free/busy follows from changes their stamp: each calendar that affects them by its seq, their zone, and the
-- rest by their head: subscriptions, what they are invited to, and workspaces, which they leave or which are deleted. Of pairs:
-- whether p_user_ids[n] may ask about p_person_ids[n], and if so the stamp of the latter; null also where there is no such
-- person. One may ask about oneself; as a member about everybody in the workspace; as a guest, who sees no list of members,
-- about whoever owns a calendar that one subscribes to. Every free/busy that is asked for pays for this, so it touches little,
-- and each person once, however many ask at the same time. Not for app_user.
create or replace function app.list_freebusy_stamps(p_user_ids uuid[], p_person_ids uuid[])
returns table (n bigint, person_id uuid, stamp text, time_zone text)
language plpgsql stable rows 10 set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  return query
    with asked as materialized (
      select a.user_id, a.person_id, a.n from unnest(p_user_ids, p_person_ids) with ordinality a (user_id, person_id, n)
    ), open as materialized (
      -- The workspaces whose people each of those who ask may ask about.
      select c.id as user_id, h.workspace_id, h.owner_user_id
      from (select distinct a.user_id as id from asked a) c
      cross join lateral (
        select w.id as workspace_id, w.owner_user_id from workspaces w where w.owner_user_id = c.id and w.deleted_at is null
        union all
        select w.id, w.owner_user_id from workspace_members m join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        where m.user_id = c.id and m.role <> 'guest') h
    ), visible as materialized (
      select distinct a.n from asked a join open o on o.user_id = a.user_id
      where o.owner_user_id = a.person_id
        or exists (select from workspace_members m where m.workspace_id = o.workspace_id and m.user_id = a.person_id)
    ), calendars_of as materialized (
      select s.user_id, bit_xor(uuid_hash_extended(c.id, c.seq)) as hash
      from (select distinct a.person_id as id from asked a) p
      join calendar_subscriptions s on s.user_id = p.id and s.affects_busy
      join calendars c on c.id = s.calendar_id
      group by s.user_id
    )
    select a.n, a.person_id, concat_ws('.', coalesce(h.seq, 0), to_hex(coalesce(c.hash, 0)), u.time_zone), u.time_zone
    from asked a
    join users u on u.id = a.person_id and u.kind = 'person'
    left join visible v on v.n = a.n
    left join user_calendar_heads h on h.user_id = a.person_id
    left join calendars_of c on c.user_id = a.person_id
    where v.n is not null or a.person_id = a.user_id or app.subscribes_to_person(a.user_id, a.person_id);
end $$;

-- A workspace that is deleted makes nobody busy, and one that is restored does again.
create or replace function app.bump_workspace_calendars() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform app.bump_user_calendars(array(select m.user_id from workspace_members m where m.workspace_id = new.id) || new.owner_user_id);
  return null;
end $$;
create or replace trigger workspaces_bump_calendars after update of deleted_at on app.workspaces
  for each row when (old.deleted_at is distinct from new.deleted_at) execute function app.bump_workspace_calendars();

-- Whether one subscribes to a calendar that the other one owns, both still in its workspace. Not for app_user.
create or replace function app.subscribes_to_person(p_user_id uuid, p_person_id uuid) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return exists (
    select from calendar_subscriptions s
    join calendars c on c.workspace_id = s.workspace_id and c.id = s.calendar_id and c.owner_user_id = p_person_id
    where s.user_id = p_user_id and app.is_in_workspace(p_user_id, s.workspace_id) and app.is_in_workspace(p_person_id, s.workspace_id));
end $$;

-- In a workspace that is not deleted, in any role. Not for app_user.
create or replace function app.is_in_workspace(p_user_id uuid, p_workspace_id uuid) returns boolean language sql stable
  return exists (select from app.workspaces w where w.id = p_workspace_id and w.deleted_at is null
    and (w.owner_user_id = p_user_id
      or exists (select from app.workspace_members m where m.workspace_id = w.id and m.user_id = p_user_id)));

-- For each pair a line, in their order: the stamp, which ends with the person's zone; empty for whom one may not ask about.
create or replace function app.freebusy_stamps(p_user_ids uuid[], p_person_ids uuid[]) returns text
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select string_agg(coalesce(s.stamp, ''), e'\n' order by a.n)
    from unnest(p_person_ids) with ordinality a (id, n)
    left join app.list_freebusy_stamps(p_user_ids, p_person_ids) s on s.n = a.n);
end $$;

-- What a schedule, or one occurrence of it, does to a person; null: nothing. p_response: null for whoever is no guest. Not for app_user.
create or replace function app.busy_status(p_status text, p_transparency text, p_response text) returns text
language sql immutable parallel safe
  return case
    when p_status = 'cancelled' or p_transparency = 'transparent' or p_response = 'declined' then null
    when p_status = 'tentative' or p_response in ('tentative', 'needs_action') then 'tentative'
    else 'busy' end;

-- What a guest has answered to one occurrence (`rules/responses.ts`). Not for app_user.
create or replace function app.response_to(g app.schedule_guests, p_recurrence_id timestamp) returns text
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce(
    (select r.response from schedule_responses r
      where r.workspace_id = g.workspace_id and r.calendar_id = g.calendar_id and r.schedule_id = g.schedule_id
        and r.guest_id = g.id and r.recurrence_id = p_recurrence_id and r.applies_to = 'this'),
    (select r.response from schedule_responses r
      where r.workspace_id = g.workspace_id and r.calendar_id = g.calendar_id and r.schedule_id = g.schedule_id
        and r.guest_id = g.id and r.recurrence_id <= p_recurrence_id and r.applies_to = 'following'
      order by r.recurrence_id desc limit 1),
    g.response);
end $$;

-- What makes a person busy in a window, from the instances that are whole there. is_local: starts_at and ends_at are a wall clock,
-- read as UTC. What holds for all occurrences of a schedule is looked up once for each. Not for app_user.
create or replace function app.list_busy_instances(p_person_id uuid, p_from timestamptz, p_to timestamptz, p_ignore uuid[])
returns table (schedule_id uuid, recurrence_id timestamp, starts_at timestamptz, ends_at timestamptz, status text, is_local boolean)
language plpgsql stable rows 200 set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_earliest constant timestamptz := p_from - interval '24 hours';
  -- None is longer than 366 days, so what began before the window ends before this.
  v_longest constant timestamptz := p_from + interval '368 days';
begin
  return query
    with homes as materialized (
      select w as workspace_id from app.workspaces_of(p_person_id) w
    ), subs as materialized (
      select b.calendar_id, b.affects_busy, b.instances_of from calendar_subscriptions b
      where b.user_id = p_person_id and b.workspace_id in (select h.workspace_id from homes h)
    ), found as materialized (
      -- The person's own rows, those of the owners whose rows the person reads, the shared ones. Longer ones have their own index.
      select i.schedule_id, i.user_id as holder, i.recurrence_id, i.starts_at, i.ends_at
      from (select p_person_id as id union select b.instances_of from subs b where b.instances_of is not null) o
      cross join lateral (
        select i.schedule_id, i.user_id, i.recurrence_id, i.starts_at, i.ends_at from schedule_instances i
        where i.user_id = o.id and i.starts_at >= v_earliest and i.starts_at < p_to and i.ends_at > p_from
        union all
        select i.schedule_id, i.user_id, i.recurrence_id, i.starts_at, i.ends_at from schedule_instances i
        where i.user_id = o.id and i.ends_at - i.starts_at > interval '1 day' and i.ends_at > p_from and i.ends_at < v_longest
          and i.starts_at < v_earliest) i
      union all
      select i.schedule_id, null, i.recurrence_id, i.starts_at, i.ends_at
      from subs b
      cross join lateral (
        select i.schedule_id, i.recurrence_id, i.starts_at, i.ends_at from schedule_instances i
        where i.user_id is null and i.calendar_id = b.calendar_id and i.starts_at >= v_earliest and i.starts_at < p_to
          and i.ends_at > p_from
        union all
        select i.schedule_id, i.recurrence_id, i.starts_at, i.ends_at from schedule_instances i
        where i.user_id is null and i.calendar_id = b.calendar_id and i.ends_at - i.starts_at > interval '1 day'
          and i.ends_at > p_from and i.ends_at < v_longest and i.starts_at < v_earliest) i
      where b.instances_of is null
    ), counted as materialized (
      select s, g, d.holder, s.time_zone is null as is_local,
        -- Every occurrence as the schedule says; for the others it is asked occurrence by occurrence.
        g.id is null and not exists (select from schedule_overrides o where o.workspace_id = s.workspace_id
          and o.calendar_id = s.calendar_id and o.schedule_id = s.id) as is_plain,
        app.busy_status(s.status, s.transparency, null) as status
      from (select distinct f.schedule_id, f.holder from found f) d
      join schedules s on s.id = d.schedule_id and s.materialised_from <= p_from and s.materialised_until >= p_to
      left join subs b on b.calendar_id = s.calendar_id
      left join schedule_guests g on g.user_id = p_person_id and g.schedule_id = s.id
        and g.workspace_id in (select h.workspace_id from homes h)
      where s.id <> all (p_ignore)
        and case when b.calendar_id is null then g.id is not null and d.holder = p_person_id
          else b.instances_of is not distinct from d.holder and (b.affects_busy or g.id is not null) end
    ), judged as (
      select f.schedule_id, f.recurrence_id, f.starts_at, f.ends_at, c.status, c.is_local
      from counted c join found f on f.schedule_id = (c.s).id and f.holder is not distinct from c.holder
      where c.is_plain
      union all
      select f.schedule_id, f.recurrence_id, f.starts_at, f.ends_at,
        app.busy_status(coalesce(o.status, (c.s).status), coalesce(o.transparency, (c.s).transparency),
          case when (c.g).id is not null then app.response_to(c.g, f.recurrence_id) end), c.is_local
      from counted c join found f on f.schedule_id = (c.s).id and f.holder is not distinct from c.holder
      left join schedule_overrides o on o.workspace_id = (c.s).workspace_id and o.calendar_id = (c.s).calendar_id
        and o.schedule_id = f.schedule_id and o.recurrence_id = f.recurrence_id
      where not c.is_plain and not coalesce(o.is_cancelled, false)
    )
    select * from judged j where j.status is not null;
end $$;

-- Schedules that may make a person busy in a window in which their instances are not whole: the caller expands them. Not for app_user.
create or replace function app.list_busy_series(p_person_id uuid, p_from timestamptz, p_to timestamptz, p_ignore uuid[])
returns jsonb
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  return (
    with homes as materialized (
      select w as workspace_id from app.workspaces_of(p_person_id) w
    ), subs as materialized (
      select b.workspace_id, b.calendar_id from calendar_subscriptions b
      where b.user_id = p_person_id and b.affects_busy and b.workspace_id in (select h.workspace_id from homes h)
    ), open as (
      select s as schedule from subs b
      join schedules s on s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id
      where (s.materialised_until < 'infinity' or s.materialised_from > '-infinity') and coalesce(s.last_at, 'infinity') >= p_from
        and s.first_at < p_to and (s.materialised_until < p_to or s.materialised_from > p_from)
      union all
      select s from schedule_guests g
      join schedules s on s.workspace_id = g.workspace_id and s.calendar_id = g.calendar_id and s.id = g.schedule_id
      where g.user_id = p_person_id and coalesce(g.last_at, 'infinity') >= p_from
        and (s.materialised_until < p_to or s.materialised_from > p_from) and s.first_at < p_to
        and g.workspace_id in (select h.workspace_id from homes h)
        and not exists (select from subs b where b.calendar_id = g.calendar_id)
    )
    select jsonb_agg(jsonb_build_object('schedule_id', (o.schedule).id, 'series', app.series_json(o.schedule),
      'status', (o.schedule).status, 'transparency', (o.schedule).transparency, 'response', g.response,
      'responses', coalesce((
        select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, (o.schedule).is_all_day),
          'applies_to', r.applies_to, 'response', r.response))
        from schedule_responses r where r.workspace_id = g.workspace_id and r.calendar_id = g.calendar_id
          and r.schedule_id = g.schedule_id and r.guest_id = g.id), '[]')))
    from open o
    left join schedule_guests g on g.user_id = p_person_id and g.schedule_id = (o.schedule).id
      and g.workspace_id in (select h.workspace_id from homes h)
    where (o.schedule).id <> all (p_ignore));
end $$;

-- Seconds since 1970. Not for app_user.
create or replace function app.span_text(p_from timestamptz, p_to timestamptz) returns text language sql immutable parallel safe
  return concat_ws(',', extract(epoch from p_from)::bigint, extract(epoch from p_to)::bigint);

-- The starts and ends of a multirange in turn. Not for app_user.
create or replace function app.span_seconds(p_spans tstzmultirange) returns text language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select string_agg(app.span_text(lower(r), upper(r)), ',' order by r) from unnest(p_spans) r);
end $$;

-- When these people are busy between p_from and p_to, with the stamps that it is worth as much as: all of one snapshot. One row for
-- each whom the caller may ask about. Spans are merged, and not cut: what began before the window begins there. `local`: each
-- occurrence for itself, as a wall clock read as UTC, which the services turn into instants in the person's zone; so all is of
-- a window 14 hours wider on each side. `series`: what the caller has to expand. p_ignore: schedules that do not count.
create or replace function app.read_freebusy(p_user_id uuid, p_user_ids uuid[], p_from timestamptz, p_to timestamptz,
  p_ignore uuid[] default '{}')
returns table (user_id uuid, stamp text, time_zone text, busy text, tentative text, local_busy text, local_tentative text, series jsonb)
language plpgsql stable rows 10 security definer set search_path = app, pg_temp as $$
declare
  v_from constant timestamptz := p_from - interval '14 hours';
  v_to constant timestamptz := p_to + interval '14 hours';
begin
  return query
    select s.person_id, s.stamp, s.time_zone, app.span_seconds(b.busy), app.span_seconds(b.tentative), b.local_busy, b.local_tentative,
      app.list_busy_series(s.person_id, v_from, v_to, p_ignore)
    from app.list_freebusy_stamps(array_fill(p_user_id, array[cardinality(p_user_ids)]), p_user_ids) s
    cross join lateral (
      select range_agg(tstzrange(i.starts_at, i.ends_at)) filter (where i.status = 'busy' and not i.is_local) as busy,
        range_agg(tstzrange(i.starts_at, i.ends_at)) filter (where i.status = 'tentative' and not i.is_local) as tentative,
        string_agg(app.span_text(i.starts_at, i.ends_at), ',') filter (where i.status = 'busy' and i.is_local) as local_busy,
        string_agg(app.span_text(i.starts_at, i.ends_at), ',') filter (where i.status = 'tentative' and i.is_local) as local_tentative
      from app.list_busy_instances(s.person_id, v_from, v_to, p_ignore) i) b
    ;
end $$;

-- The occurrences behind such an answer, one by one, for whoever looks for the reason: for each pair of a person and a window. Names of
-- them are told by app.name_occurrence alone.
create or replace function app.list_busy(p_user_id uuid, p_user_ids uuid[], p_from timestamptz[], p_to timestamptz[], p_ignore uuid[])
returns table (n bigint, time_zone text, instances jsonb, series jsonb)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
    select s.n, s.time_zone,
      (select jsonb_agg(jsonb_build_object('schedule_id', l.schedule_id, 'recurrence_id', l.recurrence_id,
          'starts_at', extract(epoch from l.starts_at)::bigint, 'ends_at', extract(epoch from l.ends_at)::bigint,
          'status', l.status, 'is_local', l.is_local))
        from app.list_busy_instances(s.person_id, p_from[s.n] - interval '14 hours', p_to[s.n] + interval '14 hours', p_ignore) l),
      app.list_busy_series(s.person_id, p_from[s.n] - interval '14 hours', p_to[s.n] + interval '14 hours', p_ignore)
    from app.list_freebusy_stamps(array_fill(p_user_id, array[cardinality(p_user_ids)]), p_user_ids) s;
end $$;

-- app.name_occurrence of several.
create or replace function app.name_occurrences(p_user_id uuid, p_schedule_ids uuid[], p_recurrence_ids timestamp[])
returns table (n bigint, named jsonb)
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return query
    select o.n, app.name_occurrence(p_user_id, o.schedule_id, o.recurrence_id)
    from unnest(p_schedule_ids, p_recurrence_ids) with ordinality o (schedule_id, recurrence_id, n);
end $$;

grant execute on function app.freebusy_stamps, app.read_freebusy, app.list_busy, app.name_occurrences to app_user;
