-- Everything that a session has to remember, in the order in which it happened: one statement a group, under the lease.
-- p_values[i] in base64, null: the key is gone. p_batch: {inbound: [...], statuses: [...], session: {...}}, each part taken by its own function.
-- Answers what they answered, and nothing when the group was written before. Raises lease.lost, and then nothing of it is written.
create or replace function wa.commit_log(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_epoch bigint, p_position bigint, p_types text[], p_ids text[],
  p_values text[], p_creds text, p_kid text, p_batch jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb := '{}';
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update sessions s set log_position = p_position
  where s.session_id = p_session_id and s.log_epoch = p_epoch and s.log_position < p_position;
  if not found then
    if exists (select from sessions s where s.session_id = p_session_id and s.log_epoch = p_epoch) then
      return v_answer;
    end if;
    perform app.fail('PT409', 'lease.lost', 'The session was opened anew.');
  end if;
  if p_types <> '{}' then
    delete from signal_keys k using unnest(p_types, p_ids, p_values) as g (type, id, value)
    where k.session_id = p_session_id and k.type = g.type and k.id = g.id and g.value is null;
    insert into signal_keys as k (session_id, type, id, value, kid)
    select p_session_id, g.type, g.id, decode(g.value, 'base64'), p_kid from unnest(p_types, p_ids, p_values) as g (type, id, value) where g.value is not null
    on conflict (session_id, type, id) do update set value = excluded.value, kid = excluded.kid;
  end if;
  if p_creds is not null then
    update sessions s set creds = decode(p_creds, 'base64'), kid = p_kid, changed_at = now() where s.session_id = p_session_id;
  end if;
  if p_batch ? 'session' then
    perform wa.take_session_changes(p_session_id, p_batch -> 'session');
  end if;
  if p_batch ? 'inbound' then
    v_answer := v_answer || jsonb_build_object('inbound', wa.take_inbound(p_session_id, p_batch -> 'inbound'));
  end if;
  if p_batch ? 'statuses' then
    v_answer := v_answer || jsonb_build_object('statuses', wa.take_statuses(p_session_id, p_batch -> 'statuses'));
  end if;
  return v_answer;
end $$;

-- {status, reason, close_code, phone, lid, linked_at, restricted_until} of those that changed, and an event for the API, to which alone
-- {qr: {serial, expires_at}, profile_name} go.
create or replace function wa.take_session_changes(p_session_id uuid, p_changes jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  update sessions s set
    status = coalesce(p_changes ->> 'status', s.status),
    status_reason = case when p_changes ? 'status' then left(p_changes ->> 'reason', 200) else s.status_reason end,
    close_code = case when p_changes ? 'status' then (p_changes ->> 'close_code')::int else s.close_code end,
    phone = coalesce(p_changes ->> 'phone', s.phone), lid = coalesce(p_changes ->> 'lid', s.lid),
    linked_at = case when p_changes ? 'linked_at' then (p_changes ->> 'linked_at')::timestamptz else s.linked_at end,
    restricted_until = case when p_changes ? 'restricted_until' then (p_changes ->> 'restricted_until')::timestamptz else s.restricted_until end,
    changed_at = now()
  where s.session_id = p_session_id;
  if p_changes ?| array['status', 'phone', 'lid', 'qr', 'profile_name'] then
    perform wa.tell_session_status(p_session_id, p_changes);
  end if;
end $$;

-- The keys of one type that there are, sealed, in base64.
create or replace function wa.read_keys(p_session_id uuid, p_type text, p_ids text[]) returns table (id text, value text, kid text)
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return query select k.id, encode(k.value, 'base64'), k.kid from signal_keys k
    where k.session_id = p_session_id and k.type = p_type and k.id = any (p_ids);
end $$;

-- After a logout: WhatsApp has forgotten the device, so its keys are worth nothing. Messages stay.
create or replace function wa.forget_keys(p_session_id uuid, p_worker_id uuid, p_generation bigint) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  delete from signal_keys k where k.session_id = p_session_id;
  -- A group that was sent before and comes after would bring them back.
  update sessions s set creds = null, kid = null, linked_at = null, log_epoch = s.log_epoch + 1, changed_at = now()
  where s.session_id = p_session_id;
end $$;

grant execute on function wa.commit_log, wa.take_session_changes, wa.read_keys, wa.forget_keys to wa_user;
