-- The own phone has opened messages, by WhatsApp's ids. Raises lease.lost.
create or replace function wa.take_read(p_session_id uuid, p_worker_id uuid, p_generation bigint, p_message_ids text[]) returns void
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_chats uuid[];
begin
  perform wa.hold_lease(p_session_id, p_worker_id, p_generation);
  with opened as (
    update messages m set status = 'read', read_at = now()
    where m.session_id = p_session_id and m.message_id = any (p_message_ids) and m.direction = 'in' and m.status = 'received'
    returning m.chat_id
  )
  select array_agg(distinct o.chat_id) into v_chats from opened o;
  update chats h set unread = (select count(*) from messages m
    where m.session_id = p_session_id and m.chat_id = h.id and m.direction = 'in' and m.status = 'received' and wa.is_shown(m.type))
  where h.session_id = p_session_id and h.id = any (v_chats);
end $$;

grant execute on function wa.take_read to wa_user;
