-- The title of one occurrence and what names it, for whoever may read its schedule; null for everybody else.
create or replace function app.name_occurrence(p_user_id uuid, p_schedule_id uuid, p_recurrence_id timestamp) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  if (app.decide_schedule_access(p_user_id, p_schedule_id)).role is null then
    return null;
  end if;
  return (select jsonb_build_object('schedule_id', s.id, 'recurrence_id', app.local_json(p_recurrence_id, s.is_all_day),
      'title', coalesce(o.title, s.title))
    from schedules s
    left join schedule_overrides o on o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id
      and o.schedule_id = s.id and o.recurrence_id = p_recurrence_id
    where s.id = p_schedule_id);
end $$;

-- Makes these the bookings of a schedule: what is not among them goes, what is new comes, the rest is not touched. On a
-- calendar that is not exclusive it books nothing, so that every write of occurrences may call it. What is booked the caller
-- says (`rules/bookings.ts`); the calendar's context is set. Fails with `schedule.booked` when something else has the time:
-- the constraint decides, so two who book at once do not both get it, lock or none. To move a schedule to another calendar,
-- write none before, and anew under the context of the other one.
create or replace function app.write_bookings(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid,
  p_recurrence_ids timestamp[], p_starts timestamptz[], p_ends timestamptz[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_is_exclusive constant boolean := (select c.is_exclusive from calendars c where c.workspace_id = p_workspace_id and c.id = p_calendar_id);
begin
  if not coalesce(v_is_exclusive, false) or p_recurrence_ids is null then
    p_recurrence_ids := '{}';
  end if;
  -- First what goes: a series that moves by less than its length is in its own way otherwise.
  delete from schedule_bookings b
  where b.workspace_id = p_workspace_id and b.calendar_id = p_calendar_id and b.schedule_id = p_schedule_id
    and not exists (select from unnest(p_recurrence_ids, p_starts, p_ends) n (recurrence_id, starts_at, ends_at)
      where n.recurrence_id = b.recurrence_id and n.starts_at = lower(b.during) and n.ends_at = upper(b.during));
  if cardinality(p_recurrence_ids) = 0 then
    return;
  end if;
  begin
    insert into schedule_bookings as b (workspace_id, calendar_id, schedule_id, recurrence_id, during)
    select p_workspace_id, p_calendar_id, p_schedule_id, n.recurrence_id, tstzrange(n.starts_at, n.ends_at)
    from unnest(p_recurrence_ids, p_starts, p_ends) n (recurrence_id, starts_at, ends_at)
    where n.starts_at < n.ends_at and not exists (select from schedule_bookings k
      where k.workspace_id = p_workspace_id and k.calendar_id = p_calendar_id and k.schedule_id = p_schedule_id
        and k.recurrence_id = n.recurrence_id);
  exception when exclusion_violation then
    perform app.refuse_booking(p_workspace_id, p_calendar_id, p_schedule_id, p_recurrence_ids, p_starts, p_ends);
  end;
end $$;

-- Says which occurrence found its time taken, and by what, as far as the caller may know.
create or replace function app.refuse_booking(p_workspace_id uuid, p_calendar_id uuid, p_schedule_id uuid,
  p_recurrence_ids timestamp[], p_starts timestamptz[], p_ends timestamptz[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_user_id constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  v_taken record;
begin
  select n.starts_at, n.ends_at, n.recurrence_id, b.schedule_id, b.recurrence_id as by_recurrence_id into v_taken
  from unnest(p_recurrence_ids, p_starts, p_ends) n (recurrence_id, starts_at, ends_at)
  join schedule_bookings b on b.workspace_id = p_workspace_id and b.calendar_id = p_calendar_id
    and b.schedule_id <> p_schedule_id and b.during && tstzrange(n.starts_at, n.ends_at)
  order by n.starts_at limit 1;
  if not found then
    perform app.fail('PT409', 'schedule.overlaps_itself', 'Its occurrences overlap, and this calendar holds one at a time.');
  end if;
  perform app.fail('PT409', 'schedule.booked', 'This calendar is taken at that time.', jsonb_build_object(
    'occurrence', jsonb_build_object('recurrence_id', replace(v_taken.recurrence_id::text, ' ', 'T'),
      'starts_at', app.iso(v_taken.starts_at), 'ends_at', app.iso(v_taken.ends_at)),
    'booked_by', app.name_occurrence(v_user_id, v_taken.schedule_id, v_taken.by_recurrence_id)));
end $$;

grant execute on function app.name_occurrence, app.write_bookings, app.refuse_booking to app_user;
