-- Whose instances each subscription reads: the subscriber's own, or in a calendar of many those for all. Who subscribes reads at
-- first what the owner's subscription reads, for which there always are rows; calendar.fan_out then writes what is to be read and
-- turns the subscriptions over to it.

-- What a new subscription reads. Holds the calendar as it is until the transaction ends, so that those rows are not taken away before
-- the subscription is seen. Not for app_user by itself: the caller has decided access.
create or replace function app.first_instances_of(p_workspace_id uuid, p_calendar_id uuid) returns uuid
language plpgsql set search_path = app, pg_temp as $$
begin
  perform from calendars c where c.workspace_id = p_workspace_id and c.id = p_calendar_id for share;
  return (select s.instances_of from calendar_subscriptions s
    where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id and s.role = 'owner');
end $$;

-- Decides whether instances are for each subscriber or for all: for all above p_limit subscribers, for each again at p_back or below.
-- Answers what is to be turned over: `pending`, the subscriptions that do not read yet what they are to; is_switching: the owner's is
-- among them. Null: no such calendar.
create or replace function app.choose_fan_out(p_calendar_id uuid, p_limit int, p_back int) returns jsonb
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '4s' as $$
declare
  v_calendar calendars;
  v_count int;
begin
  select * into v_calendar from calendars c where c.id = p_calendar_id for update;
  if not found then
    return null;
  end if;
  select count(*) into v_count from calendar_subscriptions s where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id;
  if v_calendar.fan_out = 'each' and v_count > p_limit or v_calendar.fan_out = 'shared' and v_count <= p_back then
    update calendars c
    set fan_out = case c.fan_out when 'each' then 'shared' else 'each' end, fan_out_version = c.fan_out_version + 1
    where c.workspace_id = v_calendar.workspace_id and c.id = p_calendar_id
    returning * into v_calendar;
  end if;
  return (select jsonb_build_object('fan_out', v_calendar.fan_out, 'fan_out_version', v_calendar.fan_out_version,
      'is_switching', coalesce(bool_or(s.role = 'owner'), false), 'pending', coalesce(jsonb_agg(jsonb_build_object('user_id', s.user_id, 'created_at', s.created_at) order by s.user_id), '[]'))
    from calendar_subscriptions s
    where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id
      and s.instances_of is distinct from case v_calendar.fan_out when 'each' then s.user_id end);
end $$;

-- Copies what the owner's subscription reads to these readers (p_shared: to those for all), schedule by schedule, until p_rows rows
-- were looked at. Of schedules that are shut there is nothing to copy: they open only with the rows of everybody (finish_instances).
-- next_id: where to go on; null: at the end. is_current false: the calendar has changed its fan-out, and nothing was done.
create or replace function app.copy_instances(p_calendar_id uuid, p_fan_out_version int, p_readers uuid[], p_shared boolean,
  p_cursor_id uuid, p_rows int, out is_current boolean, out next_id uuid, out written int)
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
declare
  v_calendar calendars;
  v_schedule_id uuid;
  v_schedule schedules;
  v_reference uuid;
  v_rows int := 0;
  v_set record;
begin
  select * into v_calendar from calendars c where c.id = p_calendar_id and c.fan_out_version = p_fan_out_version;
  is_current := found;
  written := 0;
  for v_schedule_id in
    select s.id from schedules s
    where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.materialised_until > '-infinity'
      and s.id > coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000') order by s.id
  loop
    perform app.lock_instances(v_schedule_id);
    select * into v_schedule from schedules s
    where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.id = v_schedule_id
      and s.materialised_until > '-infinity';
    if found then
      select s.instances_of into v_reference from calendar_subscriptions s
      where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id and s.role = 'owner';
      select coalesce(array_agg(i.recurrence_id order by i.starts_at, i.recurrence_id), '{}') as recurrence_ids,
        coalesce(array_agg(i.starts_at order by i.starts_at, i.recurrence_id), '{}') as starts,
        coalesce(array_agg(i.ends_at order by i.starts_at, i.recurrence_id), '{}') as ends,
        coalesce(array_agg(i.is_override order by i.starts_at, i.recurrence_id), '{}') as overrides into v_set
      from (
        select * from schedule_instances x where x.schedule_id = v_schedule_id and x.user_id = v_reference
        union all
        select * from schedule_instances x where x.schedule_id = v_schedule_id and x.user_id is null and v_reference is null
      ) i
      where i.starts_at < v_schedule.materialised_until
        and (i.ends_at > v_schedule.materialised_from or i.starts_at >= v_schedule.materialised_from);
      written := written + (app.put_instances(p_calendar_id, v_schedule_id, array_remove(p_readers, v_reference),
        p_shared and v_reference is not null, v_schedule.materialised_from, v_schedule.materialised_until, null,
        v_set.recurrence_ids, v_set.starts, v_set.ends, v_set.overrides)).written;
      v_rows := v_rows + cardinality(v_set.recurrence_ids) * (cardinality(p_readers) + p_shared::int);
    end if;
    if v_rows >= p_rows then
      next_id := v_schedule_id;
      return;
    end if;
  end loop;
end $$;

-- Turns subscriptions over to the rows that were written for them: these, if they still are the ones they were at p_created_ats; with
-- shared rows all. How many; null: the calendar has changed its fan-out.
create or replace function app.turn_subscriptions(p_calendar_id uuid, p_fan_out_version int, p_user_ids uuid[], p_created_ats timestamptz[])
returns int
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '4s' as $$
declare
  v_calendar calendars;
  v_rows int;
begin
  select * into v_calendar from calendars c where c.id = p_calendar_id and c.fan_out_version = p_fan_out_version for update;
  if not found then
    return null;
  end if;
  update calendar_subscriptions s set instances_of = case v_calendar.fan_out when 'each' then s.user_id end
  where s.workspace_id = v_calendar.workspace_id and s.calendar_id = p_calendar_id
    and s.instances_of is distinct from case v_calendar.fan_out when 'each' then s.user_id end
    and (v_calendar.fan_out = 'shared'
      or exists (select from unnest(p_user_ids, p_created_ats) p (user_id, created_at) where p.user_id = s.user_id and p.created_at = s.created_at));
  get diagnostics v_rows = row_count;
  return v_rows;
end $$;

-- Deletes rows of the calendar's schedules that nobody reads any more, up to p_limit, of up to p_schedules schedules after
-- p_cursor_id. next_id: where to go on; null: at the end.
create or replace function app.prune_calendar(p_calendar_id uuid, p_cursor_id uuid, p_schedules int, p_limit int, out next_id uuid, out deleted int)
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
declare
  v_schedule_id uuid;
  v_seen int := 0;
  v_rows int;
begin
  deleted := 0;
  next_id := p_cursor_id;
  for v_schedule_id in
    select s.id from calendars c join schedules s on s.workspace_id = c.workspace_id and s.calendar_id = c.id
    where c.id = p_calendar_id and s.id > coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000') order by s.id limit p_schedules
  loop
    v_rows := app.prune_instances(v_schedule_id, p_limit - deleted);
    deleted := deleted + v_rows;
    -- Of this one there may be more.
    if deleted >= p_limit then
      return;
    end if;
    v_seen := v_seen + 1;
    next_id := v_schedule_id;
  end loop;
  if v_seen < p_schedules then
    next_id := null;
  end if;
end $$;

grant execute on function app.first_instances_of to app_user;
grant execute on function app.choose_fan_out, app.copy_instances, app.turn_subscriptions, app.prune_calendar to job_user;
