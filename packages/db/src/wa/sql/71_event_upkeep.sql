-- Totals that changed since they were told, as events; how many. What one process is at, another passes over.
create or replace function wa.report_usage(p_limit int) returns int
language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_usage usage;
  v_count int := 0;
begin
  for v_usage in
    select * from usage u where u.reported_at is null order by u.changed_at limit p_limit for update skip locked
  loop
    perform wa.append_event(v_usage.session_id, 'session-usage', jsonb_build_object('day', v_usage.day, 'sent', v_usage.sent,
      'received', v_usage.received, 'media_bytes', v_usage.media_bytes));
    update usage u set reported_at = now() where u.session_id = v_usage.session_id and u.day = v_usage.day;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Dead events, newest first, without what they say: that is the customer's.
create or replace function wa.list_dead_events(p_before timestamptz, p_before_id uuid, p_limit int)
returns table (event_id uuid, session_id uuid, kind text, attempts int, refused int, last_error text, request_id text, created_at text,
  dead_at text)
language plpgsql stable security definer set search_path = wa, pg_temp as $$
begin
  return query select e.id, e.session_id, e.kind, e.attempts, e.refused, e.last_error, e.request_id, app.iso(e.created_at), app.iso(e.dead_at)
    from events e
    where e.dead_at is not null and (p_before is null or (e.dead_at, e.id) < (p_before, p_before_id))
    order by e.dead_at desc, e.id desc limit least(greatest(p_limit, 1), 1000);
end $$;

-- Has dead events sent again, before all that their sessions have to tell since; all of them when none is named. How many.
create or replace function wa.redrive_events(p_event_ids uuid[], p_limit int) returns int
language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_count int;
begin
  update events e set dead_at = null, refused = 0, attempts = 0, last_error = null, next_attempt_at = now(),
    expires_at = now() + interval '3 days'
  where e.id in (select d.id from events d where d.dead_at is not null and (p_event_ids is null or d.id = any (p_event_ids))
    order by d.dead_at limit p_limit for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Deletes what nobody redrove in two weeks, and who sent events of sessions that have been quiet for a day; how many events it was.
create or replace function wa.forget_dead_events(p_limit int) returns int
language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_count int;
begin
  delete from events e where e.id in (select d.id from events d where d.dead_at < now() - interval '14 days'
    order by d.dead_at limit p_limit for update skip locked);
  get diagnostics v_count = row_count;
  delete from event_relays r where r.session_id in (select o.session_id from event_relays o
    where o.held_until = '-infinity' and not exists (select from sessions s where s.session_id = o.session_id)
      and not exists (select from events e where e.session_id = o.session_id) limit p_limit for update skip locked);
  return v_count;
end $$;

grant execute on function wa.report_usage, wa.list_dead_events, wa.redrive_events, wa.forget_dead_events to wa_user;
