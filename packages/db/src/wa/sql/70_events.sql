-- What is told to the API, on its way. The events of a session go out in order and by one process at a time; those of several sessions side
-- by side. Definer, because a worker also sends what is left of sessions that nobody holds any more.

-- The session as the API's card shows it; part of take_session_changes. p_changes: what changed, beside it {qr, profile_name}.
create or replace function wa.tell_session_status(p_session_id uuid, p_changes jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_session sessions;
begin
  select * into v_session from sessions s where s.session_id = p_session_id;
  perform wa.append_event(p_session_id, 'session-status', jsonb_build_object('status', v_session.status, 'reason', v_session.status_reason,
    'close_code', v_session.close_code, 'phone', v_session.phone, 'lid', v_session.lid, 'profile_name', left(p_changes ->> 'profile_name', 200),
    'qr', case when v_session.status = 'pairing' then p_changes -> 'qr' end, 'at', app.iso(clock_timestamp())));
end $$;

-- Sessions whose first event is due, those of this worker before those that nobody holds, each with the events of one request: the first
-- ones that are of one kind and of one holder, at most p_batch and about p_bytes; of an event that was refused by itself, that one alone.
-- They are p_holder's for p_hold_ms. What has expired by then is dead.
create or replace function wa.claim_events(p_worker_id uuid, p_holder uuid, p_sessions int, p_batch int, p_bytes int, p_hold_ms int)
returns table (session_id uuid, kind text, worker_id uuid, attempts int, items jsonb)
language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_session_id uuid;
  v_first events;
  v_left int := p_sessions;
begin
  for v_session_id in
    -- One probe of the index a session, however many events it has.
    with recursive waiting (id) as (
      (select e.session_id from events e where e.dead_at is null order by e.session_id limit 1)
      union all
      select (select e.session_id from events e where e.dead_at is null and e.session_id > w.id order by e.session_id limit 1)
      from waiting w where w.id is not null
    )
    select w.id from waiting w
    cross join lateral (select e.next_attempt_at, e.created_at from events e where e.session_id = w.id and e.dead_at is null
      order by e.seq limit 1) first
    left join sessions s on s.session_id = w.id
    left join event_relays r on r.session_id = w.id
    where first.next_attempt_at <= clock_timestamp() and coalesce(r.held_until, '-infinity') <= clock_timestamp()
      and (s.worker_id is null or s.worker_id = p_worker_id or coalesce(s.lease_until, '-infinity') <= clock_timestamp())
    -- More than are asked for: another process may be taking the same ones.
    order by coalesce(s.worker_id = p_worker_id, false) desc, first.created_at limit 4 * p_sessions
  loop
    exit when v_left = 0;
    continue when not wa.hold_events(v_session_id, p_holder, p_hold_ms);
    v_first := wa.first_event(v_session_id);
    if v_first.id is null or v_first.next_attempt_at > clock_timestamp() then
      update event_relays r set held_until = '-infinity' where r.session_id = v_session_id;
      continue;
    end if;
    v_left := v_left - 1;
    return query
      select v_session_id, v_first.kind, coalesce(v_first.worker_id, p_worker_id), v_first.attempts,
        jsonb_agg(jsonb_build_object('event_id', run.id, 'seq', run.seq, 'created_at', app.iso(run.created_at), 'request_id', run.request_id,
          'traceparent', run.traceparent, 'data', run.payload) order by run.seq)
      from (
        select e.*, bool_and(e.kind = v_first.kind and e.worker_id is not distinct from v_first.worker_id and (e.refused = 0 or e.id = v_first.id))
            over (order by e.seq) as is_same,
          sum(octet_length(e.payload::text)) over (order by e.seq) - octet_length(e.payload::text) as bytes_before
        from (select * from events e where e.session_id = v_session_id and e.dead_at is null order by e.seq
          limit case when v_first.refused > 0 then 1 else p_batch end) e
      ) run
      where run.is_same and run.bytes_before < p_bytes;
  end loop;
end $$;

-- Makes p_holder the one that sends a session's events. False: somebody else is.
create or replace function wa.hold_events(p_session_id uuid, p_holder uuid, p_hold_ms int) returns boolean
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform from event_relays r where r.session_id = p_session_id for update skip locked;
  if not found and exists (select from event_relays r where r.session_id = p_session_id) then
    return false;
  end if;
  insert into event_relays as r (session_id, holder, held_until)
  values (p_session_id, p_holder, clock_timestamp() + make_interval(secs => p_hold_ms / 1000.0))
  on conflict on constraint event_relays_pkey do update set holder = excluded.holder, held_until = excluded.held_until
  where r.held_until <= clock_timestamp();
  return found;
end $$;

-- The first event that waits; what stands before it and has expired is dead.
create or replace function wa.first_event(p_session_id uuid) returns wa.events
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_first events;
begin
  loop
    select * into v_first from events e where e.session_id = p_session_id and e.dead_at is null order by e.seq limit 1;
    exit when v_first.id is null or v_first.expires_at > now();
    update events e set dead_at = now(), last_error = coalesce(e.last_error, 'expired') where e.id = v_first.id;
  end loop;
  return v_first;
end $$;

-- What became of events that were claimed. p_delivered go; p_failed_id, the first that was not, is tried again after p_delay_ms, or dead when
-- it was refused by itself p_max_refusals times. Whoever comes late, when another process has taken the session over, changes nothing of
-- what is not delivered. True: the event is dead.
create or replace function wa.settle_events(p_session_id uuid, p_holder uuid, p_delivered uuid[], p_failed_id uuid, p_refused boolean,
  p_error text, p_delay_ms int, p_max_refusals int) returns boolean
language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_dead_at timestamptz;
begin
  delete from events e where e.session_id = p_session_id and e.id = any (p_delivered);
  perform from event_relays r where r.session_id = p_session_id and r.holder = p_holder for update;
  if not found then
    return false;
  end if;
  update events e set attempts = e.attempts + 1, refused = e.refused + p_refused::int, last_error = left(p_error, 200),
    next_attempt_at = clock_timestamp() + make_interval(secs => p_delay_ms / 1000.0),
    dead_at = case when e.refused + p_refused::int >= p_max_refusals then now() end
  where e.session_id = p_session_id and e.id = p_failed_id and e.dead_at is null returning e.dead_at into v_dead_at;
  update event_relays r set held_until = '-infinity' where r.session_id = p_session_id;
  return v_dead_at is not null;
end $$;

-- Numbers for operators, of all sessions: how many events wait and since when, how many are dead.
create or replace function wa.event_backlog() returns table (waiting bigint, oldest_at timestamptz, dead bigint)
language plpgsql stable security definer set search_path = wa, pg_temp as $$
begin
  return query select count(*) filter (where e.dead_at is null), min(e.created_at) filter (where e.dead_at is null),
    count(*) filter (where e.dead_at is not null) from events e;
end $$;

grant execute on function wa.tell_session_status, wa.claim_events, wa.settle_events, wa.event_backlog to wa_user;
