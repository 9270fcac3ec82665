-- The partner on WhatsApp: who is linked to which contact of a session, and what a linked person wrote becomes a turn.

-- Whether a contact, as a worker tells of it, is the one that was linked. A LID is a person for good, a phone number can pass to another one,
-- and the row of a contact can go into another's.
create or replace function app.is_linked_contact(l app.whatsapp_links, p_contact jsonb) returns boolean language sql immutable parallel safe
  return case
    when (l).lid is not null and p_contact ->> 'lid' is not null then (l).lid = p_contact ->> 'lid'
    when (l).phone is not null and p_contact ->> 'phone' is not null then (l).phone = p_contact ->> 'phone'
    else (l).contact_id = (p_contact ->> 'contact_id')::uuid
  end;

-- Whether a link still counts: whoever leaves the workspace of the session, or becomes a guest, has none, unless the session is for anybody.
create or replace function app.whatsapp_link_stands(l app.whatsapp_links) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  if l.is_open then
    return exists (select from whatsapp_sessions s where s.id = l.session_id and s.desired_state <> 'deleted');
  end if;
  return exists (select from app.decide_whatsapp_access(l.user_id, l.session_id) d where d.role is not null);
end $$;

create or replace function app.whatsapp_link_json(l app.whatsapp_links, s app.whatsapp_sessions) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (l).id, 'session', jsonb_build_object('id', (s).id, 'phone', (s).phone, 'name', (s).name),
    'phone', (l).phone, 'lid', (l).lid, 'created_at', app.iso((l).created_at));

-- The session that somebody means who names none: the one for anybody, else their only one that is connected. Null: neither.
create or replace function app.meant_whatsapp_session(p_user_id uuid, p_open_session_id uuid) returns uuid
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_connected uuid[];
begin
  if exists (select from whatsapp_sessions s where s.id = p_open_session_id and s.desired_state <> 'deleted') then
    return p_open_session_id;
  end if;
  v_connected := array(
    select s.id from whatsapp_sessions s join workspaces w on w.id = s.workspace_id and w.deleted_at is null
    where s.desired_state = 'connected' and s.phone is not null and s.workspace_id = any (array(
      select o.id from workspaces o where o.owner_user_id = p_user_id
      union select m.workspace_id from workspace_members m where m.user_id = p_user_id and m.role <> 'guest'))
    limit 2);
  return case when cardinality(v_connected) = 1 then v_connected[1] end;
end $$;

-- A new code in place of the one before, by which a phone is linked to somebody. p_session_id null: the one that is meant.
-- p_open_session_id: the session to which anybody may link. Definer, since that one is of another workspace.
create or replace function app.create_whatsapp_link_code(p_user_id uuid, p_session_id uuid, p_open_session_id uuid, p_code_id uuid,
  p_code_hash bytea, p_life interval, p_request_id text) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_session whatsapp_sessions;
  v_session_id constant uuid := coalesce(p_session_id, app.meant_whatsapp_session(p_user_id, p_open_session_id));
  v_is_open constant boolean := v_session_id is not distinct from p_open_session_id;
  v_code whatsapp_link_codes;
begin
  if v_session_id is null then
    perform app.fail('PT400', 'request.invalid', 'Required: you have no session, or several, that are connected.', '{"pointer": "/session_id"}');
  end if;
  select s.* into v_session from whatsapp_sessions s
  where s.id = v_session_id and s.desired_state <> 'deleted'
    and (v_is_open or exists (select from app.decide_whatsapp_access(p_user_id, s.id) d where d.role is not null));
  if not found then
    perform app.fail('PT404', 'whatsapp.session_not_found', 'There is no such session.');
  end if;
  if v_session.phone is null then
    perform app.fail('PT409', 'whatsapp.not_connected', 'This session has no number to write to yet: connect it first.');
  end if;
  insert into whatsapp_link_codes as c (id, user_id, session_id, code_hash, is_open, expires_at)
  values (p_code_id, p_user_id, v_session_id, p_code_hash, v_is_open, now() + p_life)
  on conflict (user_id, session_id) do update set id = excluded.id, code_hash = excluded.code_hash, is_open = excluded.is_open,
    expires_at = excluded.expires_at, created_at = excluded.created_at
  returning * into v_code;
  perform app.append_person_audit(p_user_id, 'whatsapp_link_code.create', 'whatsapp_session', v_session_id::text, null,
    jsonb_build_object('expires_at', app.iso(v_code.expires_at)), p_request_id);
  return jsonb_build_object('expires_at', app.iso(v_code.expires_at),
    'session', jsonb_build_object('id', v_session.id, 'phone', v_session.phone, 'name', v_session.name));
end $$;

-- Those of one's links that count, the newest first. Definer, to name sessions of other workspaces.
create or replace function app.list_whatsapp_links(p_user_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (select coalesce(jsonb_agg(app.whatsapp_link_json(l, s) order by l.created_at desc, l.id desc), '[]')
    from whatsapp_links l join whatsapp_sessions s on s.id = l.session_id
    where l.user_id = p_user_id and app.whatsapp_link_stands(l));
end $$;

-- What somebody wrote and nobody will answer any more is not kept.
create or replace function app.drop_whatsapp_turns(p_user_id uuid, p_session_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update whatsapp_turns t set status = 'failed', error_code = 'whatsapp.link_not_found', content = null, lease_owner = null, done_at = now()
  where t.user_id = p_user_id and t.session_id = p_session_id and t.status = 'pending';
end $$;

-- These links are none any more, nor is what was written by them and is not answered yet. How many they were.
create or replace function app.end_whatsapp_links(p_link_ids uuid[], p_request_id text) returns int
language plpgsql set search_path = app, pg_temp as $$
declare
  v_link whatsapp_links;
  v_count int := 0;
begin
  for v_link in delete from whatsapp_links l where l.id = any (p_link_ids) returning * loop
    perform app.drop_whatsapp_turns(v_link.user_id, v_link.session_id);
    perform app.append_person_audit(v_link.user_id, 'whatsapp_link.delete', 'whatsapp_link', v_link.id::text,
      jsonb_build_object('session_id', v_link.session_id), null, p_request_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

create or replace function app.delete_whatsapp_link(p_user_id uuid, p_link_id uuid, p_request_id text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if app.end_whatsapp_links(array(select l.id from whatsapp_links l where l.user_id = p_user_id and l.id = p_link_id), p_request_id) = 0 then
    perform app.fail('PT404', 'whatsapp.link_not_found', 'There is no such link.');
  end if;
end $$;

-- ---------------------------------------------------------------- what comes in

-- What a message says in words; null: nothing.
create or replace function app.whatsapp_words(p_message jsonb) returns text language sql immutable parallel safe
  return (select w.words from (select case
      when p_message ->> 'type' = 'text' then p_message #>> '{content,text}'
      when p_message ->> 'type' in ('image', 'video', 'document') then p_message #>> '{content,caption}' end) w (words)
    where w.words ~ '\S');

-- What might be a code in a text: ten letters and digits, perhaps in two groups, in which no two look alike.
create or replace function app.whatsapp_codes(p_text text) returns text[] language sql immutable parallel safe
  return array(
    select distinct f.found[1] || f.found[2]
    from regexp_matches(upper(left(p_text, 500)), '(?<![A-Z0-9])([A-HJ-NP-Z2-9]{5})[ -]?([A-HJ-NP-Z2-9]{5})(?![A-Z0-9])', 'g') f (found)
    where f.found[1] || f.found[2] ~ '[2-9]' limit 5);

-- The link of a contact, if it still counts. One that does not is gone from here on; one whose contact is known by more by now, too.
create or replace function app.find_whatsapp_link(p_session_id uuid, p_contact jsonb, p_request_id text) returns app.whatsapp_links
language plpgsql set search_path = app, pg_temp as $$
declare
  v_contact_id constant uuid := p_contact ->> 'contact_id';
  v_link whatsapp_links;
begin
  select l.* into v_link from whatsapp_links l
  where l.session_id = p_session_id and (l.contact_id = v_contact_id or l.lid = p_contact ->> 'lid' or l.phone = p_contact ->> 'phone')
    and app.is_linked_contact(l, p_contact)
  order by (l.lid is not distinct from p_contact ->> 'lid') desc, (l.contact_id = v_contact_id) desc limit 1 for no key update;
  if v_link.id is null then
    return null;
  end if;
  if not app.whatsapp_link_stands(v_link) then
    perform app.end_whatsapp_links(array[v_link.id], p_request_id);
    return null;
  end if;
  if (v_link.contact_id, v_link.lid, v_link.phone) is distinct from
      (v_contact_id, coalesce(p_contact ->> 'lid', v_link.lid), coalesce(p_contact ->> 'phone', v_link.phone)) then
    update whatsapp_links l set lid = coalesce(p_contact ->> 'lid', l.lid), phone = coalesce(p_contact ->> 'phone', l.phone),
      contact_id = case when exists (select from whatsapp_links o where o.session_id = p_session_id and o.contact_id = v_contact_id and o.id <> l.id)
        then l.contact_id else v_contact_id end
    where l.id = v_link.id returning * into v_link;
  end if;
  return v_link;
end $$;

-- Links a contact to whoever has a live code of this session in their text; null: nobody. A code counts once. What was linked to the person
-- or to the contact before is so no more: the one has the code, the other the phone. After five texts that only look like codes a contact
-- is not listened to for an hour.
create or replace function app.use_whatsapp_code(p_session_id uuid, p_message jsonb, p_text text, p_request_id text) returns app.whatsapp_links
language plpgsql set search_path = app, pg_temp as $$
declare
  v_contact constant jsonb := p_message -> 'sender';
  v_contact_id constant uuid := v_contact ->> 'contact_id';
  v_codes constant text[] := app.whatsapp_codes(p_text);
  v_code whatsapp_link_codes;
  v_link whatsapp_links;
begin
  if v_codes = '{}' or exists (select from whatsapp_link_misses m where m.session_id = p_session_id and m.contact_id = v_contact_id
      and m.misses >= 5 and m.began_at > now() - interval '1 hour') then
    return null;
  end if;
  delete from whatsapp_link_codes c where c.id = (
    select o.id from whatsapp_link_codes o
    where o.session_id = p_session_id and o.expires_at > now()
      and o.code_hash = any (array(select sha256(convert_to('whatsapp.link:' || v, 'UTF8')) from unnest(v_codes) v))
    limit 1 for update)
  returning * into v_code;
  v_link := (app.uuidv7(), v_code.user_id, p_session_id, v_contact_id, (p_message #>> '{chat,chat_id}')::uuid, v_contact ->> 'phone',
    v_contact ->> 'lid', v_code.is_open, null, now());
  if v_code.id is null or not app.whatsapp_link_stands(v_link) then
    insert into whatsapp_link_misses as m (session_id, contact_id) values (p_session_id, v_contact_id)
    on conflict (session_id, contact_id) do update set
      misses = case when m.began_at > now() - interval '1 hour' then m.misses + 1 else 1 end,
      began_at = case when m.began_at > now() - interval '1 hour' then m.began_at else now() end;
    return null;
  end if;
  perform app.end_whatsapp_links(array(
    select l.id from whatsapp_links l
    where l.session_id = p_session_id and (l.user_id = v_link.user_id or l.contact_id = v_contact_id
      or ((l.lid = v_contact ->> 'lid' or l.phone = v_contact ->> 'phone') and app.is_linked_contact(l, v_contact)))), p_request_id);
  insert into whatsapp_links select (v_link).*;
  perform app.append_person_audit(v_link.user_id, 'whatsapp_link.create', 'whatsapp_link', v_link.id::text, null,
    jsonb_build_object('session_id', p_session_id), p_request_id);
  insert into outbox (id, topic, user_id, payload, request_id)
  select app.uuidv7(), 'me.deliver', v_link.user_id, jsonb_build_object('user_id', v_link.user_id, 'type', 'whatsapp.link',
    'link', app.whatsapp_link_json(v_link, s), 'request_id', p_request_id), p_request_id
  from whatsapp_sessions s where s.id = p_session_id;
  return v_link;
end $$;

-- Has the jobs say one of the house's lines in a chat. p_user_id null: to nobody who is known. The key follows from what it answers.
create or replace function app.say_on_whatsapp(p_session app.whatsapp_sessions, p_item jsonb, p_user_id uuid, p_line text, p_key text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, payload, request_id, traceparent)
  values (app.uuidv7(), 'whatsapp.say', p_session.workspace_id, jsonb_build_object('session_id', p_session.id,
    'chat_id', p_item #> '{data,message,chat,chat_id}', 'user_id', p_user_id, 'line', p_line, 'idempotency_key', p_key),
    p_item ->> 'request_id', p_item ->> 'traceparent');
end $$;

-- Whether a contact is the number of another session here, to which that one's number of ours is linked: two that answer each other would
-- never end.
create or replace function app.is_whatsapp_echo(p_session app.whatsapp_sessions, p_contact jsonb) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return exists (
    select from whatsapp_sessions s join whatsapp_links l on l.session_id = s.id
    where (s.phone = p_contact ->> 'phone' or s.lid = p_contact ->> 'lid') and s.id <> p_session.id
      and (l.phone = p_session.phone or l.lid = p_session.lid));
end $$;

-- What a person wrote to a session, once for each message: p_item as the worker told it (message-inbound), in the transaction that takes it.
-- Only what one person says in a chat with one: a code links them, the words of whoever is linked become a turn, others are told once that
-- they are not.
create or replace function app.take_whatsapp_inbound(p_session app.whatsapp_sessions, p_item jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_message constant jsonb := p_item #> '{data,message}';
  v_contact constant jsonb := v_message -> 'sender';
  v_chat_id constant uuid := v_message #>> '{chat,chat_id}';
  v_words constant text := app.whatsapp_words(v_message);
  v_key constant text := concat_ws(':', p_session.id, v_chat_id, v_message ->> 'message_id');
  -- That wait in a chat: whoever writes faster than they are answered is told so.
  v_max_waiting constant int := 20;
  v_refusal text := case when char_length(v_words) > 32000 then 'turn.too_long' end;
  v_is_told boolean := false;
  v_link whatsapp_links;
  v_is_link boolean;
begin
  if p_session.desired_state = 'deleted' or p_item #>> '{data,change}' not in ('new', 'resolved') or v_message ->> 'direction' <> 'in'
    or v_message #>> '{chat,kind}' <> 'person' or v_contact ->> 'contact_id' is null or v_message ->> 'deleted_at' is not null
    or v_contact ->> 'contact_id' is distinct from v_message #>> '{chat,contact,contact_id}'
    or v_message ->> 'type' not in ('text', 'image', 'video', 'audio', 'voice', 'document', 'sticker', 'location', 'live_location', 'contact', 'poll') then
    return;
  end if;
  v_link := app.use_whatsapp_code(p_session.id, v_message, v_words, p_item ->> 'request_id');
  v_is_link := v_link.id is not null;
  if not v_is_link then
    v_link := app.find_whatsapp_link(p_session.id, v_contact, p_item ->> 'request_id');
  end if;
  if v_link.id is null then
    if p_session.unlinked_reply is not null then
      insert into whatsapp_greetings (session_id, contact_id) values (p_session.id, (v_contact ->> 'contact_id')::uuid) on conflict do nothing;
      if found then
        perform app.say_on_whatsapp(p_session, p_item, null, 'unlinked', 'greeting:' || (v_contact ->> 'contact_id'));
      end if;
    end if;
    return;
  end if;
  if app.is_whatsapp_echo(p_session, v_contact) then
    return;
  end if;
  if v_words is null then
    update whatsapp_links l set text_only_at = now()
    where l.id = v_link.id and (l.text_only_at is null or l.text_only_at < now() - interval '1 day');
    if found then
      perform app.say_on_whatsapp(p_session, p_item, v_link.user_id, 'text_only', 'text_only:' || v_key);
    end if;
    return;
  end if;
  if v_refusal is null and not v_is_link and (select count(*) from whatsapp_turns t
      where t.session_id = p_session.id and t.chat_id = v_chat_id and t.status = 'pending') >= v_max_waiting then
    v_refusal := 'whatsapp.too_many';
    v_is_told := exists (select from whatsapp_turns t where t.session_id = p_session.id and t.chat_id = v_chat_id
      and t.error_code = v_refusal and t.done_at > now() - interval '1 hour');
  end if;
  insert into whatsapp_turns (id, user_id, session_id, chat_id, message_id, content, status, error_code, request_id, traceparent, created_at, done_at)
  values (app.uuidv7(), v_link.user_id, p_session.id, v_chat_id, v_message ->> 'message_id',
    case when not v_is_link and v_refusal is null then v_words end,
    case when v_is_link then 'answered' when v_refusal is not null then 'failed' else 'pending' end, v_refusal,
    p_item ->> 'request_id', p_item ->> 'traceparent', clock_timestamp(), case when v_is_link or v_refusal is not null then now() end)
  on conflict (session_id, chat_id, message_id) do nothing;
  if v_is_link then
    perform app.say_on_whatsapp(p_session, p_item, v_link.user_id, 'linked', 'link:' || v_link.id);
  elsif found and v_refusal is not null then
    if not v_is_told then
      perform app.say_on_whatsapp(p_session, p_item, v_link.user_id, split_part(v_refusal, '.', 2), 'turn:' || v_key);
    end if;
  elsif found then
    insert into outbox (id, topic, workspace_id, payload, request_id, traceparent)
    values (app.uuidv7(), 'whatsapp.turn', p_session.workspace_id, jsonb_build_object('session_id', p_session.id, 'chat_id', v_chat_id),
      p_item ->> 'request_id', p_item ->> 'traceparent');
  end if;
end $$;

grant execute on function app.create_whatsapp_link_code, app.list_whatsapp_links, app.delete_whatsapp_link to app_user;
