-- What an import writes of one schedule; the columns by their names in p_item. seq and the rest of the row are its caller's.
create or replace function app.imported_row(p_base app.schedules, p_item jsonb) returns app.schedules
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  p_base.uid := p_item ->> 'uid';
  p_base.title := p_item ->> 'title';
  p_base.description := p_item ->> 'description';
  p_base.location := p_item ->> 'location';
  p_base.url := p_item ->> 'url';
  p_base.color := p_item ->> 'color';
  p_base.status := p_item ->> 'status';
  p_base.transparency := p_item ->> 'transparency';
  p_base.visibility := p_item ->> 'visibility';
  p_base.is_all_day := (p_item ->> 'is_all_day')::boolean;
  p_base.starts_local := (p_item ->> 'starts_local')::timestamp;
  p_base.time_zone := p_item ->> 'time_zone';
  p_base.duration_seconds := (p_item ->> 'duration_seconds')::int;
  p_base.rrule := p_item ->> 'rrule';
  p_base.rdates := app.local_times(p_item -> 'rdates');
  p_base.exdates := app.local_times(p_item -> 'exdates');
  p_base.ics_properties := nullif(p_item -> 'ics_properties', 'null');
  p_base.first_at := (p_item ->> 'first_at')::timestamptz;
  p_base.last_at := (p_item ->> 'last_at')::timestamptz;
  return p_base;
end $$;

-- The overrides of a schedule as an import writes them, in one order: to compare with.
create or replace function app.imported_overrides(p_schedule app.schedules) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce((
    select jsonb_agg(app.override_json(o, p_schedule.is_all_day) || jsonb_build_object('ics_properties', o.ics_properties) order by o.recurrence_id)
    from schedule_overrides o
    where o.workspace_id = p_schedule.workspace_id and o.calendar_id = p_schedule.calendar_id and o.schedule_id = p_schedule.id), '[]');
end $$;

create or replace function app.write_imported_overrides(p_schedule app.schedules, p_overrides jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into schedule_overrides (workspace_id, calendar_id, schedule_id, recurrence_id, is_cancelled, starts_local, duration_seconds,
    title, description, location, url, status, transparency, ics_properties)
  select p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, o.recurrence_id, o.is_cancelled, o.starts_local, o.duration_seconds,
    o.title, o.description, o.location, o.url, o.status, o.transparency, nullif(o.ics_properties, 'null')
  from jsonb_to_recordset(p_overrides) o (recurrence_id timestamp, is_cancelled boolean, starts_local timestamp, duration_seconds int,
    title text, description text, location text, url text, status text, transparency text, ics_properties jsonb);
end $$;

-- Guests and reminders come with a schedule that is new; of one that is there already they stay as they are. Nobody is told:
-- what is imported has been said elsewhere. All by address: an import adds nothing to the calendars of others.
create or replace function app.write_imported_people(p_user_id uuid, p_schedule app.schedules, p_item jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  with guests as (
    insert into schedule_guests (workspace_id, calendar_id, schedule_id, id, email, name, is_optional, response, created_by)
    select p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, app.uuidv7(), g.email, g.name, g.is_optional, g.response, p_user_id
    from jsonb_to_recordset(p_item -> 'guests') g (email text, name text, is_optional boolean, response text)
    returning id, email
  )
  insert into schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response)
  select p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, g.id, r.recurrence_id, r.applies_to, r.response
  from jsonb_array_elements(p_item -> 'guests') i join guests g on g.email = i ->> 'email',
    jsonb_to_recordset(i -> 'responses') r (recurrence_id timestamp, applies_to text, response text)
  on conflict do nothing;
  insert into schedule_reminders (workspace_id, calendar_id, schedule_id, id, user_id, applies_to, recurrence_id, until_recurrence_id, skips,
    minutes_before, local_time, days_before, channels)
  select p_schedule.workspace_id, p_schedule.calendar_id, p_schedule.id, app.uuidv7(), p_user_id, r.applies_to, r.recurrence_id,
    r.until_recurrence_id, app.local_times(r.skips), r.minutes_before, r.local_time, r.days_before,
    array(select jsonb_array_elements_text(r.channels))
  from jsonb_to_recordset(p_item -> 'reminders') r (applies_to text, recurrence_id timestamp, until_recurrence_id timestamp, skips jsonb,
    minutes_before int, local_time time, days_before int, channels jsonb)
  where app.user_exists(p_user_id);
end $$;

-- Properties of a file, of a schedule that is there already. One that was made here (its UID is its id) has an organiser of its own:
-- the one that an export of it names is no property to keep.
create or replace function app.without_organiser(p_schedule app.schedules, p_properties jsonb) returns jsonb
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  if p_schedule.uid <> p_schedule.id::text then
    return p_properties;
  end if;
  return (select jsonb_agg(e.property order by e.n) from jsonb_array_elements(p_properties) with ordinality e(property, n)
    where e.property ->> 0 <> 'organizer');
end $$;

-- One schedule of a file: by its UID it is a new one, or one that is there. Says which; `unchanged` wrote nothing.
create or replace function app.import_schedule(p_user_id uuid, p_workspace_id uuid, p_calendar_id uuid, p_seq bigint, p_item jsonb,
  p_request_id text, p_traceparent text) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before schedules;
  v_after schedules;
  v_overrides jsonb;
  v_times_changed boolean;
begin
  select * into v_before from schedules s
  where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id and s.uid = p_item ->> 'uid';
  if v_before.id is null then
    v_after.workspace_id := p_workspace_id;
    v_after.calendar_id := p_calendar_id;
    v_after.id := (p_item ->> 'id')::uuid;
    v_after := app.imported_row(v_after, p_item);
    insert into schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, description, location, url, color, status,
      transparency, visibility, is_all_day, starts_local, time_zone, duration_seconds, rrule, rdates, exdates, ics_properties, first_at, last_at,
      seq, created_by)
    values (v_after.id, p_workspace_id, p_calendar_id, v_after.uid, p_user_id, v_after.title, v_after.description, v_after.location,
      v_after.url, v_after.color, v_after.status, v_after.transparency, v_after.visibility, v_after.is_all_day, v_after.starts_local,
      v_after.time_zone, v_after.duration_seconds, v_after.rrule, v_after.rdates, v_after.exdates, v_after.ics_properties, v_after.first_at,
      v_after.last_at, p_seq, p_user_id);
    -- Most schedules of a file have none of these.
    if p_item -> 'overrides' <> '[]' then
      perform app.write_imported_overrides(v_after, p_item -> 'overrides');
    end if;
    if p_item -> 'guests' <> '[]' or p_item -> 'reminders' <> '[]' then
      perform app.write_imported_people(p_user_id, v_after, p_item);
    end if;
    perform app.request_instances(p_workspace_id, v_after.id, p_request_id, p_traceparent);
    perform app.append_audit(p_user_id, p_workspace_id, null, 'schedule.create', 'schedule', v_after.id::text, null,
      app.hide_words(jsonb_build_object('title', v_after.title, 'uid', v_after.uid), v_after.visibility = 'private'), p_request_id);
    return 'created';
  end if;
  v_after := app.imported_row(v_before, p_item);
  v_after.ics_properties := app.without_organiser(v_before, v_after.ics_properties);
  v_overrides := app.imported_overrides(v_before);
  if v_after = v_before and v_overrides = p_item -> 'overrides' then
    return 'unchanged';
  end if;
  v_times_changed := v_overrides <> p_item -> 'overrides'
    or (v_before.is_all_day, v_before.starts_local, v_before.time_zone, v_before.duration_seconds, v_before.rrule, v_before.rdates, v_before.exdates)
      is distinct from
      (v_after.is_all_day, v_after.starts_local, v_after.time_zone, v_after.duration_seconds, v_after.rrule, v_after.rdates, v_after.exdates);
  update schedules s set title = v_after.title, description = v_after.description, location = v_after.location, url = v_after.url,
    color = v_after.color, status = v_after.status, transparency = v_after.transparency, visibility = v_after.visibility,
    is_all_day = v_after.is_all_day, starts_local = v_after.starts_local, time_zone = v_after.time_zone,
    duration_seconds = v_after.duration_seconds, rrule = v_after.rrule, rdates = v_after.rdates, exdates = v_after.exdates,
    ics_properties = v_after.ics_properties, first_at = v_after.first_at, last_at = v_after.last_at,
    seq = p_seq, version = s.version + 1, updated_at = clock_timestamp()
  where s.workspace_id = p_workspace_id and s.calendar_id = p_calendar_id and s.id = v_before.id;
  if v_overrides <> p_item -> 'overrides' then
    delete from schedule_overrides o
    where o.workspace_id = p_workspace_id and o.calendar_id = p_calendar_id and o.schedule_id = v_before.id;
    perform app.write_imported_overrides(v_before, p_item -> 'overrides');
  end if;
  if v_times_changed then
    perform app.uncover_schedule(p_workspace_id, p_calendar_id, v_before.id, p_request_id, p_traceparent);
  end if;
  perform app.touch_schedule_guests(p_workspace_id, p_calendar_id, v_before.id);
  -- Whom we have written to, who came with no import.
  if v_after.last_at is null or v_before.last_at is null or greatest(v_after.last_at, v_before.last_at) > now() then
    perform app.mail_guests(v_after, 'updated', null, p_request_id, p_traceparent);
  end if;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'schedule.update', 'schedule', v_before.id::text,
    app.hide_words(jsonb_build_object('title', v_before.title), 'private' in (v_before.visibility, v_after.visibility)),
    app.hide_words(jsonb_build_object('title', v_after.title, 'uid', v_after.uid), 'private' in (v_before.visibility, v_after.visibility)),
    p_request_id);
  return 'updated';
end $$;

-- For who may import: the zone of the calendar.
create or replace function app.begin_import(p_user_id uuid, p_calendar_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_calendar_context(p_user_id, p_calendar_id, 'editor')).workspace_id;
  v_calendar calendars;
begin
  select * into v_calendar from calendars c where c.workspace_id = v_workspace_id and c.id = p_calendar_id;
  if v_calendar.is_exclusive then
    perform app.fail('PT409', 'calendar.exclusive', 'Nothing is imported into a calendar whose schedules never overlap.');
  end if;
  return v_calendar.time_zone;
end $$;

-- A part of a file, one transaction: what a part wrote stays, and the whole file again changes nothing more of it.
create or replace function app.import_schedules(p_user_id uuid, p_calendar_id uuid, p_items jsonb, p_request_id text, p_traceparent text,
  out created int, out updated int, out unchanged int)
language plpgsql set search_path = app, pg_temp set lock_timeout = '2s' as $$
declare
  v_workspace_id uuid;
  v_seq bigint;
  v_item jsonb;
  v_done text;
begin
  created := 0;
  updated := 0;
  unchanged := 0;
  perform app.begin_import(p_user_id, p_calendar_id);
  v_workspace_id := current_setting('app.workspace_id')::uuid;
  v_seq := app.next_calendar_seq(v_workspace_id, p_calendar_id);
  for v_item in select e from jsonb_array_elements(p_items) e loop
    v_done := app.import_schedule(p_user_id, v_workspace_id, p_calendar_id, v_seq, v_item, p_request_id, p_traceparent);
    case v_done
      when 'created' then
        created := created + 1;
        -- Once in a part, which is short: a calendar never holds many more than it may.
        if created = 1 then
          perform app.check_room_for_schedule(v_workspace_id, p_calendar_id);
        end if;
      when 'updated' then updated := updated + 1;
      else unchanged := unchanged + 1;
    end case;
  end loop;
  perform app.append_audit(p_user_id, v_workspace_id, null, 'calendar.import', 'calendar', p_calendar_id::text, null,
    jsonb_build_object('created', created, 'updated', updated, 'unchanged', unchanged), p_request_id);
end $$;

-- Who asks for a calendar as ICS, and what stands above its schedules. `stamp` changes with everything that the text says.
create or replace function app.open_export(p_user_id uuid, p_calendar_id uuid, out calendar jsonb, out time_zones jsonb, out stamp text)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_access record;
begin
  select * into v_access from app.decide_calendar_access(p_user_id, p_calendar_id);
  if v_access.role is null then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  end if;
  select jsonb_build_object('name', c.name, 'description', c.description, 'time_zone', c.time_zone, 'color', c.color),
    concat_ws('-', c.seq, c.version, v_access.role, (select h.seq from user_calendar_heads h where h.user_id = p_user_id),
      (select extract(epoch from max(r.updated_at))::numeric from schedule_reminders r
        where r.workspace_id = c.workspace_id and r.calendar_id = c.id and r.user_id = p_user_id),
      (select count(*) from schedule_reminders r where r.workspace_id = c.workspace_id and r.calendar_id = c.id and r.user_id = p_user_id))
  into calendar, stamp
  from calendars c where c.id = p_calendar_id;
  time_zones := to_jsonb(array(select distinct s.time_zone from schedules s
    where s.workspace_id = v_access.workspace_id and s.calendar_id = p_calendar_id and s.time_zone is not null order by 1));
end $$;

-- The schedules of a calendar in the order of their ids, as much of each as the reader may see: of what they may not, the times
-- alone, and nothing where those are free. Their own reminders, nobody else's.
create or replace function app.export_schedules(p_user_id uuid, p_calendar_id uuid, p_after_id uuid, p_limit int)
returns table (id uuid, item jsonb)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_access record;
begin
  select * into v_access from app.decide_calendar_access(p_user_id, p_calendar_id);
  if v_access.role is null then
    perform app.fail('PT404', 'calendar.not_found', 'There is no such calendar.');
  end if;
  return query
    select s.id, case when f.is_full then app.ics_full(p_user_id, s) when s.transparency = 'opaque' and s.status <> 'cancelled' then app.ics_busy(s) end
    from schedules s cross join lateral (
      select app.schedule_role(p_user_id, s.organiser_user_id, s.visibility, v_access.role, exists (
        select from schedule_guests g where g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id
          and g.schedule_id = s.id and g.user_id = p_user_id)) is not null as is_full
    ) f
    where s.workspace_id = v_access.workspace_id and s.calendar_id = p_calendar_id
      and s.id > coalesce(p_after_id, '00000000-0000-0000-0000-000000000000')
    order by s.id limit least(greatest(p_limit, 1), 1000);
end $$;

-- SEQUENCE as in mails to guests: it goes up with a change of title, too.
create or replace function app.ics_times(s app.schedules) returns jsonb language sql stable parallel safe
  return jsonb_build_object('uid', (s).uid, 'starts_local', app.local_json((s).starts_local, (s).is_all_day), 'time_zone', (s).time_zone,
    'is_all_day', (s).is_all_day, 'duration_seconds', (s).duration_seconds, 'rrule', (s).rrule,
    'rdates', app.local_list_json((s).rdates, (s).is_all_day), 'exdates', app.local_list_json((s).exdates, (s).is_all_day),
    'sequence', (s).sequence + (s).version - 1, 'created_at', app.iso((s).created_at), 'updated_at', app.iso((s).updated_at), 'status', (s).status);

-- For export_schedules alone, which has decided what is seen.
create or replace function app.ics_full(p_user_id uuid, s app.schedules) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.ics_times(s) || jsonb_build_object('title', s.title, 'description', s.description, 'location', s.location, 'url', s.url,
    'color', s.color, 'transparency', s.transparency, 'visibility', s.visibility, 'ics_properties', s.ics_properties,
    'overrides', app.imported_overrides(s),
    'organiser', (select jsonb_build_object('email', u.email, 'name', nullif(u.name, '')) from users u
      where u.id = s.organiser_user_id and u.email is not null),
    'guests', coalesce((
      select jsonb_agg(jsonb_build_object('email', coalesce(g.email, u.email), 'name', coalesce(g.name, nullif(u.name, '')),
        'is_optional', g.is_optional, 'response', g.response, 'responses', coalesce((
          select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, s.is_all_day), 'applies_to', r.applies_to,
            'response', r.response) order by r.recurrence_id, r.applies_to)
          from schedule_responses r where r.workspace_id = g.workspace_id and r.calendar_id = g.calendar_id
            and r.schedule_id = g.schedule_id and r.guest_id = g.id), '[]')) order by g.id)
      from schedule_guests g left join users u on u.id = g.user_id
      where g.workspace_id = s.workspace_id and g.calendar_id = s.calendar_id and g.schedule_id = s.id
        and coalesce(g.email, u.email) is not null), '[]'),
    'reminders', coalesce((
      select jsonb_agg(jsonb_build_object('minutes_before', r.minutes_before, 'local_time', r.local_time, 'days_before', r.days_before,
        'channels', to_jsonb(r.channels), 'applies_to', r.applies_to, 'recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
        'until_recurrence_id', app.local_json(r.until_recurrence_id, s.is_all_day), 'skips', app.local_list_json(r.skips, s.is_all_day)) order by r.id)
      from schedule_reminders r
      where r.workspace_id = s.workspace_id and r.calendar_id = s.calendar_id and r.schedule_id = s.id and r.user_id = p_user_id), '[]'));
end $$;

-- A UID says where else a schedule stands: who sees no more than busy gets one of our own.
create or replace function app.ics_busy(s app.schedules) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return app.ics_times(s) || jsonb_build_object('uid', 'busy-' || encode(sha256(s.id::text::bytea), 'hex'), 'title', 'Busy',
    'description', null, 'location', null, 'url', null, 'color', null, 'transparency', 'opaque', 'visibility', 'default',
    'ics_properties', null, 'organiser', null, 'guests', '[]'::jsonb, 'reminders', '[]'::jsonb,
    'overrides', coalesce((
      select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(o.recurrence_id, s.is_all_day),
        'is_cancelled', o.is_cancelled or coalesce(o.status, s.status) = 'cancelled' or coalesce(o.transparency, s.transparency) = 'transparent',
        'starts_local', app.local_json(o.starts_local, s.is_all_day), 'duration_seconds', o.duration_seconds, 'title', null,
        'description', null, 'location', null, 'url', null, 'status', o.status, 'transparency', null, 'ics_properties', null) order by o.recurrence_id)
      from schedule_overrides o
      where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id), '[]'));
end $$;

-- A new secret address for one's own subscription; an earlier one ends.
create or replace function app.rotate_feed(p_user_id uuid, p_calendar_id uuid, p_token_hash text, p_request_id text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_had boolean;
  v_feed calendar_feeds;
begin
  v_workspace_id := (app.set_calendar_context(p_user_id, p_calendar_id, 'freebusy')).workspace_id;
  select true into v_had from calendar_feeds f
  where f.workspace_id = v_workspace_id and f.calendar_id = p_calendar_id and f.user_id = p_user_id;
  insert into calendar_feeds as f (workspace_id, calendar_id, user_id, token_hash) values (v_workspace_id, p_calendar_id, p_user_id, p_token_hash)
  on conflict (workspace_id, calendar_id, user_id) do update set token_hash = excluded.token_hash, created_at = clock_timestamp(), last_read_at = null
  returning * into v_feed;
  perform app.append_audit(p_user_id, v_workspace_id, null, 'calendar.rotate_feed', 'calendar', p_calendar_id::text,
    case when v_had then '{}'::jsonb end, '{}', p_request_id);
  return app.feed_json(v_feed);
end $$;

create or replace function app.feed_json(f app.calendar_feeds) returns jsonb language sql stable parallel safe
  return jsonb_build_object('calendar_id', (f).calendar_id, 'created_at', app.iso((f).created_at), 'last_read_at', app.iso((f).last_read_at));

create or replace function app.get_feed(p_user_id uuid, p_calendar_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_calendar_context(p_user_id, p_calendar_id, 'freebusy')).workspace_id;
  v_feed calendar_feeds;
begin
  select * into v_feed from calendar_feeds f
  where f.workspace_id = v_workspace_id and f.calendar_id = p_calendar_id and f.user_id = p_user_id;
  if v_feed.user_id is null then
    perform app.fail('PT404', 'calendar.feed_not_found', 'You have no feed of this calendar.');
  end if;
  return app.feed_json(v_feed);
end $$;

create or replace function app.revoke_feed(p_user_id uuid, p_calendar_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.set_calendar_context(p_user_id, p_calendar_id, 'freebusy')).workspace_id;
begin
  delete from calendar_feeds f
  where f.workspace_id = v_workspace_id and f.calendar_id = p_calendar_id and f.user_id = p_user_id;
  if not found then
    perform app.fail('PT404', 'calendar.feed_not_found', 'You have no feed of this calendar.');
  end if;
  perform app.append_audit(p_user_id, v_workspace_id, null, 'calendar.revoke_feed', 'calendar', p_calendar_id::text, '{}', null, p_request_id);
end $$;

-- Whose feed this is, as long as they may read the calendar: whoever knows the address reads it as they would. That it was read
-- is noted once an hour.
create or replace function app.find_feed(p_token_hash text, out user_id uuid, out calendar_id uuid)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_feed calendar_feeds;
begin
  select * into v_feed from calendar_feeds f where f.token_hash = p_token_hash;
  if not found or (select d.role from app.decide_calendar_access(v_feed.user_id, v_feed.calendar_id) d) is null then
    perform app.fail('PT404', 'calendar.feed_not_found', 'There is no such feed.');
  end if;
  if v_feed.last_read_at is null or v_feed.last_read_at < now() - interval '1 hour' then
    update calendar_feeds f set last_read_at = now() where f.token_hash = p_token_hash;
  end if;
  user_id := v_feed.user_id;
  calendar_id := v_feed.calendar_id;
end $$;

grant execute on function app.imported_row, app.without_organiser, app.imported_overrides, app.write_imported_overrides,
  app.write_imported_people, app.import_schedule, app.begin_import, app.import_schedules, app.open_export, app.export_schedules, app.rotate_feed, app.feed_json, app.get_feed,
  app.revoke_feed, app.find_feed to app_user;
