-- The workspaces in which somebody is: what they may see of calendars they may see there alone.
create or replace function app.workspaces_of(p_user_id uuid) returns setof uuid language sql stable parallel safe
begin atomic
  select w.id from app.workspaces w where w.owner_user_id = p_user_id and w.deleted_at is null
  union all
  select w.id from app.workspace_members m
  join app.workspaces w on w.id = m.workspace_id and w.deleted_at is null and w.owner_user_id <> p_user_id
  where m.user_id = p_user_id;
end;

-- Whether each of the words, which are in lower case, stands somewhere in what people read. Null: no words are asked for.
create or replace function app.schedule_has_words(p_words text[], p_title text, p_location text, p_description text)
returns boolean language plpgsql immutable parallel safe set search_path = app, pg_temp as $$
declare
  v_text constant text := lower(concat_ws(E'\n', p_title, p_location, p_description));
begin
  return not exists (select from unnest(p_words) w where strpos(v_text, w) = 0);
end $$;

-- What overrides in a window show; null: as the series has it. Local times are compared roughly: who asks knows the zones.
create or replace function app.override_contents(s app.schedules, p_from timestamptz, p_to timestamptz, p_words text[])
returns jsonb language plpgsql stable parallel safe set search_path = app, pg_temp as $$
begin
  return (select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(o.recurrence_id, s.is_all_day), 'title', o.title,
      'location', o.location, 'status', o.status, 'transparency', o.transparency, 'duration_seconds', o.duration_seconds,
      'has_words', case when p_words is not null then app.schedule_has_words(p_words, coalesce(o.title, s.title),
        coalesce(o.location, s.location), coalesce(o.description, s.description)) end))
    from schedule_overrides o
    where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id and not o.is_cancelled
      and coalesce(o.starts_local, o.recurrence_id) >= p_from at time zone 'UTC' - interval '368 days'
      and coalesce(o.starts_local, o.recurrence_id) < p_to at time zone 'UTC' + interval '1 day');
end $$;

-- Instances that overlap [p_from, p_to) of whoever's a subscriber reads for the time being (p_holder_id), or those that all
-- subscribers of a calendar share. Those that began before p_earliest are longer than a day, and end before p_longest. A function,
-- since most people read their own alone: what is not called need not be set up. Not for app_user.
create or replace function app.list_borrowed_instances(p_holder_id uuid, p_calendar_id uuid, p_from timestamptz, p_to timestamptz,
  p_earliest timestamptz, p_longest timestamptz)
returns table (schedule_id uuid, starts_at timestamptz, recurrence_id timestamp)
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  if p_holder_id is not null then
    return query
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.user_id = p_holder_id and i.starts_at >= p_earliest and i.starts_at < p_to and (i.starts_at >= p_from or i.ends_at > p_from)
      union all
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.user_id = p_holder_id and i.ends_at - i.starts_at > interval '1 day' and i.ends_at > p_from and i.ends_at < p_longest
        and i.starts_at < p_earliest;
  else
    return query
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.calendar_id = p_calendar_id and i.user_id is null and i.starts_at >= p_earliest and i.starts_at < p_to
        and (i.starts_at >= p_from or i.ends_at > p_from)
      union all
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.calendar_id = p_calendar_id and i.user_id is null and i.ends_at - i.starts_at > interval '1 day'
        and i.ends_at > p_from and i.ends_at < p_longest and i.starts_at < p_earliest;
  end if;
end $$;

-- Everything of which a person sees occurrences in [p_from, p_to), one row per schedule, and at least one row. Of schedules whose
-- instances are whole in the window the starts and recurrence ids of those (8 bytes each, as Postgres sends times: twenty rows
-- cost the driver far less than six hundred); of the others the series, to be expanded by whoever asks. As wall clocks are stored
-- read as UTC and no zone is further off than 14 hours, the window is that much wider, and the caller cuts. p_after: only what
-- starts then or later. is_cut: there are more than p_max_rows instances or p_max_series series, and nothing is answered.
-- Of what is private, and in calendars of which the person sees only free/busy: role is null, and so is what it is about.
create or replace function app.view_schedules(p_user_id uuid, p_from timestamptz, p_to timestamptz, p_after timestamptz,
  p_calendar_id uuid, p_include_hidden boolean, p_words text[], p_max_rows int, p_max_series int)
returns table (viewer_time_zone text, is_cut boolean, calendar_id uuid, schedule_id uuid, role text, title text, location text,
  color text, status text, transparency text, visibility text, organiser_user_id uuid, is_all_day boolean, time_zone text,
  duration_seconds int, is_recurring boolean, has_words boolean, response text, responses jsonb, overrides jsonb,
  starts bytea, recurrences bytea, series jsonb)
language plpgsql stable security definer set search_path = app, pg_temp set plan_cache_mode = force_generic_plan set enable_sort = off as $$
#variable_conflict use_column
declare
  v_from constant timestamptz := coalesce(p_after, p_from) - interval '14 hours';
  v_to constant timestamptz := p_to + interval '14 hours';
  v_earliest constant timestamptz := case when p_after is null then v_from - interval '1 day' else v_from end;
  v_longest constant timestamptz := case when p_after is null then v_from + interval '368 days' else v_from end;
  v_is_hidden_shown constant boolean := p_include_hidden or p_calendar_id is not null;
begin
  if p_calendar_id is not null then
    if (select d.role is null from app.decide_calendar_access(p_user_id, p_calendar_id) d) is not false then
      perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.', '{"pointer": "/calendar_id"}');
    end if;
  end if;
  return query
    with homes as materialized (
      select w as workspace_id from app.workspaces_of(p_user_id) w
    ), subs as materialized (
      select b.workspace_id, b.calendar_id, b.role, b.is_hidden, b.instances_of, b.color, c.color as calendar_color
      from calendar_subscriptions b join calendars c on c.id = b.calendar_id
      where b.user_id = p_user_id and b.workspace_id in (select h.workspace_id from homes h)
        and (p_calendar_id is null or b.calendar_id = p_calendar_id)
    ), own as (
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.user_id = p_user_id and i.starts_at >= v_earliest and i.starts_at < v_to
        and (i.starts_at >= v_from or i.ends_at > v_from)
      union all
      select i.schedule_id, i.starts_at, i.recurrence_id from schedule_instances i
      where i.user_id = p_user_id and i.ends_at - i.starts_at > interval '1 day' and i.ends_at > v_from and i.ends_at < v_longest
        and i.starts_at < v_earliest
    ), others as (
      select i.schedule_id, o.id as holder, i.starts_at, i.recurrence_id
      from (select distinct b.instances_of as id from subs b where b.instances_of <> p_user_id) o
      cross join lateral app.list_borrowed_instances(o.id, null, v_from, v_to, v_earliest, v_longest) i
      union all
      select i.schedule_id, null, i.starts_at, i.recurrence_id
      from subs b cross join lateral app.list_borrowed_instances(null, b.calendar_id, v_from, v_to, v_earliest, v_longest) i
      where b.instances_of is null
    ), covered as materialized (
      select i.schedule_id, p_user_id as holder, string_agg(timestamptz_send(i.starts_at), '') as starts,
        string_agg(timestamp_send(i.recurrence_id), '') as recurrences
      from (select i.* from own i limit p_max_rows + 1) i group by i.schedule_id
      union all
      select i.schedule_id, i.holder, string_agg(timestamptz_send(i.starts_at), ''), string_agg(timestamp_send(i.recurrence_id), '')
      from (select i.* from others i limit p_max_rows + 1) i group by i.schedule_id, i.holder
    ), uncovered as materialized (
      select s.id as schedule_id, b.instances_of as holder
      from subs b join schedules s on s.workspace_id = b.workspace_id and s.calendar_id = b.calendar_id
      where (s.materialised_until < 'infinity' or s.materialised_from > '-infinity') and coalesce(s.last_at, 'infinity') >= v_from
        and s.first_at < v_to and (s.materialised_until < v_to or s.materialised_from > v_from)
      union all
      select s.id, p_user_id
      from schedule_guests g join schedules s on s.id = g.schedule_id
      where g.user_id = p_user_id and coalesce(g.last_at, 'infinity') >= v_from and p_calendar_id is null
        and s.first_at < v_to and (s.materialised_until < v_to or s.materialised_from > v_from)
        and not exists (select from subs b where b.calendar_id = g.calendar_id)
      limit p_max_series + 1
    ), head as (
      select (select u.time_zone from users u where u.id = p_user_id) as time_zone,
        (select coalesce(sum(length(c.starts)), 0) from covered c) > 8 * p_max_rows or (select count(*) from uncovered) > p_max_series as is_cut
    )
    select h.time_zone, h.is_cut, f.calendar_id, f.schedule_id, f.role, f.title, f.location, f.color, f.status, f.transparency,
      f.visibility, f.organiser_user_id, f.is_all_day, f.time_zone, f.duration_seconds, f.is_recurring, f.has_words, f.response,
      f.responses, f.overrides, f.starts, f.recurrences, f.series
    from head h left join lateral (
      select s.calendar_id, s.id as schedule_id, a.role, case when a.role is not null then s.title end as title,
        case when a.role is not null then s.location end as location, coalesce(b.color, case when a.role is not null then s.color end, b.calendar_color) as color,
        s.status, s.transparency, s.visibility, s.organiser_user_id, s.is_all_day, s.time_zone, s.duration_seconds,
        s.rrule is not null or s.rdates <> '{}' as is_recurring,
        case when p_words is not null then app.schedule_has_words(p_words, s.title, s.location, s.description) end as has_words,
        g.response,
        case when g.id is not null then (
          select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
            'applies_to', r.applies_to, 'response', r.response))
          from schedule_responses r where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id
            and r.schedule_id = s.id and r.guest_id = g.id) end as responses,
        case when exists (select from schedule_overrides o where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id
          and o.schedule_id = s.id) then (select app.override_contents(w, v_from, v_to, p_words) from schedules w where w.id = s.id) end
          as overrides,
        i.starts, i.recurrences, case when i.starts is null then (select app.series_json(w) from schedules w where w.id = s.id) end as series
      from (select c.schedule_id, c.holder, c.starts, c.recurrences from covered c
        union all select u.schedule_id, u.holder, null, null from uncovered u) i
      join schedules s on s.id = i.schedule_id
        and (i.starts is null or s.materialised_from <= v_from and s.materialised_until >= v_to)
      left join subs b on b.calendar_id = s.calendar_id
      left join schedule_guests g on g.user_id = p_user_id and g.schedule_id = s.id
        and (b.calendar_id is not null or g.workspace_id in (select h.workspace_id from homes h))
      cross join lateral (
        select app.schedule_role(p_user_id, s.organiser_user_id, s.visibility, b.role, g.id is not null) as role) a
      where not h.is_cut
        and case when b.calendar_id is null then g.id is not null and i.holder = p_user_id and p_calendar_id is null
          else b.instances_of is not distinct from i.holder and (v_is_hidden_shown or not b.is_hidden or g.id is not null) end
        and (a.role is not null or p_words is null and s.status <> 'cancelled')
    ) f on true;
end $$;

-- Guests have the end of their schedule with them.
create or replace function app.copy_last_at() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  if tg_table_name = 'schedule_guests' then
    new.last_at := (select s.last_at from schedules s
      where s.workspace_id = new.workspace_id and s.calendar_id = new.calendar_id and s.id = new.schedule_id);
  else
    update schedule_guests g set last_at = new.last_at
    where g.workspace_id = new.workspace_id and g.calendar_id = new.calendar_id and g.schedule_id = new.id;
  end if;
  return new;
end $$;
drop trigger if exists schedule_guests_last_at on app.schedule_guests;
create trigger schedule_guests_last_at before insert on app.schedule_guests for each row execute function app.copy_last_at();
drop trigger if exists schedules_last_at on app.schedules;
create trigger schedules_last_at after update of last_at on app.schedules for each row
  when (old.last_at is distinct from new.last_at) execute function app.copy_last_at();

grant execute on function app.view_schedules to app_user;
