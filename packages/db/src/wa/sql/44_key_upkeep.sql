-- Rotation of the keys that seal, and copies for object storage.

-- Credentials (type 'creds') and keys that one of p_kids seals.
create or replace function wa.read_sealed_with(p_kids text[], p_limit int)
returns table (session_id uuid, type text, id text, value text, kid text)
language plpgsql security definer set search_path = wa, pg_temp as $$
begin
  return query (select s.session_id, 'creds', '', encode(s.creds, 'base64'), s.kid from sessions s
      where s.creds is not null and s.kid = any(p_kids) limit p_limit)
    union all
    (select k.session_id, k.type, k.id, encode(k.value, 'base64'), k.kid from signal_keys k where k.kid = any(p_kids) limit p_limit);
end $$;

-- Puts p_values in the place of p_before, where that still stands: what its session has changed meanwhile is newer. Waits for nobody: what
-- another holds is passed over. Answers how many.
create or replace function wa.reseal_keys(p_session_ids uuid[], p_types text[], p_ids text[], p_before text[], p_values text[], p_kid text)
returns int language plpgsql security definer set search_path = wa, pg_temp as $$
declare
  v_keys int;
  v_creds int;
begin
  update signal_keys k set value = decode(f.value, 'base64'), kid = p_kid
  from (select o.session_id, o.type, o.id, g.value from signal_keys o
    join unnest(p_session_ids, p_types, p_ids, p_before, p_values) as g (session_id, type, id, before, value)
      on o.session_id = g.session_id and o.type = g.type and o.id = g.id and o.value = decode(g.before, 'base64')
    where g.type <> 'creds' for no key update of o skip locked) f
  where k.session_id = f.session_id and k.type = f.type and k.id = f.id;
  get diagnostics v_keys = row_count;
  update sessions s set creds = decode(f.value, 'base64'), kid = p_kid
  from (select o.session_id, g.value from sessions o
    join unnest(p_session_ids, p_types, p_before, p_values) as g (session_id, type, before, value)
      on o.session_id = g.session_id and o.creds = decode(g.before, 'base64')
    where g.type = 'creds' for no key update of o skip locked) f
  where s.session_id = f.session_id;
  get diagnostics v_creds = row_count;
  return v_keys + v_creds;
end $$;

-- What a copy holds: all but what is only good for as long as both ends agree on it, which an old copy does not.
create or replace function wa.read_backup(p_session_id uuid) returns table (type text, id text, value text, kid text)
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return query select 'creds', '', encode(s.creds, 'base64'), s.kid from sessions s
      where s.session_id = p_session_id and s.creds is not null
    union all
    select k.type, k.id, encode(k.value, 'base64'), k.kid from signal_keys k
      where k.session_id = p_session_id and k.type <> all (array['session', 'sender-key', 'sender-key-memory', 'device-list', 'tctoken']);
end $$;

-- Answers the copies that are not kept any more: all but the newest p_keep.
create or replace function wa.record_backup(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_object_key text, p_size bigint,
  p_keep int) returns table (object_key text)
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  insert into backups (object_key, session_id, generation, size) values (p_object_key, p_session_id, p_generation, p_size);
  update sessions s set backed_up_at = now() where s.session_id = p_session_id;
  return query delete from backups b
    where b.session_id = p_session_id and b.object_key not in (select n.object_key from backups n
      where n.session_id = p_session_id order by n.created_at desc, n.object_key desc limit p_keep)
    returning b.object_key;
end $$;

-- The copies of a session, the newest first.
create or replace function wa.list_backups(p_session_id uuid) returns table (object_key text, size bigint, created_at timestamptz)
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return query select b.object_key, b.size, b.created_at from backups b
    where b.session_id = p_session_id order by b.created_at desc, b.object_key desc;
end $$;

-- Puts a copy in the place of credentials that are lost. Raises worker.credentials_present where there are some.
create or replace function wa.restore_backup(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_creds text, p_creds_kid text,
  p_types text[], p_ids text[], p_values text[], p_kids text[]) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update sessions s set creds = decode(p_creds, 'base64'), kid = p_creds_kid, log_epoch = s.log_epoch + 1, changed_at = now()
  where s.session_id = p_session_id and s.creds is null;
  if not found then
    perform app.fail('PT409', 'worker.credentials_present', 'The session has credentials; log out before restoring others.');
  end if;
  delete from signal_keys k where k.session_id = p_session_id;
  insert into signal_keys (session_id, type, id, value, kid)
  select p_session_id, g.type, g.id, decode(g.value, 'base64'), g.kid
  from unnest(p_types, p_ids, p_values, p_kids) as g (type, id, value, kid);
end $$;

grant execute on function wa.read_sealed_with, wa.reseal_keys, wa.read_backup, wa.record_backup, wa.list_backups, wa.restore_backup to wa_user;
