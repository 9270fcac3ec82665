-- What came in: journaled once, whatever comes twice, under whichever of a person's two ids.

-- A row for everybody who is named in p_items ({chat, sender} of each), by resolve_contact, which also brings both ids together.
-- Whoever is known already, by these ids and this name, costs one look at an index.
create or replace function wa.resolve_people(p_session_id uuid, p_items jsonb) returns void
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_person record;
  v_contact_id uuid;
begin
  for v_person in
    with named as (
      select i.chat ->> 'lid' as lid, i.chat ->> 'phone' as phone, null as name, false as is_business, i.ord
      from rows from (jsonb_to_recordset(p_items) as (chat jsonb)) with ordinality as i (chat, ord)
      where i.chat ->> 'kind' = 'person'
      union all
      select i.sender ->> 'lid', i.sender ->> 'phone', left(i.sender ->> 'name', 200),
        coalesce((i.sender ->> 'is_business')::boolean, false), i.ord
      from rows from (jsonb_to_recordset(p_items) as (sender jsonb)) with ordinality as i (sender, ord)
    ), people as (
      select n.lid, n.phone, (array_agg(n.name order by n.ord desc) filter (where n.name is not null))[1] as name,
        bool_or(n.is_business) as is_business, min(n.ord) as ord
      from named n where n.lid is not null or n.phone is not null group by n.lid, n.phone
    )
    select p.* from people p
    where not exists (select from contacts c where c.session_id = p_session_id and c.lid = p.lid
        and (p.phone is null or c.phone = p.phone) and (p.name is null or c.name = p.name) and c.is_business >= p.is_business)
      and (p.lid is not null or not exists (select from contacts c where c.session_id = p_session_id and c.phone = p.phone
        and (p.name is null or c.name = p.name) and c.is_business >= p.is_business))
    order by p.ord
  loop
    v_contact_id := wa.resolve_contact(p_session_id, v_person.lid, v_person.phone, v_person.name);
    if v_person.is_business then
      update contacts c set is_business = true where c.session_id = p_session_id and c.id = v_contact_id;
    end if;
  end loop;
end $$;

-- Takes items (apps/wa-worker/src/inbound/item.ts) in their order, and tells the API what changed by them; answers
-- [{id, message_id, change, has_media}]. What is there already changes nothing; a stub takes the content that comes later.
-- The caller holds the session's lease.
create or replace function wa.take_inbound(p_session_id uuid, p_items jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_chats uuid[];
  v_senders uuid[];
  v_new uuid[];
  v_resolved uuid[];
  v_quiet uuid[];
  v_fresh uuid[];
  v_received int;
  v_answer jsonb;
begin
  perform wa.resolve_people(p_session_id, p_items);
  -- Only now, since two rows of one person may just have become one.
  select array_agg(coalesce(
      (select c.id from contacts c where c.session_id = p_session_id and c.lid = i.sender ->> 'lid'),
      (select c.id from contacts c where c.session_id = p_session_id and c.phone = i.sender ->> 'phone')) order by i.ord)
  into v_senders
  from rows from (jsonb_to_recordset(p_items) as (sender jsonb)) with ordinality as i (sender, ord);
  v_chats := wa.resolve_chats(p_session_id, p_items);

  with items as (
    select p.chat_id, p.sender_id, i.* from unnest(v_chats, v_senders) with ordinality as p (chat_id, sender_id, ord)
    join rows from (jsonb_to_recordset(p_items) as (from_me boolean, message_id text, at timestamptz, type text, content jsonb, proto text,
        quoted_message_id text, media jsonb, is_history boolean, is_read boolean, status text))
      with ordinality as i (from_me, message_id, at, type, content, proto, quoted_message_id, media, is_history, is_read, status, ord) using (ord)
  ), firsts as (
    select distinct on (i.chat_id, i.message_id) i.* from items i
    where i.chat_id is not null order by i.chat_id, i.message_id, i.type = 'undecryptable', i.ord
  ), taken as (
    insert into messages as m (id, session_id, chat_id, message_id, direction, sender_id, type, content, proto, quoted_message_id,
      status, at, acked_at, read_at)
    select app.uuidv7(), p_session_id, f.chat_id, f.message_id, case when f.from_me then 'out' else 'in' end,
      case when not f.from_me then f.sender_id end, left(f.type, 32), f.content, decode(f.proto, 'base64'), left(f.quoted_message_id, 128),
      case when f.from_me then coalesce(f.status, 'acked') when f.is_history or f.is_read then 'read' else 'received' end,
      f.at, case when f.from_me then f.at end, case when not f.from_me and f.is_read then now() end
    from firsts f order by f.ord
    on conflict (session_id, chat_id, message_id) do update set type = excluded.type, content = excluded.content, proto = excluded.proto,
      quoted_message_id = excluded.quoted_message_id, sender_id = excluded.sender_id, deleted_at = case when excluded.type = 'protocol' then now() end
    where m.type = 'undecryptable' and excluded.type <> 'undecryptable'
      and m.direction = excluded.direction
      -- Nobody fills in what somebody else wrote; two of whom each is known by the other name may be one.
      and (m.sender_id is not distinct from excluded.sender_id or exists (select from contacts a, contacts b
        where a.session_id = p_session_id and a.id = m.sender_id and b.session_id = p_session_id and b.id = excluded.sender_id
          and (a.lid is null or b.lid is null) and (a.phone is null or b.phone is null)))
    returning m.id, m.chat_id, m.message_id, m.direction, m.type, m.status, m.at, m.xmax = 0 as is_new
  ), changes as (
    select t.*, f.media, coalesce(f.is_history, false) as is_history, wa.is_shown(t.type) as is_shown, h.contact_id,
      t.direction = 'in' and t.status = 'received' as is_unread
    from taken t join firsts f using (chat_id, message_id) join chats h on h.session_id = p_session_id and h.id = t.chat_id
  ), files as (
    insert into media (id, session_id, message_row_id, direction, kind, media_type, file_name, size, sha256, status, error)
    select app.uuidv7(), p_session_id, c.id, 'in', c.media ->> 'kind', left(c.media ->> 'media_type', 127),
      left(c.media ->> 'file_name', 255), (c.media ->> 'size')::bigint, decode(c.media ->> 'sha256', 'base64'),
      case when c.is_history then 'failed' else 'pending' end, case when c.is_history then 'history' end
    from changes c where c.media is not null
  ), chats_moved as (
    update chats h set unread = greatest(0, h.unread + g.unread), last_message_at = greatest(h.last_message_at, g.at)
    from (select c.chat_id, max(c.at) filter (where c.is_shown) as at,
        count(*) filter (where c.is_new and c.is_shown and c.is_unread) - count(*) filter (where not c.is_new and not c.is_shown and c.is_unread) as unread
      from changes c group by c.chat_id) g
    where h.session_id = p_session_id and h.id = g.chat_id
  ), people_met as (
    update contacts p set first_inbound_at = least(p.first_inbound_at, g.inbound_at), first_outbound_at = least(p.first_outbound_at, g.outbound_at)
    from (select c.contact_id, min(c.at) filter (where c.direction = 'in') as inbound_at, min(c.at) filter (where c.direction = 'out') as outbound_at
      from changes c where c.is_shown and c.contact_id is not null group by c.contact_id) g
    where p.session_id = p_session_id and p.id = g.contact_id
      and (g.inbound_at < coalesce(p.first_inbound_at, 'infinity') or g.outbound_at < coalesce(p.first_outbound_at, 'infinity'))
  )
  select array_agg(c.id) filter (where c.is_new and not c.is_history), array_agg(c.id) filter (where not c.is_new and not c.is_history),
    array_agg(c.id) filter (where c.is_history),
    count(*) filter (where c.is_new and not c.is_history and c.direction = 'in' and c.type <> 'protocol'),
    jsonb_agg(jsonb_build_object('id', c.id, 'message_id', c.message_id, 'change', case when c.is_new then 'new' else 'resolved' end,
      'has_media', c.media is not null and not c.is_history))
  into v_new, v_resolved, v_quiet, v_received, v_answer
  from changes c;

  if v_answer is null then
    return '[]';
  end if;
  if v_received > 0 then
    perform wa.count_usage(p_session_id, 0, v_received, 0, 0);
  end if;
  v_fresh := v_new || v_resolved || v_quiet;
  -- Of those nobody knows anything yet: what has changed them shows in their own event.
  perform wa.tell_inbound(p_session_id, v_new, v_resolved, wa.apply_changes(p_session_id, v_fresh) - v_fresh::text[]);
  return v_answer;
end $$;

-- The chat of each item, in their order; those that are not there are made. Everybody has a row by now.
create or replace function wa.resolve_chats(p_session_id uuid, p_items jsonb) returns uuid[]
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  v_contacts uuid[];
  v_chats uuid[];
begin
  select array_agg(case when i.chat ->> 'kind' = 'person' then coalesce(
      (select c.id from contacts c where c.session_id = p_session_id and c.lid = i.chat ->> 'lid'),
      (select c.id from contacts c where c.session_id = p_session_id and c.phone = i.chat ->> 'phone')) end order by i.ord)
  into v_contacts
  from rows from (jsonb_to_recordset(p_items) as (chat jsonb)) with ordinality as i (chat, ord);
  loop
    select array_agg(case when i.chat ->> 'kind' = 'person'
        then (select h.id from chats h where h.session_id = p_session_id and h.contact_id = p.contact_id)
        else (select h.id from chats h where h.session_id = p_session_id and h.group_id = left(i.chat ->> 'group_id', 64)) end order by ord)
    into v_chats
    from unnest(v_contacts) with ordinality as p (contact_id, ord)
    join rows from (jsonb_to_recordset(p_items) as (chat jsonb)) with ordinality as i (chat, ord) using (ord);
    exit when array_position(v_chats, null) is null;
    insert into chats (id, session_id, kind, contact_id, group_id)
    select app.uuidv7(), p_session_id, k.kind, k.contact_id, k.group_id
    from (select distinct i.chat ->> 'kind' as kind, p.contact_id,
        case when i.chat ->> 'kind' <> 'person' then left(i.chat ->> 'group_id', 64) end as group_id
      from unnest(v_contacts, v_chats) with ordinality as p (contact_id, chat_id, ord)
      join rows from (jsonb_to_recordset(p_items) as (chat jsonb)) with ordinality as i (chat, ord) using (ord)
      where p.chat_id is null) k
    where k.contact_id is not null or k.group_id is not null
    on conflict do nothing;
    -- Of nobody: there is no chat to make.
    exit when not found;
  end loop;
  return v_chats;
end $$;

-- Whether a type is a message that people see in the chat; the others change one, or are of the protocol.
create or replace function wa.is_shown(p_type text) returns boolean language sql immutable parallel safe
  return p_type not in ('reaction', 'edit', 'delete', 'poll_vote', 'protocol');

-- An event for each row that is new or resolved, and for each that was changed ({id: {change, seq}}), in the order in which that came.
create or replace function wa.tell_inbound(p_session_id uuid, p_new uuid[], p_resolved uuid[], p_changed jsonb) returns void
language plpgsql set search_path = wa, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform wa.append_event(p_session_id, 'message-inbound', jsonb_build_object('change', e.change, 'message', e.message))
  from (
    select case when t.change = 'resolved' and m.type = 'protocol' then 'deleted' else t.change end as change, wa.message_json(m) as message from (
      select n.id, 'new' as change, null::bigint as seq from unnest(p_new) as n (id)
      union all
      select r.id, 'resolved', null from unnest(p_resolved) as r (id)
      union all
      select c.key::uuid, c.value ->> 'change', (c.value ->> 'seq')::bigint from jsonb_each(p_changed) as c
    ) t
    join messages m on m.session_id = p_session_id and m.id = t.id
    -- What only changes another message is told as that change.
    where not (t.change = 'new' and m.type in ('edit', 'delete', 'protocol'))
    order by coalesce(t.seq, m.seq)
  ) e;
end $$;

-- Of what came before: {proto} in base64, of the message that a stanza is about, as the same sender sent it; null when there is none, or
-- its content has not come. proto is null where it was deleted since. p_stanza: {chat, sender, from_me, message_id} of an item.
create or replace function wa.find_journaled(p_session_id uuid, p_stanza jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
declare
  v_answer jsonb;
begin
  perform wa.set_session_context(p_session_id);
  select jsonb_build_object('proto', encode(m.proto, 'base64')) into v_answer
  from messages m
  join chats h on h.session_id = p_session_id and h.id = m.chat_id
  left join contacts c on c.session_id = p_session_id and c.id = h.contact_id
  left join contacts s on s.session_id = p_session_id and s.id = m.sender_id
  where m.session_id = p_session_id and m.message_id = p_stanza ->> 'message_id' and m.type <> 'undecryptable'
    and m.direction = case when (p_stanza ->> 'from_me')::boolean then 'out' else 'in' end
    and (h.group_id = left(p_stanza -> 'chat' ->> 'group_id', 64) or c.lid = p_stanza -> 'chat' ->> 'lid' or c.phone = p_stanza -> 'chat' ->> 'phone')
    and (m.sender_id is null or s.lid = p_stanza -> 'sender' ->> 'lid' or s.phone = p_stanza -> 'sender' ->> 'phone')
  limit 1;
  return v_answer;
end $$;

grant execute on function wa.resolve_people, wa.resolve_chats, wa.take_inbound, wa.is_shown, wa.tell_inbound, wa.find_journaled to wa_user;
