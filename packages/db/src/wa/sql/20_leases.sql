-- Who holds a session, by the API's decision: a higher generation always wins, at once; whoever held it before can write nothing more.

-- Takes the lease. The row is made with the first. Answers what the session is; raises lease.lost when the generation is older than the
-- one that stands, or another worker has this very one.
create or replace function wa.take_lease(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_lease_ms int, p_settings jsonb)
returns jsonb language plpgsql set search_path = wa, pg_temp as $$
declare
  v_session sessions;
begin
  perform wa.set_session_context(p_session_id);
  insert into sessions (session_id) values (p_session_id) on conflict do nothing;
  update sessions s set generation = p_generation, worker_id = p_worker_id, settings = coalesce(p_settings, s.settings),
    log_epoch = s.log_epoch + 1, log_position = 0,
    lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0), changed_at = now()
  where s.session_id = p_session_id and (s.generation < p_generation or (s.generation = p_generation and s.worker_id = p_worker_id))
  returning * into v_session;
  if not found then
    perform app.fail('PT409', 'lease.lost', 'Another worker holds this session.');
  end if;
  return jsonb_build_object('epoch', v_session.log_epoch, 'creds', encode(v_session.creds, 'base64'), 'kid', v_session.kid,
    'has_keys', exists (select from signal_keys k where k.session_id = p_session_id),
    'status', v_session.status, 'phone', v_session.phone, 'lid', v_session.lid, 'linked_at', app.iso(v_session.linked_at),
    'settings', v_session.settings, 'restricted_until', app.iso(v_session.restricted_until), 'changed_at', app.iso(v_session.changed_at));
end $$;

-- Prolongs every lease of a worker that is still its own, in one statement; the sessions and generations that are. What is missing was lost.
create or replace function wa.renew_leases(p_worker_id uuid, p_lease_ms int) returns table (session_id uuid, generation bigint)
language plpgsql security definer set search_path = wa, pg_temp as $$
begin
  return query update sessions s set lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0)
  where s.worker_id = p_worker_id returning s.session_id, s.generation;
end $$;

-- Gives the session up. False: it was not this worker's any more.
create or replace function wa.release_lease(p_session_id uuid, p_worker_id uuid, p_generation bigint) returns boolean
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  update sessions s set worker_id = null, lease_until = null
  where s.session_id = p_session_id and s.generation = p_generation and s.worker_id = p_worker_id;
  return found;
end $$;

grant execute on function wa.take_lease, wa.renew_leases, wa.release_lease to wa_user;
