-- What a session has, as the API and its events show it.

create or replace function wa.media_json(m wa.media) returns jsonb language sql stable parallel safe
  return case when (m).id is not null then jsonb_build_object('media_id', (m).id, 'kind', (m).kind, 'media_type', (m).media_type,
    'file_name', (m).file_name, 'size', (m).size, 'status', (m).status) end;

-- A message with both ids of everybody in it, its media, and the last reaction of each who reacted to it.
create or replace function wa.message_json(m wa.messages) returns jsonb
language plpgsql stable parallel safe set search_path = wa, pg_temp as $$
declare
  v_chat jsonb;
  v_sender jsonb;
  v_media jsonb;
  v_reactions jsonb := '[]';
begin
  select wa.chat_json(h, c), case when c.id = m.sender_id then wa.contact_json(c) end into v_chat, v_sender
  from chats h left join contacts c on c.session_id = h.session_id and c.id = h.contact_id
  where h.session_id = m.session_id and h.id = m.chat_id;
  if m.sender_id is not null and v_sender is null then
    select wa.contact_json(s) into v_sender from contacts s where s.session_id = m.session_id and s.id = m.sender_id;
  end if;
  if m.deleted_at is null and m.type in ('image', 'video', 'audio', 'voice', 'document', 'sticker') then
    select wa.media_json(d) into v_media from media d where d.session_id = m.session_id and d.message_row_id = m.id limit 1;
  end if;
  if wa.is_shown(m.type) then
    select coalesce(jsonb_agg(jsonb_build_object('emoji', r.emoji, 'sender', r.sender, 'at', app.iso(r.at)) order by r.at, r.seq), '[]')
    into v_reactions
    from (
      select distinct on (r.sender_id) r.content ->> 'emoji' as emoji, wa.contact_json(s) as sender, r.at, r.seq
      from messages r left join contacts s on s.session_id = r.session_id and s.id = r.sender_id
      where r.session_id = m.session_id and r.chat_id = m.chat_id and r.content ->> 'message_id' = m.message_id and r.type = 'reaction'
        and r.status <> 'failed'
      order by r.sender_id, r.at desc, r.seq desc
    ) r
    where r.emoji is not null;
  end if;
  return jsonb_build_object('id', m.id, 'session_id', m.session_id, 'message_id', m.message_id, 'chat', v_chat, 'sender', v_sender,
    'direction', m.direction, 'type', m.type, 'content', m.content, 'media', v_media, 'reactions', v_reactions,
    'quoted_message_id', m.quoted_message_id, 'status', m.status, 'error_code', m.error_code,
    'hold', case when m.hold_reason is not null then jsonb_build_object('reason', m.hold_reason, 'until', app.iso(m.not_before)) end,
    'at', app.iso(m.at), 'sent_at', app.iso(m.sent_at), 'acked_at', app.iso(m.acked_at), 'delivered_at', app.iso(m.delivered_at),
    'read_at', app.iso(m.read_at), 'edited_at', app.iso(m.edited_at), 'deleted_at', app.iso(m.deleted_at), 'request_id', m.request_id);
end $$;

-- The newest first; with a chat by the time of each message, else by when it came to us. Each {message, at, seq}: before_at and before_seq
-- are those of the last of the page before. Edits and deletions show in what they changed.
create or replace function wa.list_messages(p_session_id uuid, p_chat_id uuid, p_direction text, p_status text, p_before_at timestamptz,
  p_before_seq bigint, p_limit int) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  if p_chat_id is null then
    return (select coalesce(jsonb_agg(jsonb_build_object('message', wa.message_json(m), 'at', app.iso(m.at), 'seq', m.seq) order by m.seq desc), '[]')
      from (select m.* from messages m
        where m.session_id = p_session_id and m.type not in ('edit', 'delete', 'protocol') and (p_before_seq is null or m.seq < p_before_seq)
          and (p_direction is null or m.direction = p_direction) and (p_status is null or m.status = p_status)
        order by m.seq desc limit p_limit) m);
  end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('message', wa.message_json(m), 'at', app.iso(m.at), 'seq', m.seq)
      order by m.at desc, m.seq desc), '[]')
    from (select m.* from messages m
      where m.session_id = p_session_id and m.chat_id = p_chat_id and m.type not in ('edit', 'delete', 'protocol')
        and (p_before_seq is null or (m.at, m.seq) < (p_before_at, p_before_seq))
        and (p_direction is null or m.direction = p_direction) and (p_status is null or m.status = p_status)
      order by m.at desc, m.seq desc limit p_limit) m);
end $$;

-- By the row's id or WhatsApp's own; of the latter, which two chats may share, the newest. Null: there is none.
create or replace function wa.get_message(p_session_id uuid, p_message_id text) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  if app.is_uuid(p_message_id) then
    select wa.message_json(m) into v_answer from messages m where m.session_id = p_session_id and m.id = p_message_id::uuid;
  end if;
  if v_answer is null then
    select wa.message_json(m) into v_answer from messages m
    where m.session_id = p_session_id and m.message_id = p_message_id and m.type not in ('edit', 'delete', 'protocol') order by m.seq desc limit 1;
  end if;
  return v_answer;
end $$;

-- The chats in which something was said, the latest first; each {chat, unread, last_message_at, last_message}.
create or replace function wa.list_chats(p_session_id uuid, p_before_at timestamptz, p_before_id uuid, p_limit int) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select coalesce(jsonb_agg(jsonb_build_object('chat', wa.chat_json(h, c), 'unread', h.unread, 'last_message_at', app.iso(h.last_message_at),
      'last_message', (select wa.message_json(m) from messages m where m.session_id = p_session_id and m.chat_id = h.id and wa.is_shown(m.type)
        order by m.at desc, m.seq desc limit 1)) order by h.last_message_at desc, h.id desc), '[]')
    from (select h.* from chats h where h.session_id = p_session_id and h.last_message_at is not null
        and (p_before_id is null or (h.last_message_at, h.id) < (p_before_at, p_before_id))
      order by h.last_message_at desc, h.id desc limit p_limit) as h
    left join contacts c on c.session_id = p_session_id and c.id = h.contact_id);
end $$;

-- In the order of their ids, which is that in which they were met.
create or replace function wa.list_contacts(p_session_id uuid, p_after_id uuid, p_limit int) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select coalesce(jsonb_agg(wa.contact_json(c) order by c.id), '[]')
    from (select c.* from contacts c where c.session_id = p_session_id and (p_after_id is null or c.id > p_after_id)
      order by c.id limit p_limit) as c);
end $$;

-- {media, object_key} of a message, by either of its ids. Null: there is no such message, it has no media, or it was deleted.
create or replace function wa.get_message_media(p_session_id uuid, p_message_id text) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  select jsonb_build_object('media', wa.media_json(d), 'object_key', d.object_key, 'error', d.error) into v_answer
  from messages m join media d on d.session_id = p_session_id and d.message_row_id = m.id
  where m.session_id = p_session_id and m.deleted_at is null
    and (m.id = case when app.is_uuid(p_message_id) then p_message_id::uuid end or m.message_id = p_message_id)
  order by m.seq desc limit 1;
  return v_answer;
end $$;

grant execute on function wa.media_json, wa.message_json, wa.list_messages, wa.get_message, wa.list_chats, wa.list_contacts,
  wa.get_message_media to wa_user;
