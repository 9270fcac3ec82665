-- What goes out. A message is a row from the moment in which it was asked for; the key of the request fixes WhatsApp's id of it.

-- Puts a message into the queue. p_message: {id, message_id, idempotency_key, request_hash, to, content (with its type), reply_to,
-- requested_by, request_id, traceparent, queue_limit}. Answers {message, is_new, chat_id, seq}; the same key again answers what it made
-- the first time. Raises lease.lost, whatsapp.key_reused, whatsapp.queue_full, and whatsapp.*_not_found with a pointer for what is named
-- and is not there.
create or replace function wa.enqueue_message(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_message jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_content constant jsonb := p_message -> 'content';
  v_message messages;
  v_chat_id uuid;
begin
  perform wa.set_session_context(p_session_id);
  -- Without a lock: the log of the session writes that row all the time. Whoever takes the lease over finds the message in the queue.
  perform from sessions s where s.session_id = p_session_id and s.generation = p_generation and s.worker_id = p_worker_id;
  if not found then
    perform app.fail('PT409', 'lease.lost', 'Another worker holds this session.');
  end if;
  v_message := wa.find_by_key(p_session_id, p_message);
  if v_message.id is not null then
    return wa.enqueued_json(v_message, false);
  end if;
  perform from messages m where m.session_id = p_session_id and m.direction = 'out' and m.status in ('queued', 'sent')
  offset (p_message ->> 'queue_limit')::int - 1 limit 1;
  if found then
    perform app.fail('PT429', 'whatsapp.queue_full', 'Too many messages of this session are waiting to be sent.');
  end if;
  v_chat_id := wa.recipient_chat(p_session_id, p_message -> 'to');
  perform wa.check_target(p_session_id, v_chat_id, v_content);
  if p_message ->> 'reply_to' is not null then
    perform from messages m where m.session_id = p_session_id and m.chat_id = v_chat_id and m.message_id = p_message ->> 'reply_to'
      and wa.is_shown(m.type) and m.deleted_at is null;
    if not found then
      perform app.fail('PT404', 'whatsapp.message_not_found', 'There is no such message in this chat.', '{"pointer": "/reply_to"}');
    end if;
  end if;
  insert into messages (id, session_id, chat_id, message_id, direction, type, content, quoted_message_id, status, at, idempotency_key,
    request_hash, requested_by, request_id, traceparent)
  values ((p_message ->> 'id')::uuid, p_session_id, v_chat_id, p_message ->> 'message_id', 'out', v_content ->> 'type',
    v_content - 'type' - 'media_id', p_message ->> 'reply_to', 'queued', now(), p_message ->> 'idempotency_key', p_message ->> 'request_hash',
    (p_message ->> 'requested_by')::uuid, p_message ->> 'request_id', p_message ->> 'traceparent')
  on conflict (session_id, idempotency_key) where idempotency_key is not null do nothing returning * into v_message;
  if v_message.id is null then
    -- Asked for twice at once; the other one was first, and is there by now.
    return wa.enqueued_json(wa.find_by_key(p_session_id, p_message), false);
  end if;
  if v_content ? 'media_id' then
    perform wa.bind_media(p_session_id, v_message.id, (v_content ->> 'media_id')::uuid, v_content ->> 'type', v_content ->> 'file_name');
  end if;
  if wa.is_shown(v_message.type) then
    update chats h set last_message_at = greatest(h.last_message_at, v_message.at) where h.session_id = p_session_id and h.id = v_chat_id;
  end if;
  return wa.enqueued_json(v_message, true);
end $$;

create or replace function wa.enqueued_json(p_message wa.messages, p_is_new boolean) returns jsonb
language plpgsql stable set search_path = wa, pg_temp as $$
begin
  return jsonb_build_object('message', wa.message_json(p_message), 'is_new', p_is_new, 'chat_id', p_message.chat_id, 'seq', p_message.seq);
end $$;

-- The message that a key made before; raises whatsapp.key_reused when it was asked for with another body.
create or replace function wa.find_by_key(p_session_id uuid, p_message jsonb) returns wa.messages
language plpgsql stable set search_path = wa, pg_temp as $$
declare
  v_message messages;
begin
  select * into v_message from messages m where m.session_id = p_session_id and m.idempotency_key = p_message ->> 'idempotency_key';
  if v_message.request_hash is distinct from p_message ->> 'request_hash' and v_message.id is not null then
    perform app.fail('PT409', 'whatsapp.key_reused', 'This Idempotency-Key was used for another message.',
      '{"pointer": "/headers/idempotency-key"}');
  end if;
  return v_message;
end $$;

-- The chat that {phone | lid | chat_id | group_id} names; one with a person or of a group is made when there is none. It does not become one
-- with another before the transaction ends: a message that is on its way into it would go with it.
create or replace function wa.recipient_chat(p_session_id uuid, p_to jsonb) returns uuid
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_chat chats;
begin
  if not (p_to ? 'chat_id') then
    return case when p_to ? 'group_id' then wa.resolve_chat(p_session_id, 'group', null, p_to ->> 'group_id')
      else wa.resolve_chat(p_session_id, 'person', wa.resolve_contact(p_session_id, p_to ->> 'lid', p_to ->> 'phone'), null) end;
  end if;
  select * into v_chat from chats h where h.session_id = p_session_id and h.id = (p_to ->> 'chat_id')::uuid for key share;
  if v_chat.id is null then
    perform app.fail('PT404', 'whatsapp.chat_not_found', 'There is no such chat.', '{"pointer": "/to/chat_id"}');
  elsif v_chat.kind = 'broadcast' then
    perform app.fail('PT409', 'whatsapp.chat_not_writable', 'Nothing can be sent there.', '{"pointer": "/to/chat_id"}');
  end if;
  return v_chat.id;
end $$;

-- Of a reaction, an edit, a deletion: the message must be there, in this chat; edits and deletions are of what we sent ourselves, as long
-- as phones accept them.
create or replace function wa.check_target(p_session_id uuid, p_chat_id uuid, p_content jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_type constant text := p_content ->> 'type';
  v_pointer constant jsonb := '{"pointer": "/content/message_id"}';
  v_target messages;
begin
  if v_type not in ('reaction', 'edit', 'delete') then
    return;
  end if;
  select * into v_target from messages m where m.session_id = p_session_id and m.chat_id = p_chat_id and m.message_id = p_content ->> 'message_id'
    and wa.is_shown(m.type) and m.deleted_at is null;
  if v_target.id is null then
    perform app.fail('PT404', 'whatsapp.message_not_found', 'There is no such message in this chat.', v_pointer);
  elsif v_target.status = 'failed' then
    perform app.fail('PT409', 'whatsapp.message_failed', 'That message was never sent.', v_pointer);
  elsif v_type <> 'reaction' and v_target.direction <> 'out' then
    perform app.fail('PT403', 'whatsapp.not_own_message', 'Only messages of this session can be edited or deleted.', v_pointer);
  elsif v_type = 'edit' and v_target.type not in ('text', 'image', 'video', 'document') then
    perform app.fail('PT409', 'whatsapp.not_editable', 'A message of this type has no text.', v_pointer);
  elsif (v_type = 'edit' and v_target.at < now() - interval '15 minutes') or (v_type = 'delete' and v_target.at < now() - interval '48 hours') then
    perform app.fail('PT409', 'whatsapp.too_late', 'Phones do not accept that any more for a message of that age.', v_pointer);
  end if;
end $$;

-- Gives a message its file. One that belongs to a message already is sent again: the row is a second one of the same object.
create or replace function wa.bind_media(p_session_id uuid, p_message_row_id uuid, p_media_id uuid, p_kind text, p_file_name text) returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_pointer constant jsonb := '{"pointer": "/content/media_id"}';
  v_media media;
begin
  select * into v_media from media d where d.session_id = p_session_id and d.id = p_media_id for update;
  if v_media.id is null then
    perform app.fail('PT404', 'whatsapp.media_not_found', 'There is no such file.', v_pointer);
  elsif v_media.status <> 'stored' then
    perform app.fail('PT409', 'whatsapp.media_not_uploaded', 'The file is not uploaded.', v_pointer);
  elsif v_media.kind <> p_kind and not (p_kind = 'document') then
    perform app.fail('PT409', 'whatsapp.media_of_other_kind', 'The file was uploaded as another kind.', v_pointer);
  end if;
  if v_media.message_row_id is null then
    update media d set message_row_id = p_message_row_id, file_name = coalesce(p_file_name, d.file_name), kind = p_kind
    where d.session_id = p_session_id and d.id = p_media_id;
  else
    insert into media (id, session_id, message_row_id, direction, kind, media_type, file_name, size, sha256, object_key, status)
    values (app.uuidv7(), p_session_id, p_message_row_id, 'out', p_kind, v_media.media_type, coalesce(p_file_name, v_media.file_name),
      v_media.size, v_media.sha256, v_media.object_key, 'stored');
  end if;
end $$;

-- What has still to go, or to be acknowledged: {id, chat_id, seq}, in its order.
create or replace function wa.list_outbox(p_session_id uuid, p_limit int) returns table (id uuid, chat_id uuid, seq bigint)
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return query select m.id, m.chat_id, m.seq from messages m
    where m.session_id = p_session_id and m.direction = 'out' and m.status in ('queued', 'sent') order by m.seq limit p_limit;
end $$;

-- Messages that are to be sent now, with all that it takes.
create or replace function wa.read_outbox(p_session_id uuid, p_ids uuid[]) returns jsonb
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'chat_id', m.chat_id, 'message_id', m.message_id, 'seq', m.seq, 'type', m.type,
      'content', m.content, 'status', m.status, 'attempts', m.attempts, 'proto', encode(m.proto, 'base64'), 'at', app.iso(m.at),
      'sent_at', app.iso(m.sent_at), 'request_id', m.request_id,
      'kind', h.kind, 'group_id', h.group_id, 'lid', c.lid, 'phone', c.phone, 'is_on_whatsapp', c.is_on_whatsapp, 'checked_at', app.iso(c.checked_at),
      'is_new_conversation', h.kind = 'person' and c.first_inbound_at is null and c.first_outbound_at is null,
      'quoted', wa.reference_json(p_session_id, m.chat_id, m.quoted_message_id), 'target', wa.reference_json(p_session_id, m.chat_id,
        case when m.type in ('reaction', 'edit', 'delete') then m.content ->> 'message_id' end),
      'media', (select wa.media_json(d) || jsonb_build_object('object_key', d.object_key) from media d
        where d.session_id = p_session_id and d.message_row_id = m.id limit 1))), '[]')
    from messages m
    join chats h on h.session_id = m.session_id and h.id = m.chat_id
    left join contacts c on c.session_id = h.session_id and c.id = h.contact_id
    where m.session_id = p_session_id and m.id = any (p_ids) and m.direction = 'out' and m.status in ('queued', 'sent'));
end $$;

-- A message that another one names: {message_id, type, from_me, lid, phone, proto} with the ids of who wrote it.
create or replace function wa.reference_json(p_session_id uuid, p_chat_id uuid, p_message_id text) returns jsonb
language plpgsql stable set search_path = wa, pg_temp as $$
begin
  if p_message_id is null then
    return null;
  end if;
  return (select jsonb_build_object('message_id', m.message_id, 'type', m.type, 'from_me', m.direction = 'out', 'lid', c.lid, 'phone', c.phone,
      'proto', encode(m.proto, 'base64'))
    from messages m left join contacts c on c.session_id = m.session_id and c.id = m.sender_id
    where m.session_id = p_session_id and m.chat_id = p_chat_id and m.message_id = p_message_id);
end $$;

-- Says why messages wait, and until when, for whoever looks at them: lists side by side.
create or replace function wa.hold_outbox(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_ids uuid[], p_reasons text[],
  p_untils timestamptz[]) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update messages m set hold_reason = h.reason, not_before = h.until
  from unnest(p_ids, p_reasons, p_untils) as h (id, reason, until)
  where m.session_id = p_session_id and m.id = h.id and m.status = 'queued' and (m.hold_reason, m.not_before) is distinct from (h.reason, h.until);
end $$;

-- What the pace of a session follows from: {cold_sent (of today, UTC), linked_at, restricted_until}.
create or replace function wa.read_pace(p_session_id uuid) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select jsonb_build_object('cold_sent', coalesce(u.cold_sent, 0), 'linked_at', app.iso(s.linked_at),
      'restricted_until', app.iso(s.restricted_until))
    from sessions s left join usage u on u.session_id = s.session_id and u.day = (now() at time zone 'UTC')::date
    where s.session_id = p_session_id);
end $$;

-- A message of ours as it was sent to p_chat ({lid, phone} or {group_id}), in base64; null: it was never sent there, or was deleted since.
-- Its id is no proof: whoever asks gets what was sent to them.
create or replace function wa.read_proto(p_session_id uuid, p_message_id text, p_chat jsonb) returns text
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select encode(m.proto, 'base64') from messages m
    join chats h on h.session_id = p_session_id and h.id = m.chat_id
    left join contacts c on c.session_id = p_session_id and c.id = h.contact_id
    where m.session_id = p_session_id and m.message_id = p_message_id and m.direction = 'out' and m.proto is not null
      and (h.group_id = p_chat ->> 'group_id' or c.lid = p_chat ->> 'lid' or c.phone = p_chat ->> 'phone')
    order by m.seq limit 1);
end $$;

grant execute on function wa.enqueue_message, wa.enqueued_json, wa.find_by_key, wa.recipient_chat, wa.check_target, wa.bind_media,
  wa.list_outbox, wa.read_outbox, wa.reference_json, wa.hold_outbox, wa.read_pace, wa.read_proto to wa_user;
