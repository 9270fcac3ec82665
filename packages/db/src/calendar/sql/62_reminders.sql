-- What one person is reminded of. Nobody else sees it: every function asks for the person's own rows.

-- As whose they are sees one.
create or replace function app.reminder_json(r app.schedule_reminders, p_is_all_day boolean) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (r).id, 'schedule_id', (r).schedule_id, 'applies_to', (r).applies_to,
    'recurrence_id', app.local_json((r).recurrence_id, p_is_all_day),
    'until_recurrence_id', app.local_json((r).until_recurrence_id, p_is_all_day),
    'skips', app.local_list_json((r).skips, p_is_all_day), 'minutes_before', (r).minutes_before, 'local_time', (r).local_time::text,
    'days_before', (r).days_before, 'channels', to_jsonb((r).channels), 'version', (r).version,
    'created_at', app.iso((r).created_at), 'updated_at', app.iso((r).updated_at));

-- One's own of a schedule, the oldest first; and the series whose occurrences they name. p_locks: the schedule stays as it is until the
-- transaction ends, so that the names are still right when they are written.
create or replace function app.list_reminders(p_user_id uuid, p_schedule_id uuid, p_locks boolean, out reminders jsonb, out series jsonb)
language plpgsql set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_access record;
begin
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'viewer');
  if p_locks then
    perform from schedules s
    where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id for key share;
    v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'viewer');
  end if;
  select app.series_json(s), coalesce((
      select jsonb_agg(app.reminder_json(r, s.is_all_day) order by r.id) from schedule_reminders r
      where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id and r.schedule_id = s.id and r.user_id = p_user_id), '[]')
    into series, reminders
  from schedules s
  where s.workspace_id = v_access.workspace_id and s.calendar_id = v_access.calendar_id and s.id = p_schedule_id;
end $$;

-- Writes what an edit of the reminder p_reminder_id comes to: p_deletes goes, p_rows are written. A row with `expected_version` is
-- there and must be of that version; one without is new. p_action: create, update, delete. Returns one's own, the oldest first.
create or replace function app.write_own_reminders(p_user_id uuid, p_schedule_id uuid, p_reminder_id uuid, p_action text, p_deletes jsonb,
  p_rows jsonb, p_max int, p_after jsonb, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_access record;
  v_changes jsonb := p_deletes || p_rows;
  v_before jsonb;
  v_fresh int;
begin
  v_access := app.set_schedule_context(p_user_id, p_schedule_id, 'viewer');
  -- One writer at a time of what one person has of one schedule: its number is bounded.
  perform pg_advisory_xact_lock(hashtextextended(concat(p_user_id, p_schedule_id), 62));
  select app.reminder_summary(r) into v_before from schedule_reminders r
  where r.workspace_id = v_access.workspace_id and r.calendar_id = v_access.calendar_id and r.schedule_id = p_schedule_id
    and r.user_id = p_user_id and r.id = p_reminder_id;
  if v_before is null and p_action <> 'create' then
    perform app.fail('PT404', 'reminder.not_found', 'There is no such reminder.');
  end if;
  perform app.check_reminder_versions(p_user_id, p_schedule_id, v_changes);
  delete from schedule_reminders r using jsonb_to_recordset(p_deletes) d (id uuid)
  where r.workspace_id = v_access.workspace_id and r.calendar_id = v_access.calendar_id and r.schedule_id = p_schedule_id
    and r.user_id = p_user_id and r.id = d.id;
  update schedule_reminders r
  set until_recurrence_id = n.until_recurrence_id, skips = app.local_times(n.skips), minutes_before = n.minutes_before,
    local_time = n.local_time, days_before = n.days_before, channels = app.text_items(n.channels),
    next_at = '-infinity', next_recurrence_id = null, version = r.version + 1, updated_at = clock_timestamp()
  from jsonb_to_recordset(p_rows) n (id uuid, expected_version int, until_recurrence_id timestamp, skips jsonb, minutes_before int,
    local_time time, days_before int, channels jsonb)
  where r.workspace_id = v_access.workspace_id and r.calendar_id = v_access.calendar_id and r.schedule_id = p_schedule_id
    and r.user_id = p_user_id and r.id = n.id and n.expected_version is not null;
  insert into schedule_reminders (workspace_id, calendar_id, schedule_id, id, user_id, applies_to, recurrence_id, until_recurrence_id,
    skips, minutes_before, local_time, days_before, channels, created_at, updated_at)
  select v_access.workspace_id, v_access.calendar_id, p_schedule_id, n.id, p_user_id, n.applies_to, n.recurrence_id, n.until_recurrence_id,
    app.local_times(n.skips), n.minutes_before, n.local_time, n.days_before, app.text_items(n.channels), clock_timestamp(), clock_timestamp()
  from jsonb_to_recordset(p_rows) n (id uuid, expected_version int, applies_to text, recurrence_id timestamp, until_recurrence_id timestamp,
    skips jsonb, minutes_before int, local_time time, days_before int, channels jsonb)
  where n.expected_version is null;
  get diagnostics v_fresh = row_count;
  if v_fresh > 0 and p_max < (select count(*) from schedule_reminders r
      where r.workspace_id = v_access.workspace_id and r.calendar_id = v_access.calendar_id and r.schedule_id = p_schedule_id
        and r.user_id = p_user_id) then
    perform app.fail('PT409', 'reminder.too_many', format('You have at most %s reminders of one schedule.', p_max));
  end if;
  perform app.append_audit(p_user_id, v_access.workspace_id, null, 'reminder.' || p_action, 'reminder', p_reminder_id::text,
    v_before, p_after, p_request_id);
  return (app.list_reminders(p_user_id, p_schedule_id, false)).reminders;
end $$;

-- What the audit log says of one: the words of its schedule are not in it.
create or replace function app.reminder_summary(r app.schedule_reminders) returns jsonb language sql stable parallel safe
  return jsonb_strip_nulls(jsonb_build_object('schedule_id', (r).schedule_id, 'applies_to', (r).applies_to,
    'minutes_before', (r).minutes_before, 'local_time', (r).local_time, 'days_before', (r).days_before, 'channels', to_jsonb((r).channels)));

-- Whoever edits one edits what they saw. The caller has the context and the lock.
create or replace function app.check_reminder_versions(p_user_id uuid, p_schedule_id uuid, p_rows jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_row record;
  v_current jsonb;
begin
  for v_row in select n.id, n.expected_version from jsonb_to_recordset(p_rows) n (id uuid, expected_version int)
    where n.expected_version is not null
  loop
    select app.reminder_json(r, s.is_all_day) into v_current
    from schedule_reminders r
    join schedules s on s.workspace_id = r.workspace_id and s.calendar_id = r.calendar_id and s.id = r.schedule_id
    where r.id = v_row.id and r.schedule_id = p_schedule_id and r.user_id = p_user_id;
    if v_current is null then
      perform app.fail('PT404', 'reminder.not_found', 'There is no such reminder.');
    elsif (v_current ->> 'version')::int <> v_row.expected_version then
      perform app.fail('PT409', 'reminder.version_conflict', 'The reminder was changed meanwhile.', jsonb_build_object('current', v_current));
    end if;
  end loop;
end $$;

-- Takes at most p_limit reminders that are due, and that no other worker has, until the transaction ends; with everything that says
-- whether each is to be sent and when the next one is. Their schedules are read after the lock is held, as they then are.
create or replace function app.take_due_reminders(p_now timestamptz, p_limit int) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_ids constant uuid[] := array(
    select r.id from schedule_reminders r where r.next_at <= p_now order by r.next_at limit least(p_limit, 1000) for update skip locked);
begin
  return jsonb_build_object(
    'reminders', coalesce((
      select jsonb_agg(jsonb_build_object('id', r.id, 'schedule_id', r.schedule_id, 'user_id', r.user_id, 'applies_to', r.applies_to,
        'recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
        'until_recurrence_id', app.local_json(r.until_recurrence_id, s.is_all_day), 'skips', app.local_list_json(r.skips, s.is_all_day),
        'minutes_before', r.minutes_before, 'local_time', r.local_time, 'days_before', r.days_before, 'channels', to_jsonb(r.channels),
        'next_recurrence_id', app.local_json(r.next_recurrence_id, s.is_all_day),
        'silent_until', app.iso(greatest(r.updated_at, r.last_at)), 'time_zone', u.time_zone, 'has_email', u.email is not null,
        'role', a.role, 'response', g.response, 'responses', case when g.id is null then '[]' else (
          select coalesce(jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(p.recurrence_id, s.is_all_day),
            'applies_to', p.applies_to, 'response', p.response)), '[]')
          from schedule_responses p where p.workspace_id = r.workspace_id and p.calendar_id = r.calendar_id
            and p.schedule_id = r.schedule_id and p.guest_id = g.id) end) order by r.next_at, r.id)
      from schedule_reminders r
      join schedules s on s.workspace_id = r.workspace_id and s.calendar_id = r.calendar_id and s.id = r.schedule_id
      join users u on u.id = r.user_id
      cross join lateral app.decide_schedule_access(r.user_id, r.schedule_id) a
      left join schedule_guests g on g.workspace_id = r.workspace_id and g.calendar_id = r.calendar_id
        and g.schedule_id = r.schedule_id and g.id = a.guest_id
      where r.id = any (v_ids)), '[]'),
    'schedules', coalesce((
      select jsonb_object_agg(s.id, jsonb_build_object('workspace_id', s.workspace_id, 'calendar_id', s.calendar_id, 'title', s.title,
        'location', s.location, 'status', s.status, 'series', app.series_json(s), 'words', (
          select coalesce(jsonb_object_agg(app.local_json(o.recurrence_id, s.is_all_day), jsonb_build_object('title', o.title, 'location', o.location)), '{}')
          from schedule_overrides o
          where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id
            and (o.title is not null or o.location is not null))))
      from schedules s where s.id in (select r.schedule_id from schedule_reminders r where r.id = any (v_ids))), '{}'));
end $$;

-- What became of reminders that this transaction took: when each is due next, and the outbox rows of what is sent. In one statement
-- of one transaction, so that each is sent once, whatever dies.
create or replace function app.settle_reminders(p_rows jsonb, p_messages jsonb, p_request_id text) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  update schedule_reminders r
  set next_at = n.next_at, next_recurrence_id = n.next_recurrence_id, last_at = greatest(r.last_at, n.last_at)
  from jsonb_to_recordset(p_rows) n (id uuid, next_at timestamptz, next_recurrence_id timestamp, last_at timestamptz)
  where r.id = n.id;
  get diagnostics v_count = row_count;
  insert into outbox (id, topic, workspace_id, user_id, payload, request_id)
  select app.uuidv7(), m.topic, m.workspace_id, m.user_id, m.payload, p_request_id
  from jsonb_to_recordset(p_messages) m (topic text, workspace_id uuid, user_id uuid, payload jsonb);
  return v_count;
end $$;

-- What the mail of a reminder tells; null when they no longer read the schedule, or it was called off.
create or replace function app.get_reminder_mail(p_user_id uuid, p_schedule_id uuid, p_recurrence_id timestamp) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_access constant record := app.decide_schedule_access(p_user_id, p_schedule_id);
begin
  if v_access.role is null then
    return null;
  end if;
  return (
    select jsonb_build_object('email', u.email, 'locale', u.locale, 'time_zone', u.time_zone, 'calendar_id', s.calendar_id,
      'is_all_day', s.is_all_day, 'title', coalesce(o.title, s.title), 'location', coalesce(o.location, s.location))
    from schedules s
    join users u on u.id = p_user_id and u.email is not null
    left join schedule_overrides o on o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id
      and o.recurrence_id = p_recurrence_id
    where s.id = p_schedule_id and coalesce(o.status, s.status) <> 'cancelled' and o.is_cancelled is not true
      and p_recurrence_id <> all (s.exdates));
end $$;

grant execute on function app.reminder_json, app.list_reminders, app.write_own_reminders, app.reminder_summary,
  app.check_reminder_versions to app_user;
grant execute on function app.take_due_reminders, app.settle_reminders, app.get_reminder_mail to job_user;
