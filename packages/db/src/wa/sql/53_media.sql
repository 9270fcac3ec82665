-- Media that came in: downloaded by the worker that holds the session, in rounds.

-- What is due for the sessions whose lease this worker has, each taken for a minute: {session_id, generation, media_id, task, attempts, …}.
-- task: 'download', or 'delete' for the object of a message that was deleted. p_running: what the worker is at, however long that takes.
create or replace function wa.claim_media(p_worker_id uuid, p_session_ids uuid[], p_running uuid[], p_limit int) returns setof jsonb
language plpgsql security definer set search_path = wa, pg_temp as $$
begin
  return query
  with due as (
    select f.id, f.session_id, s.generation from sessions s join media f on f.session_id = s.session_id
    where s.worker_id = p_worker_id and s.session_id = any (p_session_ids) and f.next_attempt_at <= now() and f.id <> all (p_running)
      and (f.status = 'pending' or (f.error = 'deleted' and f.object_key is not null))
    order by f.next_attempt_at limit p_limit for update of f skip locked
  ), claimed as (
    update media f set attempts = f.attempts + 1, next_attempt_at = now() + interval '1 minute' from due
    where f.session_id = due.session_id and f.id = due.id
    returning f.*, due.generation
  )
  select jsonb_build_object('session_id', c.session_id, 'generation', c.generation, 'media_id', c.id,
    'task', case when c.status = 'pending' then 'download' else 'delete' end, 'kind', c.kind, 'media_type', c.media_type, 'size', c.size,
    -- One upload can be the file of several messages.
    'object_key', case when not exists (select from media o where o.session_id = c.session_id and o.object_key = c.object_key and o.id <> c.id
      and o.error is distinct from 'deleted') then c.object_key end, 'attempts', c.attempts, 'proto', encode(m.proto, 'base64'), 'message_id', m.message_id,
    'from_me', m.direction = 'out', 'chat', wa.chat_json(h, p), 'sender', wa.contact_json(o))
  from claimed c
  join messages m on m.session_id = c.session_id and m.id = c.message_row_id
  join chats h on h.session_id = c.session_id and h.id = m.chat_id
  left join contacts p on p.session_id = c.session_id and p.id = h.contact_id
  left join contacts o on o.session_id = c.session_id and o.id = m.sender_id;
end $$;

-- How a task ended: p_status stored (with its object), failed, too_large; pending: to be tried again in p_retry_ms, with p_proto if WhatsApp
-- said where the file is now. False: nobody wants the object any more. Raises lease.lost.
create or replace function wa.finish_media(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_media_id uuid, p_status text,
  p_object_key text, p_size bigint, p_error text, p_retry_ms int, p_proto text default null) returns boolean
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_media media;
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update media f set status = p_status, object_key = coalesce(p_object_key, f.object_key), size = coalesce(p_size, f.size), error = left(p_error, 200),
    next_attempt_at = now() + make_interval(secs => coalesce(p_retry_ms, 0) / 1000.0)
  where f.session_id = p_session_id and f.id = p_media_id and f.status = 'pending' returning * into v_media;
  if not found then
    return false;
  end if;
  if p_proto is not null then
    update messages m set proto = decode(p_proto, 'base64') where m.session_id = p_session_id and m.id = v_media.message_row_id and m.deleted_at is null;
  end if;
  if p_status = 'pending' then
    return true;
  end if;
  if p_status = 'stored' then
    perform wa.count_usage(p_session_id, 0, 0, v_media.size, 0);
  end if;
  perform wa.tell_inbound(p_session_id, null, null, jsonb_build_object(v_media.message_row_id, jsonb_build_object('change', 'media')));
  return true;
end $$;

-- The object of a message that was deleted is gone. Raises lease.lost.
create or replace function wa.forget_media(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_media_id uuid) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update media f set object_key = null where f.session_id = p_session_id and f.id = p_media_id and f.error = 'deleted';
end $$;

grant execute on function wa.claim_media, wa.finish_media, wa.forget_media to wa_user;
