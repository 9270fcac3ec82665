create or replace function app.message_json(m app.chat_messages) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (m).id, 'context_id', (m).context_id, 'seq', (m).seq, 'role', (m).role, 'author_name', (m).author_name,
    'content', (m).content, 'source', (m).source, 'import_source', (m).import_source, 'external_id', (m).external_id, 'run_id', (m).run_id,
    'finish_reason', (m).finish_reason, 'language', (m).language, 'mentions', (m).mentions, 'created_at', app.iso((m).created_at));

-- What was said, by (created_at, seq): of one context, or (p_context_id null) of all. p_filter: role, source, from (inclusive), to
-- (exclusive). The cursor is the row after which, or when not p_is_ascending before which, to read on.
create or replace function app.list_messages(p_user_id uuid, p_context_id uuid, p_filter jsonb, p_is_ascending boolean,
  p_cursor_at timestamptz, p_cursor_seq bigint, p_limit int)
returns table (message jsonb, created_at timestamptz, seq bigint)
-- A plan for each call: what is not asked for folds away, and what is left finds its index.
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  v_role constant text := p_filter ->> 'role';
  v_source constant text := p_filter ->> 'source';
  v_from constant timestamptz := coalesce((p_filter ->> 'from')::timestamptz, '-infinity');
  v_to constant timestamptz := coalesce((p_filter ->> 'to')::timestamptz, 'infinity');
begin
  perform app.set_user_context(p_user_id);
  if p_context_id is not null then
    perform app.find_context(p_user_id, p_context_id);
  end if;
  if p_is_ascending then
    return query
      select app.message_json(m), m.created_at, m.seq from chat_messages m
      where m.user_id = p_user_id and (p_context_id is null or m.context_id = p_context_id)
        and m.created_at >= v_from and m.created_at < v_to
        and (m.created_at, m.seq) > (coalesce(p_cursor_at, '-infinity'), coalesce(p_cursor_seq, 0))
        and (v_role is null or m.role = v_role) and (v_source is null or m.source = v_source)
      order by m.created_at, m.seq limit p_limit;
  else
    return query
      select app.message_json(m), m.created_at, m.seq from chat_messages m
      where m.user_id = p_user_id and (p_context_id is null or m.context_id = p_context_id)
        and m.created_at >= v_from and m.created_at < v_to
        and (m.created_at, m.seq) < (coalesce(p_cursor_at, 'infinity'), coalesce(p_cursor_seq, 0))
        and (v_role is null or m.role = v_role) and (v_source is null or m.source = v_source)
      order by m.created_at desc, m.seq desc limit p_limit;
  end if;
end $$;

-- The caller has the person's context.
create or replace function app.find_message(p_user_id uuid, p_message_id uuid) returns app.chat_messages
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_message chat_messages;
begin
  select * into v_message from chat_messages m where m.user_id = p_user_id and m.id = p_message_id;
  if not found then
    perform app.fail('PT404', 'chat.message_not_found', 'There is no such message.');
  end if;
  return v_message;
end $$;

-- What an answer cites, by its numbers there.
create or replace function app.message_citations(p_user_id uuid, p_run_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('index', i.citation, 'kind', i.kind, 'id', i.item_id, 'leg', i.leg, 'score', i.score)
      order by i.citation), '[]')
    from agent_runs r, jsonb_array_elements(r.citations) c, context_items i, agent_steps s
    where r.user_id = p_user_id and r.id = p_run_id and i.user_id = p_user_id and i.run_id = p_run_id
      and i.citation = (c.value ->> 'index')::int and i.is_included
      -- Each attempt has numbers of its own.
      and s.user_id = p_user_id and s.id = i.step_id and s.attempt = r.attempt);
end $$;

create or replace function app.get_message(p_user_id uuid, p_message_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_message chat_messages;
begin
  perform app.set_user_context(p_user_id);
  v_message := app.find_message(p_user_id, p_message_id);
  return app.message_json(v_message) || jsonb_build_object('citations',
    case v_message.role when 'assistant' then app.message_citations(p_user_id, v_message.run_id) else '[]' end);
end $$;

-- Messages to be indexed and embedded anew: others stand beside them. Definer, since nobody writes the queue; only this person's.
create or replace function app.requeue_messages(p_user_id uuid, p_message_ids uuid[]) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into embedding_queue as q (subject_type, subject_id, user_id, priority)
  select 'message', m.id, m.user_id, 1 from chat_messages m where m.user_id = p_user_id and m.id = any (p_message_ids)
  on conflict on constraint embedding_queue_key do update set revision = excluded.revision, is_indexed = false, attempts = 0,
    available_at = least(q.available_at, excluded.available_at), last_error = null;
end $$;

-- The messages beside these in their contexts, which are none of these.
create or replace function app.neighbours_of(p_user_id uuid, p_message_ids uuid[]) returns uuid[]
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return array(
    select distinct n.id from chat_messages m
    -- By context and time together: by time alone the messages of all contexts would be read until one of this comes.
    cross join lateral (
      (select b.id, b.context_id from chat_messages b where b.user_id = p_user_id
        and (b.context_id, b.created_at, b.seq) < (m.context_id, m.created_at, m.seq)
        order by b.context_id desc, b.created_at desc, b.seq desc limit 1)
      union all
      (select a.id, a.context_id from chat_messages a where a.user_id = p_user_id
        and (a.context_id, a.created_at, a.seq) > (m.context_id, m.created_at, m.seq) order by a.context_id, a.created_at, a.seq limit 1)
    ) n
    where m.user_id = p_user_id and m.id = any (p_message_ids) and n.context_id = m.context_id and n.id <> all (p_message_ids));
end $$;

-- Of two contexts that become one: the messages of the second that get another neighbour. (Those of the first move, and are indexed anew.)
create or replace function app.merged_windows(p_user_id uuid, p_context_id uuid, p_into_context_id uuid) returns uuid[]
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return array(
    select w.id from (
      select m.id, m.context_id, lag(m.context_id) over o as before, lead(m.context_id) over o as after from chat_messages m
      where m.user_id = p_user_id and m.context_id in (p_context_id, p_into_context_id) window o as (order by m.created_at, m.seq)
    ) w
    where w.context_id = p_into_context_id and p_context_id in (w.before, w.after));
end $$;

-- The index knows in which context a message stands. Definer, since nobody writes it; only this person's.
create or replace function app.move_message_terms(p_user_id uuid, p_context_id uuid, p_into_context_id uuid, p_message_ids uuid[] default null)
returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not exists (select from chat_contexts c where c.user_id = p_user_id and c.id = p_into_context_id) then
    perform app.fail('PT404', 'chat.context_not_found', 'There is no such context.');
  end if;
  if p_message_ids is null then
    update message_terms t set context_id = p_into_context_id where t.user_id = p_user_id and t.context_id = p_context_id;
  else
    update message_terms t set context_id = p_into_context_id where t.user_id = p_user_id and t.message_id = any (p_message_ids);
  end if;
end $$;

-- A client's key as it is kept when the words of its run are deleted: whoever comes again with it is known, and it says nothing.
create or replace function app.hidden_key(p_user_id uuid, p_key text) returns text language sql immutable parallel safe
  return '#' || encode(sha256(convert_to(p_user_id::text || p_key, 'UTF8')), 'hex');

-- Of runs whose words are deleted only numbers stay; hashes are of words, too. The caller has the person's context.
create or replace function app.clear_runs(p_user_id uuid, p_run_ids uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  delete from tool_calls t where t.user_id = p_user_id and t.run_id = any (p_run_ids);
  update agent_steps s set input_hash = null where s.user_id = p_user_id and s.run_id = any (p_run_ids) and s.input_hash is not null;
  update agent_runs r set judgement = r.judgement - 'title', error_detail = null, request_hash = '',
    idempotency_key = case when r.request_hash = '' then r.idempotency_key else app.hidden_key(p_user_id, r.idempotency_key) end
  where r.user_id = p_user_id and r.id = any (p_run_ids);
end $$;

-- Runs of which Redis may still hold what they told: of sources that they cited, of tools, of the title that they gave. One that is under
-- way tells on. The caller has the person's context.
create or replace function app.told_runs(p_user_id uuid) returns uuid[]
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return array(select r.id from agent_runs r
    where r.user_id = p_user_id and r.status <> 'running' and greatest(r.started_at, r.finished_at) > now() - interval '2 hours'
    order by r.started_at desc limit 2000);
end $$;

-- What was answered under a key tells of a context as it is now, or (it is gone) of none. The caller has the person's context.
create or replace function app.cut_context_answers(p_user_id uuid, p_context_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update idempotency_keys k set result = k.result || coalesce(
    (select jsonb_build_object('title', c.title, 'titled_by', c.titled_by, 'summary', c.summary) from chat_contexts c
      where c.user_id = p_user_id and c.id = p_context_id),
    '{"title": "Untitled", "titled_by": "rules", "summary": null, "import_source": null, "external_id": null}')
  where k.user_id = p_user_id and k.operation in ('chat_context.create', 'chat_context.merge') and k.result ->> 'id' = p_context_id::text;
end $$;

-- What else names messages that are to go: the ledger forgets which they were, and a memory that was taken from one stays without its
-- quote. The caller has the person's context.
create or replace function app.cut_message_traces(p_user_id uuid, p_message_ids uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update agent_runs r set user_message_id = null where r.user_id = p_user_id and r.user_message_id = any (p_message_ids);
  update agent_runs r set answer_message_id = null where r.user_id = p_user_id and r.answer_message_id = any (p_message_ids);
  update context_items i set item_id = null where i.user_id = p_user_id and i.item_id = any (p_message_ids);
  update user_preferences p set source_message_id = null, quote = null
  where p.user_id = p_user_id and p.source_message_id = any (p_message_ids);
  update user_semantic_memories s set source_message_id = null, quote = null
  where s.user_id = p_user_id and s.source_message_id = any (p_message_ids);
end $$;

-- A title from what now begins a context. The caller has the person's context.
create or replace function app.first_words(p_user_id uuid, p_context_id uuid) returns text
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return coalesce(nullif(trim((select left(regexp_replace(left(m.content, 200), '\s+', ' ', 'g'), 60) from chat_messages m
    where m.user_id = p_user_id and m.context_id = p_context_id order by m.created_at, m.seq limit 1)), ''), 'Untitled');
end $$;

-- One message, with what was made of it (its neighbours are indexed anew by a trigger): a summary that covers it is made anew, and so is a
-- title that was taken from it, wherever it stands. The runs of the last hours, which may have told of it.
create or replace function app.delete_message(p_user_id uuid, p_message_id uuid, p_request_id text) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_message chat_messages;
  v_is_early boolean;
  v_runs uuid[];
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  v_message := app.find_message(p_user_id, p_message_id);
  -- What a title was taken from is among the first; a model may have taken a word of it from any.
  v_is_early := (select count(*) from (select from chat_messages m where m.user_id = p_user_id and m.context_id = v_message.context_id
    and (m.created_at, m.seq) < (v_message.created_at, v_message.seq) limit 5) b) < 5;
  if v_message.role = 'user' and v_message.run_id is not null then
    update agent_runs r set cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp())
    where r.user_id = p_user_id and r.id = v_message.run_id and r.status = 'running';
    perform app.clear_runs(p_user_id, array[v_message.run_id]);
  end if;
  perform app.cut_message_traces(p_user_id, array[p_message_id]);
  delete from chat_messages m where m.user_id = p_user_id and m.id = p_message_id;
  -- Another version: what an assessor has read of it by now does not describe it any more.
  update chat_contexts c set version = c.version + 1, updated_at = clock_timestamp(),
    summary = case when t.is_summed_up then null else c.summary end,
    summary_until = case when t.is_summed_up then 0 else c.summary_until end,
    summary_reach = case when t.is_summed_up then 0 else c.summary_reach end,
    title = case when t.is_taken then app.first_words(p_user_id, c.id) else c.title end,
    titled_by = case when t.is_taken then 'rules' else c.titled_by end,
    last_message_at = coalesce((select max(m.created_at) from chat_messages m where m.user_id = p_user_id and m.context_id = c.id), c.created_at)
  from (select o.id, greatest(o.summary_until, o.summary_reach) >= v_message.seq as is_summed_up, o.titled_by in ('rules', 'model') and (v_is_early or exists (
      select from regexp_split_to_table(lower(o.title), '\W+') w (word) where length(w.word) > 2 and strpos(lower(v_message.content), w.word) > 0)
    ) as is_taken from chat_contexts o where o.user_id = p_user_id and o.id = v_message.context_id) t
  where c.user_id = p_user_id and c.id = t.id;
  -- Other runs were told the title, too.
  update agent_runs r set judgement = r.judgement - 'title'
  where r.user_id = p_user_id and r.context_id = v_message.context_id and r.judgement ? 'title'
    and r.judgement ->> 'title' <> (select c.title from chat_contexts c where c.user_id = p_user_id and c.id = v_message.context_id);
  perform app.cut_context_answers(p_user_id, v_message.context_id);
  v_runs := app.told_runs(p_user_id);
  perform app.append_person_audit(p_user_id, 'chat_message.delete', 'chat_message', p_message_id::text,
    jsonb_build_object('context_id', v_message.context_id, 'role', v_message.role), null, p_request_id);
  return case when v_message.run_id = any (v_runs) then v_runs else array_append(v_runs, v_message.run_id) end;
end $$;

grant execute on function app.message_json, app.list_messages, app.find_message, app.message_citations, app.get_message,
  app.requeue_messages, app.neighbours_of, app.merged_windows, app.move_message_terms, app.hidden_key, app.clear_runs,
  app.told_runs, app.cut_context_answers, app.cut_message_traces,
  app.first_words, app.delete_message to app_user;
