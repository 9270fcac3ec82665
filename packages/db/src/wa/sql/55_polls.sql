-- A poll by WhatsApp's id in the chat of a stanza ({chat} of an item): {proto} in base64, and who made it: {from_me, creator: {lid, phone}}.
-- Null: it is not known.
create or replace function wa.find_poll(p_session_id uuid, p_chat jsonb, p_message_id text) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  select jsonb_build_object('proto', encode(m.proto, 'base64'), 'from_me', m.direction = 'out',
    'creator', jsonb_build_object('lid', s.lid, 'phone', s.phone)) into v_answer
  from messages m
  join chats h on h.session_id = p_session_id and h.id = m.chat_id
  left join contacts c on c.session_id = p_session_id and c.id = h.contact_id
  left join contacts s on s.session_id = p_session_id and s.id = m.sender_id
  where m.session_id = p_session_id and m.message_id = p_message_id and m.type = 'poll' and m.proto is not null
    and (h.group_id = left(p_chat ->> 'group_id', 64) or c.lid = p_chat ->> 'lid' or c.phone = p_chat ->> 'phone')
  limit 1;
  return v_answer;
end $$;

grant execute on function wa.find_poll to wa_user;
