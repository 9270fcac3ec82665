-- The registry of the processes that hold sessions. Time is the database's: theirs do not agree. These functions act for services, not
-- for people; the API's doors to them take a service's token.

-- Whether it takes sessions: it has not missed three beats, and is not being emptied.
create or replace function app.whatsapp_worker_is_alive(w app.whatsapp_workers) returns boolean language sql stable parallel safe
  return (w).status = 'alive' and (w).heartbeat_at > now() - (w).heartbeat_ms * interval '3 ms';

-- Placements are made one after the other, so that each sees how many sessions the others have put where.
create or replace function app.lock_whatsapp_placement() returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7236040);
end $$;

-- Has the jobs see to sessions, each once within a minute. Answers how many.
create or replace function app.wake_whatsapp_sessions(p_session_ids uuid[], p_request_id text) returns int
language plpgsql set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  perform from whatsapp_sessions s where s.id = any (p_session_ids) order by s.id for no key update;
  with woken as (
    update whatsapp_sessions s set retry_at = now() + interval '1 minute' where s.id = any (p_session_ids) returning s.id, s.workspace_id)
  insert into outbox (id, topic, workspace_id, payload, request_id)
  select app.uuidv7(), 'whatsapp.place', w.workspace_id, jsonb_build_object('session_id', w.id), p_request_id from woken w;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Tells admins and customers how sessions are, where it is not a worker that says so.
create or replace function app.tell_whatsapp_sessions(p_session_ids uuid[], p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_session whatsapp_sessions;
begin
  for v_session in select * from whatsapp_sessions s where s.id = any (p_session_ids) order by s.id loop
    perform app.tell_whatsapp(v_session.workspace_id, 'whatsapp.session', jsonb_build_array(app.whatsapp_event(v_session,
      jsonb_build_object('request_id', p_request_id, 'traceparent', null),
      jsonb_build_object('status', v_session.status, 'reason', v_session.status_reason, 'close_code', v_session.close_code, 'qr', null,
        'at', app.iso(v_session.status_at), 'name', v_session.name, 'phone', v_session.phone, 'lid', v_session.lid,
        'profile_name', v_session.profile_name),
      app.iso(v_session.status_at), app.whatsapp_admins(v_session.workspace_id))));
  end loop;
end $$;

-- The sessions of workers that are gone: nobody runs them, and those that are to be connected wait for another. Answers how many do.
-- p_reason: worker.dead, while it may yet come back to them, or worker.gone.
create or replace function app.orphan_whatsapp_sessions(p_worker_ids uuid[], p_reason text) returns int
language plpgsql set search_path = app, pg_temp as $$
declare
  v_count int;
  v_told uuid[];
begin
  perform from whatsapp_sessions s where s.worker_id = any (p_worker_ids) order by s.id for no key update;
  with cut as (
    update whatsapp_sessions s set status = 'disconnected', status_reason = p_reason, status_at = clock_timestamp()
    where s.worker_id = any (p_worker_ids) and s.status in ('connecting', 'pairing', 'connected') and s.phone is not null returning s.id)
  select array_agg(c.id) into v_told from cut c;
  perform app.tell_whatsapp_sessions(v_told, null);
  update whatsapp_sessions s set retry_at = now(), worker_id = case when p_reason = 'worker.gone' then null else s.worker_id end
  where s.worker_id = any (p_worker_ids) and (s.retry_at is not null or (s.desired_state = 'connected' and not app.whatsapp_session_is_ended(s)));
  get diagnostics v_count = row_count;
  if p_reason = 'worker.gone' then
    update whatsapp_sessions s set worker_id = null where s.worker_id = any (p_worker_ids);
  end if;
  return v_count;
end $$;

-- Sessions that wait for somebody to run them, the longest waiting first.
create or replace function app.list_waiting_whatsapp_sessions(p_limit int) returns uuid[] language sql stable set search_path = app, pg_temp
begin atomic
  select array(
    select s.id from app.whatsapp_sessions s
    where s.retry_at is not null and not exists (
      select from app.whatsapp_workers w where w.id = s.worker_id and w.status = 'alive')
    order by s.retry_at limit p_limit);
end;

-- Whoever registers under a name takes the place of the process that had it: what that one held is placed again at once, as is what
-- waited for a worker.
create or replace function app.register_whatsapp_worker(p_worker_id uuid, p_name text, p_url text, p_version text, p_capacity int,
  p_heartbeat_ms int, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_former uuid;
  v_orphans int := 0;
begin
  perform app.lock_whatsapp_placement();
  select w.id into v_former from whatsapp_workers w where w.name = p_name for update;
  if found then
    v_orphans := app.orphan_whatsapp_sessions(array[v_former], 'worker.gone');
    delete from whatsapp_workers w where w.id = v_former;
  end if;
  insert into whatsapp_workers (id, name, url, version, capacity, heartbeat_ms)
  values (p_worker_id, p_name, p_url, p_version, p_capacity, p_heartbeat_ms);
  perform app.wake_whatsapp_sessions(app.list_waiting_whatsapp_sessions(p_capacity), p_request_id);
  return jsonb_build_object('worker_id', p_worker_id, 'heartbeat_ms', p_heartbeat_ms, 'orphans', v_orphans);
end $$;

-- One that counted as dead and whose sessions nobody has taken yet goes on with them. p_held: [{session_id, generation, status}].
-- Answers which of them are no longer its own; what it should hold and does not is commanded again.
create or replace function app.beat_whatsapp_worker(p_worker_id uuid, p_sessions int, p_load jsonb, p_status text, p_held jsonb,
  p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_before whatsapp_workers;
  v_lost jsonb;
  v_woken int;
begin
  select * into v_before from whatsapp_workers w where w.id = p_worker_id for no key update;
  if not found then
    perform app.fail('PT404', 'worker.unknown', 'There is no such worker: register again.');
  end if;
  update whatsapp_workers w set heartbeat_at = now(), sessions = p_sessions, load = p_load,
    status = case when p_status = 'draining' or w.status = 'draining' then 'draining' else 'alive' end
  where w.id = p_worker_id;
  select coalesce(jsonb_agg(h.session_id), '[]') into v_lost
  from jsonb_to_recordset(p_held) as h (session_id uuid)
  where not exists (select from whatsapp_sessions s where s.id = h.session_id and s.worker_id = p_worker_id);
  if v_before.status = 'dead' then
    update whatsapp_sessions s set status = h.status, status_reason = null, status_at = clock_timestamp(), retry_at = null
    from jsonb_to_recordset(p_held) as h (session_id uuid, generation bigint, status text)
    where s.id = h.session_id and s.worker_id = p_worker_id and s.generation = h.generation and s.status_reason = 'worker.dead';
  end if;
  v_woken := app.wake_whatsapp_sessions(array(
    select s.id from whatsapp_sessions s
    where s.worker_id = p_worker_id and s.desired_state = 'connected' and not app.whatsapp_session_is_ended(s)
      and (s.retry_at is null or s.retry_at <= now())
      and ((p_status = 'draining' and v_before.status = 'alive')
        -- What was placed just now may be on its way.
        or (s.placed_at < now() - interval '10 seconds' and not exists (
          select from jsonb_to_recordset(p_held) as h (session_id uuid, generation bigint)
          where h.session_id = s.id and h.generation = s.generation)))), p_request_id);
  return jsonb_build_object('ok', true, 'lost', v_lost, 'woken', v_woken);
end $$;

-- It takes no more sessions, and those it has go to others.
create or replace function app.drain_whatsapp_worker(p_worker_id uuid, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update whatsapp_workers w set status = 'draining' where w.id = p_worker_id and w.status <> 'dead';
  if not found then
    perform app.fail('PT404', 'worker.not_found', 'There is no such worker.');
  end if;
  perform app.wake_whatsapp_sessions(array(
    select s.id from whatsapp_sessions s where s.worker_id = p_worker_id and s.desired_state = 'connected'), p_request_id);
  return (select app.whatsapp_worker_json(w) from whatsapp_workers w where w.id = p_worker_id);
end $$;

create or replace function app.whatsapp_worker_json(w app.whatsapp_workers) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (w).id, 'name', (w).name, 'url', (w).url, 'version', (w).version, 'status', (w).status,
    'health', case when (w).status = 'dead' or (w).heartbeat_at <= now() - (w).heartbeat_ms * interval '3 ms' then 'dead'
      when (w).heartbeat_at <= now() - (w).heartbeat_ms * interval '1.5 ms' then 'late' else 'good' end,
    'capacity', (w).capacity, 'sessions', (w).sessions, 'load', (w).load, 'heartbeat_ms', (w).heartbeat_ms,
    'heartbeat_at', app.iso((w).heartbeat_at), 'registered_at', app.iso((w).registered_at));

-- With how many sessions are placed on each.
create or replace function app.list_whatsapp_workers() returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (
    select coalesce(jsonb_agg(app.whatsapp_worker_json(w) || jsonb_build_object('placed',
      (select count(*) from whatsapp_sessions s where s.worker_id = w.id)) order by w.name), '[]')
    from whatsapp_workers w);
end $$;

grant execute on function app.whatsapp_worker_is_alive, app.register_whatsapp_worker, app.beat_whatsapp_worker, app.drain_whatsapp_worker,
  app.list_whatsapp_workers to app_user;
grant execute on function app.whatsapp_worker_is_alive to job_user;
