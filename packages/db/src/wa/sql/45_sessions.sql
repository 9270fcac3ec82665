-- The life of a session beside its log: who holds it, its settings, its end.

-- {generation, worker_id} of who holds the session, as it stands now; null: there is no such session.
create or replace function wa.lease_of(p_session_id uuid) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select jsonb_build_object('generation', s.generation, 'worker_id', s.worker_id) from sessions s where s.session_id = p_session_id);
end $$;

-- For who holds the lease and has no log, because the credentials could not be read. Raises lease.lost.
create or replace function wa.report_session(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_changes jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  perform wa.take_session_changes(p_session_id, p_changes);
end $$;

-- Raises lease.lost.
create or replace function wa.change_settings(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_settings jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update sessions s set settings = p_settings, changed_at = now() where s.session_id = p_session_id;
end $$;

-- Objects of a session in storage, some of them at a time. Raises lease.lost.
create or replace function wa.list_session_objects(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_limit int) returns setof text
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  return query
    (select m.object_key from media m where m.session_id = p_session_id and m.object_key is not null limit p_limit)
    union all (select b.object_key from backups b where b.session_id = p_session_id limit p_limit)
    limit p_limit;
end $$;

-- Objects that are deleted are not the session's any more. Raises lease.lost.
create or replace function wa.forget_session_objects(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_keys text[]) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update media m set object_key = null where m.session_id = p_session_id and m.object_key = any (p_keys);
  delete from backups b where b.session_id = p_session_id and b.object_key = any (p_keys);
end $$;

-- Deletes at most so many of a session's messages and events, or with none left everything else. True: the session is gone. Raises lease.lost.
create or replace function wa.purge_session(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_limit int) returns boolean
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_deleted bigint;
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  delete from events e where e.id in (select x.id from events x where x.session_id = p_session_id limit p_limit);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_limit then
    return false;
  end if;
  delete from messages m where m.session_id = p_session_id and m.id in
    (select x.id from messages x where x.session_id = p_session_id limit p_limit);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_limit then
    return false;
  end if;
  delete from backups b where b.session_id = p_session_id;
  delete from sessions s where s.session_id = p_session_id;
  return true;
end $$;

grant execute on function wa.lease_of, wa.report_session, wa.change_settings, wa.list_session_objects, wa.forget_session_objects,
  wa.purge_session to wa_user;
