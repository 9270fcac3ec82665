-- One person has one row, whichever of their two ids comes first. Answers its id, and makes it when there is none. When a LID and a phone
-- number that had a row each turn out to be one person, the younger row goes into the older one, with its chat and messages. A LID is a
-- person for good; a phone number can pass to another one, and then it moves alone.
-- The caller has the session's context. Rows are locked against being merged away until the transaction ends.
create or replace function wa.resolve_contact(p_session_id uuid, p_lid text, p_phone text, p_name text default null) returns uuid
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_by_lid contacts;
  v_by_phone contacts;
  v_kept contacts;
begin
  if p_lid is null and p_phone is null then
    return null;
  end if;
  select * into v_by_lid from contacts c where c.session_id = p_session_id and c.lid = p_lid for key share;
  select * into v_by_phone from contacts c where c.session_id = p_session_id and c.phone = p_phone for key share;
  if p_lid is not null and v_by_phone.lid <> p_lid then
    update contacts c set phone = null, updated_at = now() where c.session_id = p_session_id and c.id = v_by_phone.id;
    v_by_phone := null;
  end if;
  if v_by_lid.id is null and v_by_phone.id is null then
    insert into contacts (id, session_id, lid, phone, name) values (app.uuidv7(), p_session_id, p_lid, p_phone, left(p_name, 200))
    on conflict do nothing returning * into v_kept;
    if v_kept.id is null then
      return wa.resolve_contact(p_session_id, p_lid, p_phone, p_name);
    end if;
    return v_kept.id;
  end if;
  v_kept := case when v_by_phone.id is null or v_by_lid.created_at <= v_by_phone.created_at then v_by_lid else v_by_phone end;
  if v_by_lid.id <> v_by_phone.id then
    perform wa.merge_contacts(p_session_id, v_kept.id, case when v_kept.id = v_by_lid.id then v_by_phone.id else v_by_lid.id end);
  end if;
  if v_kept.lid is distinct from coalesce(p_lid, v_kept.lid) or v_kept.phone is distinct from coalesce(p_phone, v_kept.phone)
    or (p_name is not null and v_kept.name is distinct from left(p_name, 200)) then
    update contacts c set lid = coalesce(p_lid, c.lid), phone = coalesce(p_phone, c.phone), name = coalesce(left(p_name, 200), c.name),
      updated_at = now()
    where c.session_id = p_session_id and c.id = v_kept.id;
  end if;
  return v_kept.id;
end $$;

create or replace function wa.merge_contacts(p_session_id uuid, p_kept_id uuid, p_gone_id uuid) returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_kept_chat uuid;
  v_gone_chat uuid;
  v_gone contacts;
  v_moved uuid[];
begin
  -- Whoever is writing for one of them ends first, and whoever comes later finds the other: what a statement did not see would go with the row.
  perform from contacts c where c.session_id = p_session_id and c.id in (p_kept_id, p_gone_id) order by c.id for update;
  perform from chats h where h.session_id = p_session_id and h.contact_id in (p_kept_id, p_gone_id) order by h.id for update;
  select c.id into v_kept_chat from chats c where c.session_id = p_session_id and c.contact_id = p_kept_id;
  select c.id into v_gone_chat from chats c where c.session_id = p_session_id and c.contact_id = p_gone_id;
  if v_gone_chat is not null and v_kept_chat is null then
    update chats c set contact_id = p_kept_id where c.session_id = p_session_id and c.id = v_gone_chat;
  elsif v_gone_chat is not null then
    v_moved := wa.merge_chats(p_session_id, v_kept_chat, v_gone_chat);
  end if;
  with renamed as (
    update messages m set sender_id = p_kept_id where m.session_id = p_session_id and m.sender_id = p_gone_id returning m.id
  )
  select v_moved || array_agg(r.id) into v_moved from renamed r;
  delete from message_receipts r using message_receipts k
  where r.session_id = p_session_id and r.contact_id = p_gone_id
    and k.session_id = p_session_id and k.message_row_id = r.message_row_id and k.contact_id = p_kept_id;
  update message_receipts r set contact_id = p_kept_id where r.session_id = p_session_id and r.contact_id = p_gone_id;
  update chats h set participants = replace(h.participants::text, p_gone_id::text, p_kept_id::text)::jsonb
  where h.session_id = p_session_id and h.participants @> jsonb_build_array(jsonb_build_object('contact_id', p_gone_id));
  delete from contacts c where c.session_id = p_session_id and c.id = p_gone_id returning * into v_gone;
  update contacts c set lid = coalesce(c.lid, v_gone.lid), phone = coalesce(c.phone, v_gone.phone), name = coalesce(c.name, v_gone.name),
    is_business = c.is_business or v_gone.is_business, is_on_whatsapp = coalesce(c.is_on_whatsapp, v_gone.is_on_whatsapp),
    checked_at = coalesce(c.checked_at, v_gone.checked_at), first_inbound_at = least(c.first_inbound_at, v_gone.first_inbound_at),
    first_outbound_at = least(c.first_outbound_at, v_gone.first_outbound_at), updated_at = now()
  where c.session_id = p_session_id and c.id = p_kept_id;
  -- An edit may meet its message, or its writer, only now.
  perform wa.tell_inbound(p_session_id, null, null, wa.apply_changes(p_session_id, v_moved));
end $$;

-- The messages of two chats in one; the rows that moved. What came twice, under both ids of the person, stays once, with content if one of
-- them has it.
create or replace function wa.merge_chats(p_session_id uuid, p_kept_id uuid, p_gone_id uuid) returns uuid[]
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_moved uuid[];
begin
  delete from messages m using messages g
  where m.session_id = p_session_id and m.chat_id = p_kept_id and m.type = 'undecryptable'
    and g.session_id = p_session_id and g.chat_id = p_gone_id and g.message_id = m.message_id and g.type <> 'undecryptable';
  delete from messages m using messages k
  where m.session_id = p_session_id and m.chat_id = p_gone_id
    and k.session_id = p_session_id and k.chat_id = p_kept_id and k.message_id = m.message_id;
  with moved as (
    update messages m set chat_id = p_kept_id where m.session_id = p_session_id and m.chat_id = p_gone_id returning m.id
  )
  select array_agg(id) into v_moved from moved;
  update chats c set last_message_at = greatest(c.last_message_at, g.last_message_at),
    unread = (select count(*) from messages m where m.session_id = p_session_id and m.chat_id = p_kept_id and m.direction = 'in'
      and m.status = 'received' and wa.is_shown(m.type))
  from chats g where c.session_id = p_session_id and c.id = p_kept_id and g.session_id = p_session_id and g.id = p_gone_id;
  delete from chats c where c.session_id = p_session_id and c.id = p_gone_id;
  return v_moved;
end $$;

-- The chat with a contact or of a group, made when there is none. The caller has the session's context.
create or replace function wa.resolve_chat(p_session_id uuid, p_kind text, p_contact_id uuid, p_group_id text) returns uuid
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_id uuid;
begin
  select c.id into v_id from chats c
  where c.session_id = p_session_id and case when p_kind = 'person' then c.contact_id = p_contact_id else c.group_id = p_group_id end;
  if v_id is null then
    insert into chats (id, session_id, kind, contact_id, group_id)
    values (app.uuidv7(), p_session_id, p_kind, case when p_kind = 'person' then p_contact_id end, case when p_kind <> 'person' then p_group_id end)
    on conflict do nothing returning id into v_id;
    if v_id is null then
      return wa.resolve_chat(p_session_id, p_kind, p_contact_id, p_group_id);
    end if;
  end if;
  return v_id;
end $$;

-- A person as every event and answer shows them: both ids.
create or replace function wa.contact_json(c wa.contacts) returns jsonb language sql stable parallel safe
  return case when (c).id is not null then jsonb_build_object('contact_id', (c).id, 'lid', (c).lid, 'phone', (c).phone, 'name', (c).name,
    'is_business', (c).is_business, 'is_on_whatsapp', (c).is_on_whatsapp) end;

-- A chat as every event and answer shows it.
create or replace function wa.chat_json(h wa.chats, c wa.contacts) returns jsonb language sql stable parallel safe
  return jsonb_build_object('chat_id', (h).id, 'kind', (h).kind, 'contact', wa.contact_json(c), 'group_id', (h).group_id, 'subject', (h).subject);

grant execute on function wa.resolve_contact, wa.merge_contacts, wa.merge_chats, wa.resolve_chat, wa.contact_json, wa.chat_json to wa_user;
