-- Who holds a session. Each decision takes the next generation in the statement that makes it, and the worker that got a lower one can
-- write nothing once the new one has taken the lease. For jobs, which act for nobody.

-- The worker for one more session: alive, with room, the least full; of equals the least busy. p_prefer, if it is one of them.
create or replace function app.choose_whatsapp_worker(p_avoid uuid[], p_prefer uuid) returns uuid
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (
    select w.id
    from whatsapp_workers w
    cross join lateral (select count(*) as placed from whatsapp_sessions s where s.worker_id = w.id) n
    where app.whatsapp_worker_is_alive(w) and n.placed < w.capacity and w.id <> all (p_avoid)
    order by (w.id is not distinct from p_prefer) desc, n.placed::float / w.capacity, coalesce((w.load ->> 'cpu')::float, 0), w.id
    limit 1);
end $$;

create or replace function app.whatsapp_placement_json(s app.whatsapp_sessions, p_state text) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_worker whatsapp_workers;
begin
  select * into v_worker from whatsapp_workers w where w.id = s.worker_id;
  return jsonb_build_object('state', p_state, 'session_id', s.id, 'workspace_id', s.workspace_id, 'worker_id', v_worker.id,
    'url', v_worker.url, 'worker_status', case when v_worker.id is null then null when v_worker.status = 'alive' and not app.whatsapp_worker_is_alive(v_worker)
      then 'late' else v_worker.status end, 'generation', s.generation, 'desired_state', s.desired_state, 'intent', s.intent, 'status', s.status,
    'is_ended', app.whatsapp_session_is_ended(s), 'settings', s.settings, 'login', s.login);
end $$;

-- Sees to it that a session has a worker, where one is wanted. p_from_generation: it is to be moved away from where it was put by that
-- decision (no longer by another), else it stays with a worker that is not dead. Null: there is no such session. State: placed just now,
-- kept, waiting (for a worker), idle (it needs none).
create or replace function app.place_whatsapp_session(p_session_id uuid, p_from_generation bigint, p_avoid uuid[], p_prefer uuid) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_session whatsapp_sessions;
  v_worker_id uuid;
  v_is_kept boolean;
  v_is_moved boolean;
  v_is_fenced boolean;
begin
  perform app.lock_whatsapp_placement();
  select * into v_session from whatsapp_sessions s where s.id = p_session_id for no key update;
  if not found then
    return null;
  end if;
  if v_session.desired_state = 'disconnected' or v_session.generation = 0 and v_session.desired_state <> 'connected' then
    return app.whatsapp_placement_json(v_session, 'idle');
  end if;
  v_is_kept := exists (select from whatsapp_workers w where w.id = v_session.worker_id and w.status <> 'dead');
  v_is_moved := p_from_generation is not distinct from v_session.generation;
  -- A command to end it, of before, may be on its way yet: under the next generation it ends nothing when it arrives.
  v_is_fenced := v_is_kept and not v_is_moved and v_session.desired_state = 'connected' and v_session.end_intent > v_session.settled_intent;
  if v_is_kept and not v_is_moved and not v_is_fenced then
    return app.whatsapp_placement_json(v_session, 'kept');
  end if;
  if not v_is_kept and v_session.desired_state = 'connected' and app.whatsapp_session_is_ended(v_session) then
    return app.whatsapp_placement_json(v_session, 'idle');
  end if;
  v_worker_id := case when v_is_fenced then v_session.worker_id else app.choose_whatsapp_worker(p_avoid, p_prefer) end;
  if v_worker_id is null then
    update whatsapp_sessions s set retry_at = app.whatsapp_retry_at(),
      status_reason = case when v_is_kept then s.status_reason else 'worker.none_alive' end
    where s.id = p_session_id returning * into v_session;
    return app.whatsapp_placement_json(v_session, 'waiting');
  end if;
  update whatsapp_sessions s set worker_id = v_worker_id, generation = s.generation + 1, placed_at = now(), end_intent = 0,
    retry_at = now() + interval '1 minute',
    status_reason = case when s.status_reason like 'worker.%' then null else s.status_reason end
  where s.id = p_session_id returning * into v_session;
  return app.whatsapp_placement_json(v_session, 'placed');
end $$;

-- What was asked for has been carried out, if it still is what is asked for, by the decision that still stands. p_outcome: held (a worker
-- runs it, or it has ended by itself), free (it needs none any more), deleted. False: look again.
create or replace function app.settle_whatsapp_session(p_session_id uuid, p_intent int, p_generation bigint, p_outcome text) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_session whatsapp_sessions;
begin
  if p_outcome = 'deleted' then
    delete from whatsapp_sessions s
    where s.id = p_session_id and s.desired_state = 'deleted' and s.generation = p_generation and s.intent = p_intent;
  elsif p_outcome = 'held' then
    update whatsapp_sessions s set retry_at = null, settled_intent = s.intent
    where s.id = p_session_id and s.generation = p_generation and s.intent = p_intent
      and (s.worker_id is not null or app.whatsapp_session_is_ended(s));
  else
    update whatsapp_sessions s set retry_at = null, settled_intent = s.intent, worker_id = null, login = null, qr_serial = null, qr_expires_at = null,
      status = case when s.status = 'created' then s.status else s.desired_state end,
      status_reason = case when s.status = s.desired_state then s.status_reason end,
      status_at = case when s.status = s.desired_state then s.status_at else clock_timestamp() end
    where s.id = p_session_id and s.generation = p_generation and s.intent = p_intent and s.desired_state in ('disconnected', 'logged_out')
    returning * into v_session;
    perform app.tell_whatsapp_sessions(array_remove(array[v_session.id], null), null);
    return v_session.id is not null or not exists (select from whatsapp_sessions s where s.id = p_session_id);
  end if;
  return found or not exists (select from whatsapp_sessions s where s.id = p_session_id);
end $$;

-- It could not be carried out; the jobs look again after p_after, and the card says why.
create or replace function app.postpone_whatsapp_session(p_session_id uuid, p_intent int, p_reason text, p_after interval) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update whatsapp_sessions s set retry_at = now() + p_after,
    status_reason = case when s.status = 'connected' then s.status_reason else left(p_reason, 200) end
  where s.id = p_session_id and s.intent = p_intent;
end $$;

-- Where a session is, for who carries something to it. Null: there is none, or nobody holds it.
create or replace function app.find_whatsapp_route(p_session_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (
    select jsonb_build_object('session_id', s.id, 'worker_id', w.id, 'url', w.url, 'generation', s.generation)
    from whatsapp_sessions s join whatsapp_workers w on w.id = s.worker_id and w.status <> 'dead'
    where s.id = p_session_id and s.desired_state <> 'deleted');
end $$;

-- The same for a person, with what decides whether anything can be carried there. p_needed_role: member or admin. Reads are answered by
-- any worker: `other` is the one beside the session's own that has beaten last.
create or replace function app.get_whatsapp_route(p_user_id uuid, p_session_id uuid, p_needed_role text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := app.set_whatsapp_context(p_user_id, p_session_id, p_needed_role);
  v_session whatsapp_sessions;
  v_own whatsapp_workers;
  v_other whatsapp_workers;
begin
  select * into v_session from whatsapp_sessions s where s.workspace_id = v_workspace_id and s.id = p_session_id;
  select * into v_own from whatsapp_workers w where w.id = v_session.worker_id and w.status <> 'dead';
  select * into v_other from whatsapp_workers w
  where app.whatsapp_worker_is_alive(w) and w.id is distinct from v_own.id order by w.heartbeat_at desc limit 1;
  return jsonb_build_object('workspace_id', v_workspace_id, 'session_id', p_session_id, 'status', v_session.status,
    'desired_state', v_session.desired_state, 'generation', v_session.generation,
    'route', case when v_own.id is not null then jsonb_build_object('session_id', p_session_id, 'worker_id', v_own.id, 'url', v_own.url,
      'generation', v_session.generation) end,
    'other', case when v_other.id is not null then jsonb_build_object('session_id', p_session_id, 'worker_id', v_other.id,
      'url', v_other.url, 'generation', v_session.generation) end);
end $$;

-- One look at the gateway: workers that missed three beats are dead, their sessions wait for others; what is due is seen to, as far as
-- somebody can take it; workers that are dead for a day are forgotten; sessions of workspaces that are deleted end.
create or replace function app.sweep_whatsapp(p_limit int, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_dead jsonb;
  v_dead_ids uuid[];
  v_orphans int := 0;
  v_woken int;
  v_has_room boolean;
begin
  perform app.lock_whatsapp_placement();
  with dead as (
    update whatsapp_workers w set status = 'dead'
    where w.status <> 'dead' and w.heartbeat_at <= now() - w.heartbeat_ms * interval '3 ms' returning w.id, w.name)
  select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name)), '[]'), coalesce(array_agg(d.id), '{}') into v_dead, v_dead_ids
  from dead d;
  if cardinality(v_dead_ids) > 0 then
    v_orphans := app.orphan_whatsapp_sessions(v_dead_ids, 'worker.dead');
  end if;
  delete from whatsapp_workers w where w.status = 'dead' and w.heartbeat_at < now() - interval '1 day'
    and not exists (select from whatsapp_sessions s where s.worker_id = w.id);
  update whatsapp_sessions s set desired_state = case when w.deleted_at <= now() - app.workspace_grace() then 'deleted' else 'disconnected' end,
    intent = s.intent + 1, asked_intent = s.intent + 1, retry_at = now()
  from workspaces w
  where w.deleted_at is not null and s.workspace_id = w.id
    and (s.desired_state = 'connected' or (s.desired_state <> 'deleted' and w.deleted_at <= now() - app.workspace_grace()));
  delete from whatsapp_sessions s where s.desired_state = 'deleted' and s.generation = 0;
  v_has_room := app.choose_whatsapp_worker('{}', null) is not null;
  v_woken := app.wake_whatsapp_sessions(array(
    select s.id from whatsapp_sessions s
    where s.retry_at <= now()
      and (v_has_room or s.desired_state = 'disconnected' or exists (select from whatsapp_workers w where w.id = s.worker_id and w.status <> 'dead'))
    order by s.retry_at limit p_limit), p_request_id);
  -- Those on workers that are being emptied, should the first word have been in vain.
  v_woken := v_woken + app.wake_whatsapp_sessions(array(
    select s.id from whatsapp_workers w join whatsapp_sessions s on s.worker_id = w.id
    where w.status = 'draining' and v_has_room and s.desired_state = 'connected' and s.retry_at is null limit p_limit), p_request_id);
  return jsonb_build_object('dead', v_dead, 'orphans', v_orphans, 'woken', v_woken);
end $$;

-- The next few idle sessions of the fullest worker, which the emptiest is to take; none unless they differ by a fifth of what they hold.
-- Idle: linked and connected for p_idle, and nothing was counted for it in that time.
create or replace function app.rebalance_whatsapp(p_idle interval, p_limit int, p_request_id text) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_from record;
  v_to record;
  v_count int;
begin
  perform app.lock_whatsapp_placement();
  select w.id, n.placed, w.capacity into v_from
  from whatsapp_workers w cross join lateral (select count(*) as placed from whatsapp_sessions s where s.worker_id = w.id) n
  where app.whatsapp_worker_is_alive(w) order by n.placed::float / w.capacity desc, w.id limit 1;
  select w.id, n.placed, w.capacity into v_to
  from whatsapp_workers w cross join lateral (select count(*) as placed from whatsapp_sessions s where s.worker_id = w.id) n
  where app.whatsapp_worker_is_alive(w) and n.placed < w.capacity order by n.placed::float / w.capacity, w.id limit 1;
  -- Worth it, and not the other way round afterwards.
  if v_to.id is null or v_from.id = v_to.id or v_from.placed::float / v_from.capacity - v_to.placed::float / v_to.capacity < 0.2
    or (v_from.placed - 1)::float / v_from.capacity < (v_to.placed + 1)::float / v_to.capacity then
    return 0;
  end if;
  insert into outbox (id, topic, workspace_id, payload, request_id)
  select app.uuidv7(), 'whatsapp.command', s.workspace_id, jsonb_build_object('session_id', s.id, 'command', 'migrate',
    'generation', s.generation, 'worker_id', v_to.id), p_request_id
  from whatsapp_sessions s
  where s.worker_id = v_from.id and s.desired_state = 'connected' and s.status = 'connected' and s.retry_at is null
    and s.placed_at < now() - p_idle and s.status_at < now() - p_idle
    and not exists (select from whatsapp_usage u where u.workspace_id = s.workspace_id and u.session_id = s.id and u.updated_at >= now() - p_idle)
  order by s.placed_at limit p_limit;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- For who measures.
create or replace function app.count_whatsapp() returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return jsonb_build_object(
    'workers', (select coalesce(jsonb_object_agg(c.status, c.n), '{}') from (select w.status, count(*) as n from whatsapp_workers w group by 1) c),
    'sessions', (select coalesce(jsonb_object_agg(c.status, c.n), '{}') from (select s.status, count(*) as n from whatsapp_sessions s group by 1) c),
    'waiting', (select count(*) from whatsapp_sessions s where s.retry_at is not null));
end $$;

grant execute on function app.place_whatsapp_session, app.choose_whatsapp_worker, app.settle_whatsapp_session, app.postpone_whatsapp_session,
  app.find_whatsapp_route, app.sweep_whatsapp, app.rebalance_whatsapp, app.count_whatsapp to job_user;
grant execute on function app.get_whatsapp_route to app_user;
