-- What somebody who synchronises reads first: the calendars that they subscribe to as they stand, and what is gone. p_calendars and
-- p_seqs: those that they had, and up to which seq; p_head: their own; null: nothing. One row per calendar, and at least one.
-- needs_reset: something of it changed that they see no more of than that somebody is busy. What it was before nobody knows, and
-- its id is not told, so they are to drop the calendar and read it anew.
create or replace function app.sync_heads(p_user_id uuid, p_calendars uuid[], p_seqs bigint[], p_head bigint)
returns table (viewer_time_zone text, head bigint, homes uuid[], guest_homes uuid[], removed uuid[], calendar_id uuid, role text, seq bigint, name text, color text,
  time_zone text, is_hidden boolean, needs_reset boolean)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  return query
    with homes as materialized (
      select w as workspace_id from app.workspaces_of(p_user_id) w
    ), subs as materialized (
      select b.workspace_id, b.calendar_id, b.role, c.seq, c.name, coalesce(b.color, c.color) as color, c.time_zone, b.is_hidden, k.seq as known
      from calendar_subscriptions b join calendars c on c.id = b.calendar_id
      left join unnest(p_calendars, p_seqs) k (calendar_id, seq) on k.calendar_id = b.calendar_id
      where b.user_id = p_user_id and b.workspace_id in (select h.workspace_id from homes h)
    )
    select (select u.time_zone from users u where u.id = p_user_id), coalesce((select h.seq from user_calendar_heads h where h.user_id = p_user_id), 0),
      array(select h.workspace_id from homes h),
      array(select distinct g.workspace_id from schedule_guests g
        where g.user_id = p_user_id and g.workspace_id in (select h.workspace_id from homes h)
          and not exists (select from subs b where b.calendar_id = g.calendar_id)),
      array(
        select t.schedule_id from subs b join schedule_tombstones t on t.workspace_id = b.workspace_id and t.calendar_id = b.calendar_id
        where t.seq > b.known and b.role <> 'freebusy'
        union
        select t.schedule_id from guest_tombstones t where t.user_id = p_user_id and t.seq > p_head),
      b.calendar_id, b.role, b.seq, b.name, b.color, b.time_zone, b.is_hidden,
      b.role = 'viewer' and b.known < b.seq and exists (
        select from schedules s where s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id and s.seq > b.known
          and s.visibility = 'private' and s.organiser_user_id <> p_user_id
          and not exists (select from schedule_guests g where g.user_id = p_user_id and g.schedule_id = s.id))
    from (select) one left join subs b on true;
end $$;

-- A page of the schedules that somebody who synchronises is to be told of, by id, with the series that their occurrences follow
-- from. p_since: of each of p_calendars the seq after which, or -1 for all of it in the window; p_guests_since: the same of what
-- they are a guest of, null: nothing; p_lost: calendars that they no longer subscribe to, of which they may yet be a guest.
-- is_entered: it did not change, but may have occurrences from p_entered_from on.
create or replace function app.sync_schedules(p_user_id uuid, p_calendars uuid[], p_since bigint[], p_lost uuid[], p_guests_since bigint,
  p_from timestamptz, p_to timestamptz, p_entered_from timestamptz, p_after uuid, p_limit int)
returns table (is_entered boolean, calendar_id uuid, schedule_id uuid, role text, title text, description text, location text,
  url text, color text, status text, transparency text, visibility text, organiser_user_id uuid, is_all_day boolean, time_zone text,
  duration_seconds int, is_recurring boolean, version int, response text, responses jsonb, overrides jsonb, series jsonb)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  return query
    with homes as materialized (
      select w as workspace_id from app.workspaces_of(p_user_id) w
    ), subs as materialized (
      select b.workspace_id, b.calendar_id, b.role from calendar_subscriptions b
      where b.user_id = p_user_id and b.workspace_id in (select h.workspace_id from homes h)
    ), changed as materialized (
      select s.id from unnest(p_calendars, p_since) k (calendar_id, seq) join subs b on b.calendar_id = k.calendar_id
      join schedules s on s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id and s.seq > k.seq
      where k.seq >= 0 or s.first_at < p_to and (s.last_at is null or s.last_at >= p_from)
      union
      select g.schedule_id from schedule_guests g
      where g.user_id = p_user_id and (p_guests_since >= 0 or coalesce(g.last_at, 'infinity') >= p_from)
        and (g.seq > p_guests_since or g.calendar_id = any (p_lost))
      union
      select t.schedule_id from guest_tombstones t where t.user_id = p_user_id and t.seq > p_guests_since
    ), entered as (
      select s.id from subs b join schedules s on s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id
      where p_entered_from < p_to and s.first_at < p_to and (s.last_at is null or s.last_at >= p_entered_from)
      union
      select s.id from schedule_guests g join schedules s on s.id = g.schedule_id
      where g.user_id = p_user_id and p_entered_from < p_to and s.first_at < p_to and coalesce(g.last_at, 'infinity') >= p_entered_from
    ), found as (
      select c.id, false as is_entered from changed c
      union all
      select e.id, true from entered e where e.id not in (select c.id from changed c)
    )
    select f.is_entered, s.calendar_id, s.id, a.role, s.title, s.description, s.location, s.url, s.color, s.status, s.transparency,
      s.visibility, s.organiser_user_id, s.is_all_day, s.time_zone, s.duration_seconds, s.rrule is not null or s.rdates <> '{}', s.version,
      g.response,
      case when g.id is not null then (
        select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
          'applies_to', r.applies_to, 'response', r.response))
        from schedule_responses r where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id
          and r.schedule_id = s.id and r.guest_id = g.id) end,
      (select jsonb_agg(app.override_json(o, s.is_all_day)) from schedule_overrides o
        where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id and not o.is_cancelled),
      app.series_json(s)
    from found f join schedules s on s.id = f.id
    left join subs b on b.calendar_id = s.calendar_id
    left join schedule_guests g on g.user_id = p_user_id and g.schedule_id = s.id
      and g.workspace_id in (select h.workspace_id from homes h)
    cross join lateral (
      select app.schedule_role(p_user_id, s.organiser_user_id, s.visibility, b.role, g.id is not null) as role) a
    where a.role is not null and (p_after is null or s.id > p_after)
    order by s.id limit p_limit;
end $$;

-- Of these calendars what somebody sees no more of than that it makes busy, in the window, at most p_limit: to be expanded.
create or replace function app.sync_busy(p_user_id uuid, p_calendars uuid[], p_from timestamptz, p_to timestamptz, p_limit int)
returns table (calendar_id uuid, status text, transparency text, series jsonb)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  return query
    select s.calendar_id, s.status, s.transparency, app.series_json(s)
    from calendar_subscriptions b join schedules s on s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id
    left join schedule_guests g on g.user_id = p_user_id and g.schedule_id = s.id
    where b.user_id = p_user_id and b.calendar_id = any (p_calendars)
      and b.workspace_id in (select w from app.workspaces_of(p_user_id) w)
      and app.schedule_role(p_user_id, s.organiser_user_id, s.visibility, b.role, g.id is not null) is null
      and s.first_at < p_to and (s.last_at is null or s.last_at >= p_from)
    order by s.id limit p_limit;
end $$;

grant execute on function app.sync_heads, app.sync_schedules, app.sync_busy to app_user;
