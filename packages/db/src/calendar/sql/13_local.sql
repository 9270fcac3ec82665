-- Local times on the wire: `2026-03-01T09:00:00`, of an all-day schedule `2026-03-01`. The text of a timestamp with one letter
-- changed (DateStyle is ISO, which the client pins) takes a third of the time of to_char. Back: `::timestamp` takes both forms.
create or replace function app.local_json(p_local timestamp, p_is_all_day boolean) returns text language sql stable parallel safe
  return case when p_is_all_day then p_local::date::text else replace(p_local::text, ' ', 'T') end;

create or replace function app.local_list_json(p_locals timestamp[], p_is_all_day boolean) returns jsonb language plpgsql stable parallel safe
set search_path = app, pg_temp as $$
begin
  if cardinality(p_locals) = 0 then
    return '[]';
  end if;
  return (select jsonb_agg(app.local_json(l.at, p_is_all_day) order by l.at) from unnest(p_locals) l (at));
end $$;

-- A JSON list of local times, in their order, none twice.
create or replace function app.local_times(p_list jsonb) returns timestamp[] language plpgsql immutable parallel safe
set search_path = app, pg_temp as $$
begin
  if p_list is null or jsonb_array_length(p_list) = 0 then
    return '{}';
  end if;
  return array(select distinct t.x::timestamp from jsonb_array_elements_text(p_list) t (x) order by 1);
end $$;

-- One occurrence that differs, with everything that it changes; null: as the series has it.
create or replace function app.override_json(o app.schedule_overrides, p_is_all_day boolean) returns jsonb language sql stable parallel safe
  return jsonb_build_object('recurrence_id', app.local_json((o).recurrence_id, p_is_all_day), 'is_cancelled', (o).is_cancelled,
    'starts_local', app.local_json((o).starts_local, p_is_all_day), 'duration_seconds', (o).duration_seconds,
    'title', (o).title, 'description', (o).description, 'location', (o).location, 'url', (o).url, 'status', (o).status,
    'transparency', (o).transparency);

-- Everything that the occurrences follow from: the Series of `rules/series.ts`. Of overrides also what decides who is busy.
-- The caller has the context, or is a definer function that has decided access.
create or replace function app.series_json(s app.schedules) returns jsonb language plpgsql stable parallel safe
set search_path = app, pg_temp as $$
begin
  return jsonb_build_object('starts_local', app.local_json(s.starts_local, s.is_all_day), 'time_zone', s.time_zone,
    'is_all_day', s.is_all_day, 'duration_seconds', s.duration_seconds, 'rrule', s.rrule,
    'rdates', app.local_list_json(s.rdates, s.is_all_day), 'exdates', app.local_list_json(s.exdates, s.is_all_day),
    'overrides', coalesce((
      select jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(o.recurrence_id, s.is_all_day),
        'is_cancelled', o.is_cancelled, 'starts_local', app.local_json(o.starts_local, s.is_all_day),
        'duration_seconds', o.duration_seconds, 'status', o.status, 'transparency', o.transparency) order by o.recurrence_id)
      from schedule_overrides o
      where o.workspace_id = s.workspace_id and o.calendar_id = s.calendar_id and o.schedule_id = s.id), '[]'));
end $$;

grant execute on function app.local_json, app.local_list_json, app.local_times, app.override_json, app.series_json to app_user, job_user;
