-- How far messages of ours are. What is said comes in any order and more than once: the highest that was ever said stands, and a failure
-- stands below whatever shows that the server took the message.
create or replace function wa.status_rank(p_status text) returns int language sql immutable parallel safe
  return array_position(array['queued', 'sent', 'failed', 'acked', 'delivered', 'read'], p_status);

-- Takes items (apps/wa-worker/src/outbound/status-item.ts) in their order, and tells the API of each change; answers
-- [{id, message_id, status}] of the messages that changed. A message that is not known is none of ours. The caller holds the session's lease.
create or replace function wa.take_statuses(p_session_id uuid, p_items jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_item jsonb;
  v_message messages;
  v_answer jsonb := '[]';
begin
  for v_item in select i.item from jsonb_array_elements(p_items) with ordinality as i (item, ord) order by i.ord loop
    if v_item ? 'id' then
      select * into v_message from messages m where m.session_id = p_session_id and m.id = (v_item ->> 'id')::uuid;
    else
      select * into v_message from messages m
      where m.session_id = p_session_id and m.message_id = v_item ->> 'message_id' and m.direction = 'out'
        and not (v_item ? 'from' and wa.is_of_others(m, v_item -> 'from')) order by m.seq limit 1;
    end if;
    continue when v_message.id is null;
    if v_item ? 'attempt' then
      perform wa.take_attempt(v_message, v_item -> 'attempt');
    else
      v_message := wa.take_status(v_message, wa.reached_status(v_message, v_item), (v_item ->> 'at')::timestamptz, v_item ->> 'error_code');
      if v_message.id is not null then
        v_answer := v_answer || jsonb_build_object('id', v_message.id, 'message_id', v_message.message_id, 'status', v_message.status);
      end if;
    end if;
  end loop;
  return v_answer;
end $$;

-- Whether a message went elsewhere than to p_from, the chat of whoever speaks of it: {group_id}, or {lid, phone} of a person, as far as they
-- are known. Its id is no proof that it was received.
create or replace function wa.is_of_others(m wa.messages, p_from jsonb) returns boolean
language plpgsql stable set search_path = wa, pg_temp as $$
begin
  return (select case when h.kind = 'person'
      then p_from ? 'group_id' or coalesce(c.lid <> p_from ->> 'lid', c.phone <> p_from ->> 'phone', false)
      else h.group_id is distinct from p_from ->> 'group_id' end
    from chats h left join contacts c on c.session_id = h.session_id and c.id = h.contact_id
    where h.session_id = (m).session_id and h.id = (m).chat_id);
end $$;

-- A message is about to leave: {proto (base64), is_cold}. What it is is fixed from now on, so that every attempt is the same message; the
-- first that begins a conversation counts against the budget of the day.
create or replace function wa.take_attempt(p_message wa.messages, p_attempt jsonb) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  update messages m set attempts = m.attempts + 1, proto = coalesce(m.proto, decode(p_attempt ->> 'proto', 'base64')), hold_reason = null,
    not_before = null
  where m.session_id = p_message.session_id and m.id = p_message.id;
  if p_message.attempts = 0 and (p_attempt ->> 'is_cold')::boolean then
    perform wa.count_usage(p_message.session_id, 0, 0, 0, 1);
  end if;
end $$;

-- The status that an item says a message has. Of a group each receipt is one participant's, and kept as such: the message is delivered, and
-- read, when all have it who are known to be in the group.
create or replace function wa.reached_status(p_message wa.messages, p_item jsonb) returns text
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_said constant text := p_item ->> 'status';
  v_chat chats;
  v_own contacts;
  v_lid constant text := substring(p_item -> 'participant' ->> 'lid' from '^[0-9]{1,32}$');
  v_phone constant text := substring(p_item -> 'participant' ->> 'phone' from '^[0-9]{5,20}$');
  v_missing record;
begin
  if v_said not in ('delivered', 'read', 'played') or not (p_item ? 'participant') then
    return case v_said when 'played' then 'read' else v_said end;
  end if;
  select * into v_chat from chats h where h.session_id = p_message.session_id and h.id = p_message.chat_id;
  if v_chat.kind = 'person' then
    return case v_said when 'played' then 'read' else v_said end;
  end if;
  if v_lid is null and v_phone is null then
    return 'acked';
  end if;
  insert into message_receipts as r (session_id, message_row_id, contact_id, status, at)
  values (p_message.session_id, p_message.id, wa.resolve_contact(p_message.session_id, v_lid, v_phone), v_said, (p_item ->> 'at')::timestamptz)
  on conflict (session_id, message_row_id, contact_id) do update set status = excluded.status, at = excluded.at
  where array_position(array['delivered', 'read', 'played'], excluded.status) > array_position(array['delivered', 'read', 'played'], r.status);

  select c.* into v_own from sessions s join contacts c on c.session_id = s.session_id and (c.lid = s.lid or c.phone = s.phone)
  where s.session_id = p_message.session_id limit 1;
  select count(*) filter (where r.contact_id is null) as delivered, count(*) filter (where r.status is distinct from 'read'
      and r.status is distinct from 'played') as read, count(*) as people into v_missing
  from jsonb_array_elements(case when jsonb_typeof(v_chat.participants) = 'array' then v_chat.participants else '[]' end) as p (person)
  left join message_receipts r on r.session_id = p_message.session_id and r.message_row_id = p_message.id
    and r.contact_id = (p.person ->> 'contact_id')::uuid
  where (p.person ->> 'contact_id')::uuid is distinct from v_own.id;
  return case
    -- Who is in it is not known yet: one speaks for all.
    when v_missing.people = 0 then case v_said when 'played' then 'read' else v_said end
    when v_missing.read = 0 then 'read'
    when v_missing.delivered = 0 then 'delivered'
    else 'acked' end;
end $$;

-- Brings a message to a status, if that is higher than its own, and tells the API. Null: nothing changed.
create or replace function wa.take_status(p_message wa.messages, p_status text, p_at timestamptz, p_error_code text) returns wa.messages
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_rank constant int := wa.status_rank(p_status);
  v_message messages;
begin
  update messages m set status = p_status, error_code = case when p_status = 'failed' then left(coalesce(p_error_code, 'whatsapp.failed'), 100) end,
    hold_reason = null, not_before = null,
    sent_at = case when p_status = 'failed' then m.sent_at else coalesce(m.sent_at, p_at) end,
    acked_at = case when v_rank >= wa.status_rank('acked') then coalesce(m.acked_at, p_at) end,
    delivered_at = case when v_rank >= wa.status_rank('delivered') then coalesce(m.delivered_at, p_at) end,
    read_at = case when v_rank >= wa.status_rank('read') then p_at end
  where m.session_id = p_message.session_id and m.id = p_message.id and v_rank > wa.status_rank(m.status)
  returning * into v_message;
  if v_message.id is null then
    return null;
  end if;
  if v_rank >= wa.status_rank('acked') and wa.status_rank(p_message.status) < wa.status_rank('acked') then
    perform wa.take_acceptance(v_message);
  end if;
  perform wa.append_event(m.session_id, 'message-status', jsonb_build_object('id', m.id, 'message_id', m.message_id,
    'chat', wa.chat_json(h, c), 'status', m.status, 'error_code', m.error_code, 'media', wa.media_json(d),
    'requested_by', m.requested_by, 'request_id', m.request_id, 'at', app.iso(p_at)), m.request_id, m.traceparent)
  from (select v_message.*) as m
  join chats h on h.session_id = m.session_id and h.id = m.chat_id
  left join contacts c on c.session_id = h.session_id and c.id = h.contact_id
  left join lateral (select f.* from media f where f.session_id = m.session_id and f.message_row_id = m.id limit 1) as d on true;
  return v_message;
end $$;

-- The server has taken a message: it counts, its conversation has begun, and what it changes is changed.
create or replace function wa.take_acceptance(p_message wa.messages) returns void
language plpgsql set search_path = wa, pg_temp as $$
begin
  perform wa.count_usage(p_message.session_id, 1, 0,
    coalesce((select sum(d.size) from media d where d.session_id = p_message.session_id and d.message_row_id = p_message.id), 0)::bigint, 0);
  update contacts c set first_outbound_at = p_message.at, is_on_whatsapp = true
  from chats h
  where h.session_id = p_message.session_id and h.id = p_message.chat_id and c.session_id = h.session_id and c.id = h.contact_id
    and c.first_outbound_at is null;
  if p_message.type in ('edit', 'delete') then
    perform wa.apply_changes(p_message.session_id, array[p_message.id]);
  end if;
end $$;

grant execute on function wa.status_rank, wa.is_of_others, wa.take_statuses, wa.take_attempt, wa.reached_status, wa.take_status, wa.take_acceptance to wa_user;
