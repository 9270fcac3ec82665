-- What is asked of WhatsApp about people, files that are going to be sent, and what is marked as read.

-- What WhatsApp answered about numbers: [{phone, lid, is_on_whatsapp}]. Answers the contacts, in their order. Nobody writes to the session
-- meanwhile, since two rows may turn out to be one person.
create or replace function wa.take_checks(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_checks jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_check jsonb;
  v_contact contacts;
  v_id uuid;
  v_answer jsonb := '[]';
begin
  perform wa.hold_alone(p_session_id, p_worker_id, p_generation);
  for v_check in select c.item from jsonb_array_elements(p_checks) with ordinality as c (item, ord) order by c.ord loop
    v_id := wa.resolve_contact(p_session_id, v_check ->> 'lid', v_check ->> 'phone');
    update contacts c set is_on_whatsapp = (v_check ->> 'is_on_whatsapp')::boolean, checked_at = now()
    where c.session_id = p_session_id and c.id = v_id returning * into v_contact;
    v_answer := v_answer || jsonb_build_array(wa.contact_json(v_contact));
  end loop;
  return v_answer;
end $$;

-- Contacts by number, of those that are known: {contact, checked_at}.
create or replace function wa.find_contacts(p_session_id uuid, p_phones text[]) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select coalesce(jsonb_agg(jsonb_build_object('contact', wa.contact_json(c), 'checked_at', app.iso(c.checked_at))), '[]')
    from contacts c where c.session_id = p_session_id and c.phone = any (p_phones));
end $$;

-- Whom {phone | lid | chat_id | group_id} names, without making anybody: {kind, lid, phone, group_id}. Raises whatsapp.chat_not_found.
create or replace function wa.find_recipient(p_session_id uuid, p_to jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  if p_to ? 'chat_id' then
    select jsonb_build_object('kind', h.kind, 'lid', c.lid, 'phone', c.phone, 'group_id', h.group_id) into v_answer
    from chats h left join contacts c on c.session_id = h.session_id and c.id = h.contact_id
    where h.session_id = p_session_id and h.id = (p_to ->> 'chat_id')::uuid;
    if v_answer is null then
      perform app.fail('PT404', 'whatsapp.chat_not_found', 'There is no such chat.', '{"pointer": "/to/chat_id"}');
    end if;
    return v_answer;
  end if;
  select jsonb_build_object('kind', 'person', 'lid', c.lid, 'phone', c.phone, 'group_id', null) into v_answer
  from contacts c where c.session_id = p_session_id and (c.lid = p_to ->> 'lid' or c.phone = p_to ->> 'phone') limit 1;
  return coalesce(v_answer, jsonb_build_object('kind', case when p_to ? 'group_id' then 'group' else 'person' end, 'lid', p_to ->> 'lid',
    'phone', p_to ->> 'phone', 'group_id', p_to ->> 'group_id'));
end $$;

-- What is not read yet of a chat, or of the messages that are named: [{message_id, lid, phone}] with the ids of who wrote it, beside the
-- chat: {kind, lid, phone, group_id, messages}. Raises whatsapp.chat_not_found.
create or replace function wa.list_unread(p_session_id uuid, p_chat_id uuid, p_message_ids text[], p_limit int) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  if not exists (select from chats h where h.session_id = p_session_id and h.id = p_chat_id) then
    perform app.fail('PT404', 'whatsapp.chat_not_found', 'There is no such chat.', '{"pointer": "/chat_id"}');
  end if;
  v_answer := wa.find_recipient(p_session_id, jsonb_build_object('chat_id', p_chat_id));
  return v_answer || jsonb_build_object('messages', (
    select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'lid', c.lid, 'phone', c.phone) order by m.seq), '[]')
    from (select m.* from messages m
      where m.session_id = p_session_id and m.chat_id = p_chat_id and m.direction = 'in' and m.status = 'received'
        and (p_message_ids is null or m.message_id = any (p_message_ids))
      order by m.at desc, m.seq desc limit p_limit) m
    left join contacts c on c.session_id = m.session_id and c.id = m.sender_id));
end $$;

-- They are read, and WhatsApp was told. Answers how many were not before.
create or replace function wa.mark_read(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_chat_id uuid, p_message_ids text[]) returns int
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_marked int;
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  update messages m set status = 'read', read_at = now()
  where m.session_id = p_session_id and m.chat_id = p_chat_id and m.direction = 'in' and m.status = 'received' and m.message_id = any (p_message_ids);
  get diagnostics v_marked = row_count;
  update chats h set unread = (select count(*) from messages m
    where m.session_id = p_session_id and m.chat_id = p_chat_id and m.direction = 'in' and m.status = 'received' and wa.is_shown(m.type))
  where h.session_id = p_session_id and h.id = p_chat_id;
  return v_marked;
end $$;

-- What is known of groups: [{chat_id, group_id, participants: [{contact, role}]}].
create or replace function wa.read_groups(p_session_id uuid, p_group_ids text[]) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.set_session_context(p_session_id);
  return (select coalesce(jsonb_agg(jsonb_build_object('chat_id', h.id, 'group_id', h.group_id, 'participants', (
      select coalesce(jsonb_agg(jsonb_build_object('contact', wa.contact_json(c), 'role', p.person ->> 'role') order by p.ord), '[]')
      from jsonb_array_elements(case when jsonb_typeof(h.participants) = 'array' then h.participants else '[]' end) with ordinality as p (person, ord)
      join contacts c on c.session_id = h.session_id and c.id = (p.person ->> 'contact_id')::uuid))), '[]')
    from chats h where h.session_id = p_session_id and h.kind = 'group' and h.group_id = any (p_group_ids));
end $$;

-- A file is going to be uploaded: {id, kind, media_type, file_name, size, object_key}. So many may be there that nobody has sent yet: what a
-- client stores and never sends is kept for a day. Raises whatsapp.too_many_uploads.
create or replace function wa.create_media(p_session_id uuid, p_media jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_max_unsent constant int := 200;
  v_media media;
begin
  perform wa.set_session_context(p_session_id);
  perform from sessions s where s.session_id = p_session_id;
  if not found then
    perform app.fail('PT404', 'worker.session_not_held', 'There is no such session here.');
  end if;
  perform from media d where d.session_id = p_session_id and d.message_row_id is null and d.direction = 'out' offset v_max_unsent - 1 limit 1;
  if found then
    perform app.fail('PT429', 'whatsapp.too_many_uploads', format('At most %s files wait to be sent: send them first.', v_max_unsent));
  end if;
  insert into media (id, session_id, direction, kind, media_type, file_name, size, object_key, status)
  values ((p_media ->> 'id')::uuid, p_session_id, 'out', p_media ->> 'kind', p_media ->> 'media_type', p_media ->> 'file_name',
    (p_media ->> 'size')::bigint, p_media ->> 'object_key', 'awaited')
  returning * into v_media;
  return wa.media_json(v_media);
end $$;

-- A file that was announced: {media, object_key}. Raises whatsapp.media_not_found.
create or replace function wa.get_upload(p_session_id uuid, p_media_id uuid) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  select jsonb_build_object('media', wa.media_json(d), 'object_key', d.object_key) into v_answer
  from media d where d.session_id = p_session_id and d.id = p_media_id and d.direction = 'out';
  if v_answer is null then
    perform app.fail('PT404', 'whatsapp.media_not_found', 'There is no such file.', '{"pointer": "/media_id"}');
  end if;
  return v_answer;
end $$;

-- It is there, as large as it was announced.
create or replace function wa.complete_upload(p_session_id uuid, p_media_id uuid) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_media media;
begin
  perform wa.set_session_context(p_session_id);
  update media d set status = 'stored' where d.session_id = p_session_id and d.id = p_media_id and d.direction = 'out' returning * into v_media;
  return wa.media_json(v_media);
end $$;

-- Files that were announced, or uploaded, a day ago and never sent, of whichever session: deleted here; their objects are the caller's to delete.
create or replace function wa.forget_uploads(p_before timestamptz, p_limit int) returns table (object_key text)
language plpgsql security definer set search_path = wa, pg_temp as $$
begin
  return query delete from media d where d.id in (
      select u.id from media u where u.direction = 'out' and u.message_row_id is null and u.created_at < p_before order by u.created_at limit p_limit
      for update skip locked)
    and not exists (select from media o where o.object_key = d.object_key and o.id <> d.id)
    returning d.object_key;
end $$;

grant execute on function wa.take_checks, wa.find_contacts, wa.find_recipient, wa.list_unread, wa.mark_read, wa.read_groups, wa.create_media, wa.get_upload,
  wa.complete_upload, wa.forget_uploads to wa_user;
