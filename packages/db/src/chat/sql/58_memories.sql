-- What is remembered of a person: two tables, one thing. As its caller sees it.
create or replace view app.memories with (security_invoker = true) as
select p.id, p.user_id, p.kind, p.subject, p.attribute, p.content, p.content_hash, p.source, p.source_message_id, p.source_run_id, p.quote,
  p.confidence, p.is_pinned, p.valid_from, p.valid_until, p.superseded_by, p.superseded_at, p.superseded_from, p.version, p.created_at,
  p.updated_at
from app.user_preferences p
union all
select m.id, m.user_id, m.kind, m.subject, m.attribute, m.content, m.content_hash, m.source, m.source_message_id, m.source_run_id, m.quote,
  m.confidence, m.is_pinned, m.valid_from, m.valid_until, m.superseded_by, m.superseded_at, m.superseded_from, m.version, m.created_at,
  m.updated_at
from app.user_semantic_memories m;

-- A preference without an attribute of its own is kept under the hash of its content, which is nobody's business.
create or replace function app.memory_json(m app.memories) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (m).id, 'kind', (m).kind, 'subject', (m).subject,
    'attribute', case when (m).attribute not like '#%' then (m).attribute end, 'content', (m).content, 'source', (m).source,
    'source_message_id', (m).source_message_id, 'source_run_id', (m).source_run_id, 'quote', (m).quote, 'confidence', (m).confidence,
    'is_pinned', (m).is_pinned, 'valid_from', app.iso((m).valid_from), 'valid_until', app.iso((m).valid_until),
    'superseded_by', (m).superseded_by, 'superseded_at', app.iso((m).superseded_at), 'superseded_from', app.iso((m).superseded_from),
    'version', (m).version, 'created_at', app.iso((m).created_at), 'updated_at', app.iso((m).updated_at));

-- As it stands in a prompt: of whom and what, unless the content says so itself, and until or from when. Days of p_time_zone.
create or replace function app.memory_text(p_subject text, p_attribute text, p_content text, p_valid_from timestamptz,
  p_valid_until timestamptz, p_time_zone text) returns text language sql stable parallel safe
  return concat(
    case when p_subject <> 'user' and strpos(lower(p_content), lower(p_subject)) = 0 then p_subject || ': ' end,
    case when p_attribute not like '#%' and strpos(lower(p_content), lower(p_attribute)) = 0 then p_attribute || ': ' end,
    p_content,
    case when p_valid_from > now() then to_char(p_valid_from at time zone p_time_zone, ' "(from "YYYY-MM-DD")"') end,
    case when p_valid_until is not null then to_char(p_valid_until at time zone p_time_zone, ' "(until "YYYY-MM-DD")"') end);

-- Locks what is remembered of the person, and answers what something new must be compared with: of the same subject all preferences,
-- and the memories that share words with it; and p_also, whatever it is about. p_stems: of the new one. Definer: no index on an array is
-- used under row security.
create or replace function app.find_known_memories(p_user_id uuid, p_subject text, p_stems text[], p_also uuid)
returns table (is_memory_enabled boolean, time_zone text, known jsonb)
language plpgsql security definer set search_path = app, public, pg_temp set lock_timeout = '2s' as $$
#variable_conflict use_column
declare
  v_terms constant int[] := array(select distinct app.term_id(p_user_id, s) from unnest(p_stems) s order by 1);
  v_words constant sparsevec := app.sparse_weights(v_terms, array_fill(1::real, array[cardinality(v_terms)]));
  v_head chat_heads;
begin
  insert into chat_heads (user_id) values (p_user_id) on conflict (user_id) do nothing;
  select h.* into v_head from chat_heads h where h.user_id = p_user_id for no key update;
  return query
  select v_head.is_memory_enabled, (select u.time_zone from users u where u.id = p_user_id), (
    select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'kind', k.kind, 'subject', k.subject, 'attribute', k.attribute,
      'content', k.content, 'content_hash', k.content_hash, 'is_pinned', k.is_pinned, 'valid_until', app.iso(k.valid_until))), '[]')
    from (
      select p.id, p.kind, p.subject, p.attribute, p.content, p.content_hash, p.is_pinned, p.valid_until from user_preferences p
      where p.user_id = p_user_id and (lower(p.subject) = lower(p_subject) or p.id = p_also) and p.superseded_at is null
      union
      (select m.id, m.kind, m.subject, m.attribute, m.content, m.content_hash, m.is_pinned, m.valid_until from user_semantic_memories m
      where m.user_id = p_user_id and m.superseded_at is null
        and (m.id = p_also or (lower(m.subject) = lower(p_subject) and (m.terms && v_terms or m.terms = '{}')))
      order by m.weights <#> v_words, m.created_at desc limit 100)
    ) k);
end $$;

-- A person's memories are bounded; of what was superseded the newest are kept.
create or replace function app.bound_memories(p_user_id uuid, p_limits jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if (select count(*) from user_semantic_memories m where m.user_id = p_user_id and m.superseded_at is null) > (p_limits ->> 'memories')::int then
    perform app.fail('PT409', 'memory.too_many', format('At most %s memories are kept of one person; forget some.', p_limits ->> 'memories'));
  end if;
  if (select count(*) from user_preferences p where p.user_id = p_user_id and p.superseded_at is null) > (p_limits ->> 'preferences')::int then
    perform app.fail('PT409', 'memory.too_many', format('At most %s preferences, rules and facts are kept of one person; forget some.',
      p_limits ->> 'preferences'));
  end if;
  if (select count(*) from memories m where m.user_id = p_user_id and m.is_pinned and m.superseded_at is null) > (p_limits ->> 'pinned')::int then
    perform app.fail('PT409', 'memory.too_many_pinned', format('At most %s are pinned.', p_limits ->> 'pinned'));
  end if;
  delete from user_preferences p where p.user_id = p_user_id and p.id in (select o.id from user_preferences o
    where o.user_id = p_user_id and o.superseded_at is not null order by o.superseded_at desc, o.id desc offset (p_limits ->> 'memories')::int);
  delete from user_semantic_memories m where m.user_id = p_user_id and m.id in (select o.id from user_semantic_memories o
    where o.user_id = p_user_id and o.superseded_at is not null order by o.superseded_at desc, o.id desc offset (p_limits ->> 'memories')::int);
end $$;

create or replace function app.get_memory(p_user_id uuid, p_memory_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_memory jsonb;
begin
  perform app.set_user_context(p_user_id);
  select app.memory_json(m) into v_memory from memories m where m.user_id = p_user_id and m.id = p_memory_id;
  if v_memory is null then
    perform app.fail('PT404', 'memory.not_found', 'There is no such memory.');
  end if;
  return v_memory;
end $$;

-- Writes a new one, in the place of p_supersedes, and tells the person's clients. The caller holds the lock of find_known_memories.
create or replace function app.write_memory(p_user_id uuid, p_row jsonb, p_words jsonb, p_supersedes uuid[], p_limits jsonb, p_request_id text,
  p_traceparent text) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := (p_row ->> 'id')::uuid;
  v_from constant timestamptz := coalesce((p_row ->> 'valid_from')::timestamptz, now());
  v_preference user_preferences;
  v_memory user_semantic_memories;
begin
  update user_preferences p set superseded_by = v_id, superseded_at = now(), superseded_from = v_from, updated_at = now()
  where p.user_id = p_user_id and p.id = any (p_supersedes) and p.superseded_at is null;
  update user_semantic_memories m set superseded_by = v_id, superseded_at = now(), superseded_from = v_from, updated_at = now()
  where m.user_id = p_user_id and m.id = any (p_supersedes) and m.superseded_at is null;
  if p_row ->> 'kind' = 'memory' then
    v_memory := jsonb_populate_record(null::user_semantic_memories, p_row);
    insert into user_semantic_memories (id, user_id, kind, subject, attribute, content, content_hash, source, source_message_id, source_run_id,
      quote, confidence, is_pinned, valid_from, valid_until, terms, weights)
    select v_id, p_user_id, 'memory', v_memory.subject, v_memory.attribute, v_memory.content, v_memory.content_hash, v_memory.source,
      v_memory.source_message_id, v_memory.source_run_id, v_memory.quote, v_memory.confidence, v_memory.is_pinned, v_memory.valid_from,
      v_memory.valid_until, w.terms, w.weights
    from app.index_terms(p_user_id, p_words) w;
  else
    v_preference := jsonb_populate_record(null::user_preferences, p_row);
    insert into user_preferences (id, user_id, kind, subject, attribute, content, content_hash, source, source_message_id, source_run_id, quote,
      confidence, is_pinned, valid_from, valid_until)
    values (v_id, p_user_id, v_preference.kind, v_preference.subject, v_preference.attribute, v_preference.content, v_preference.content_hash,
      v_preference.source, v_preference.source_message_id, v_preference.source_run_id, v_preference.quote, v_preference.confidence,
      v_preference.is_pinned, v_preference.valid_from, v_preference.valid_until);
  end if;
  perform app.bound_memories(p_user_id, p_limits);
  insert into outbox (id, topic, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'me.deliver', p_user_id, jsonb_build_object('user_id', p_user_id, 'type', 'memory.saved', 'memory_id', v_id,
    'kind', p_row ->> 'kind', 'source', p_row ->> 'source', 'superseded', to_jsonb(p_supersedes)), p_traceparent, p_request_id);
  perform app.append_person_audit(p_user_id, 'memory.create', 'memory', v_id::text, null,
    jsonb_build_object('kind', p_row ->> 'kind', 'source', p_row ->> 'source', 'superseded', to_jsonb(p_supersedes)), p_request_id);
  perform app.set_user_context(p_user_id);
  return app.get_memory(p_user_id, v_id);
end $$;

-- p_row: the whole row as it is to be. Its version was checked under the lock.
create or replace function app.change_memory(p_user_id uuid, p_row jsonb, p_words jsonb, p_changed text[], p_limits jsonb, p_request_id text)
returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := (p_row ->> 'id')::uuid;
  v_new constant memories := jsonb_populate_record(null::memories, p_row);
begin
  if exists (select from memories m where m.user_id = p_user_id and m.id = v_id and m.content <> v_new.content) then
    perform app.cut_memory_traces(p_user_id, array[v_id]);
  end if;
  if v_new.kind = 'memory' then
    update user_semantic_memories m set subject = v_new.subject, attribute = v_new.attribute, content = v_new.content,
      content_hash = v_new.content_hash, source = v_new.source, quote = v_new.quote, is_pinned = v_new.is_pinned,
      valid_from = v_new.valid_from, valid_until = v_new.valid_until, terms = w.terms, weights = w.weights, version = m.version + 1,
      updated_at = now()
    from app.index_terms(p_user_id, p_words) w where m.user_id = p_user_id and m.id = v_id;
  else
    update user_preferences p set kind = v_new.kind, subject = v_new.subject, attribute = v_new.attribute, content = v_new.content,
      content_hash = v_new.content_hash, source = v_new.source, quote = v_new.quote, is_pinned = v_new.is_pinned,
      valid_from = v_new.valid_from, valid_until = v_new.valid_until, version = p.version + 1, updated_at = now()
    where p.user_id = p_user_id and p.id = v_id;
  end if;
  perform app.bound_memories(p_user_id, p_limits);
  perform app.append_person_audit(p_user_id, 'memory.update', 'memory', v_id::text, jsonb_build_object('version', v_new.version),
    jsonb_build_object('version', v_new.version + 1, 'changed', to_jsonb(p_changed)), p_request_id);
  return app.get_memory(p_user_id, v_id);
end $$;

-- A page of what is remembered, the newest first. p_filter: kind, q, subject, is_pinned, include_superseded, valid_at, known_at.
create or replace function app.list_memories(p_user_id uuid, p_filter jsonb, p_cursor_created_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (memory jsonb, created_at timestamptz, id uuid)
language plpgsql stable set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_pattern constant text := '%' || regexp_replace(p_filter ->> 'q', '([\\%_])', '\\\1', 'g') || '%';
  v_valid_at constant timestamptz := (p_filter ->> 'valid_at')::timestamptz;
  v_known_at constant timestamptz := (p_filter ->> 'known_at')::timestamptz;
begin
  perform app.set_user_context(p_user_id);
  return query
  select app.memory_json(m), m.created_at, m.id from memories m
  where m.user_id = p_user_id
    and (p_cursor_id is null or (m.created_at, m.id) < (p_cursor_created_at, p_cursor_id))
    and (p_filter ->> 'kind' is null or m.kind = p_filter ->> 'kind')
    and (p_filter ->> 'subject' is null or lower(m.subject) = lower(p_filter ->> 'subject'))
    and (p_filter ->> 'is_pinned' is null or m.is_pinned = (p_filter ->> 'is_pinned')::boolean)
    and (v_pattern is null or concat_ws(E'\n', m.subject, m.attribute, m.content, m.quote) ilike v_pattern)
    -- What was known then, and of that what held then. A successor that was not yet known did not end it.
    and (v_known_at is null or m.created_at <= v_known_at)
    and ((p_filter ->> 'include_superseded')::boolean or v_valid_at is not null
      or m.superseded_at is null or m.superseded_at > v_known_at)
    and (v_valid_at is null or (coalesce(m.valid_from, '-infinity') <= v_valid_at and coalesce(m.valid_until, 'infinity') > v_valid_at
      and (m.superseded_from is null or m.superseded_from > v_valid_at or m.superseded_at > v_known_at)))
  order by m.created_at desc, m.id desc limit p_limit;
end $$;

-- A memory with all that it took the place of and all that took its place, the newest first.
create or replace function app.get_memory_history(p_user_id uuid, p_memory_id uuid) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  perform app.get_memory(p_user_id, p_memory_id);
  return (
    with recursive later as (
      select m.id, m.superseded_by from memories m where m.user_id = p_user_id and m.id = p_memory_id
      union
      select m.id, m.superseded_by from later l join memories m on m.user_id = p_user_id and m.id = l.superseded_by
    ), whole as (
      select l.id from later l
      union
      select m.id from whole w join memories m on m.user_id = p_user_id and m.superseded_by = w.id
    )
    select jsonb_agg(app.memory_json(m) order by m.created_at desc, m.id desc)
    from whole w join memories m on m.user_id = p_user_id and m.id = w.id);
end $$;

-- What an audit row tells of them: {id: kind}.
create or replace function app.kinds_of_memories(p_user_id uuid, p_ids uuid[]) returns jsonb language sql stable
  return (select jsonb_object_agg(m.id, m.kind) from app.memories m where m.user_id = p_user_id and m.id = any (p_ids));

-- What tools were asked and answered of memories that go, or change: ids stay, words do not, and what waits for the person's word about
-- one waits no more. Before they go: in the run from which one was taken its words may stand in calls that made nothing. p_memory_ids null:
-- all of them. The caller has the person's context.
create or replace function app.cut_memory_traces(p_user_id uuid, p_memory_ids uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_calls uuid[];
  v_runs uuid[];
  v_contents text[];
begin
  if p_memory_ids is not null then
    select array_agg(m.source_run_id), array_agg(lower(m.content)) into v_runs, v_contents from memories m
    where m.user_id = p_user_id and m.id = any (p_memory_ids);
  end if;
  v_calls := array(
    select t.id from tool_calls t
    where t.user_id = p_user_id and t.name in ('remember', 'forget', 'list_memories') and (p_memory_ids is null
      or (t.name = 'remember' and t.status <> 'running' and t.result ->> 'memory_id' is null
        and (t.run_id = any (v_runs) or lower(t.arguments ->> 'content') = any (v_contents)))
      -- As text: a long answer was cut off, and is none that could be looked into.
      or exists (select from unnest(p_memory_ids) m (id) where strpos(concat(t.arguments::text, t.result::text), m.id::text) > 0)));
  v_calls := v_calls || array(
    select t.id from tool_calls t where t.user_id = p_user_id and t.name = 'undo' and t.arguments ->> 'tool_call_id' = any (v_calls::text[]));
  update tool_calls t set summary = null,
    arguments = case jsonb_typeof(t.arguments) when 'object' then t.arguments - '{content,subject,attribute,query}'::text[] else '{}' end,
    result = case
      when t.result is null then null
      when t.result ? 'forgotten' then jsonb_build_object('forgotten',
        (select coalesce(jsonb_agg(jsonb_build_object('memory_id', f -> 'memory_id')), '[]') from jsonb_array_elements(t.result -> 'forgotten') f))
      when t.result ? 'memories' then t.result || jsonb_build_object('memories',
        (select coalesce(jsonb_agg(f), '[]') from jsonb_array_elements(t.result -> 'memories') f
          where (f ->> 'memory_id')::uuid <> all (p_memory_ids)))
      else (select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(t.result) f
        where f.key in ('memory_id', 'outcome', 'tool_call_id', 'code', 'message')) end,
    status = case when t.status = 'needs_confirmation' then 'expired' else t.status end,
    finished_at = case when t.status = 'needs_confirmation' then clock_timestamp() else t.finished_at end
  where t.user_id = p_user_id and t.id = any (v_calls);
end $$;

-- Deletes memories with all that they took the place of; p_restore: that counts again instead. Their vectors and what waits in queues
-- go with them, and their words in what tools were asked. The ids of what is gone; those that are no memories of the person's are passed over.
create or replace function app.delete_memories(p_user_id uuid, p_memory_ids uuid[], p_restore boolean, p_request_id text) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_ids uuid[];
  v_id uuid;
  v_kinds jsonb;
  v_next record;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  if p_restore then
    v_ids := array(select m.id from memories m where m.user_id = p_user_id and m.id = any (p_memory_ids));
    v_kinds := app.kinds_of_memories(p_user_id, v_ids);
    perform app.cut_memory_traces(p_user_id, v_ids);
    -- It goes first: what it took the place of claims the same attribute.
    foreach v_id in array v_ids loop
      select m.superseded_by, m.superseded_at, m.superseded_from into v_next from memories m where m.user_id = p_user_id and m.id = v_id;
      delete from user_preferences p where p.user_id = p_user_id and p.id = v_id;
      delete from user_semantic_memories m where m.user_id = p_user_id and m.id = v_id;
      update user_preferences p set superseded_by = v_next.superseded_by, superseded_at = v_next.superseded_at,
        superseded_from = v_next.superseded_from where p.user_id = p_user_id and p.superseded_by = v_id;
      update user_semantic_memories m set superseded_by = v_next.superseded_by, superseded_at = v_next.superseded_at,
        superseded_from = v_next.superseded_from where m.user_id = p_user_id and m.superseded_by = v_id;
    end loop;
  else
    with recursive chain as (
      select m.id from memories m where m.user_id = p_user_id and m.id = any (p_memory_ids)
      union
      select m.id from chain c join memories m on m.user_id = p_user_id and m.superseded_by = c.id
    )
    select array_agg(c.id) into v_ids from chain c;
    v_kinds := app.kinds_of_memories(p_user_id, v_ids);
    perform app.cut_memory_traces(p_user_id, v_ids);
  end if;
  delete from user_preferences p where p.user_id = p_user_id and p.id = any (v_ids);
  delete from user_semantic_memories m where m.user_id = p_user_id and m.id = any (v_ids);
  foreach v_id in array coalesce(v_ids, '{}') loop
    perform app.append_person_audit(p_user_id, 'memory.delete', 'memory', v_id::text, jsonb_build_object('kind', v_kinds -> v_id::text), null,
      p_request_id);
  end loop;
  perform app.set_user_context(p_user_id);
  return coalesce(v_ids, '{}');
end $$;

create or replace function app.delete_all_memories(p_user_id uuid, p_request_id text) returns int
language plpgsql set search_path = app, pg_temp as $$
declare
  v_preferences int;
  v_memories int;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  perform app.cut_memory_traces(p_user_id, null);
  delete from user_preferences p where p.user_id = p_user_id;
  get diagnostics v_preferences = row_count;
  delete from user_semantic_memories m where m.user_id = p_user_id;
  get diagnostics v_memories = row_count;
  perform app.append_person_audit(p_user_id, 'memory.forget_all', 'user', p_user_id::text, null,
    jsonb_build_object('memories', v_preferences + v_memories), p_request_id);
  return v_preferences + v_memories;
end $$;

-- What was taken from what the person said last in a context, before p_before_message_id: of the last three things said, the newest of
-- which anything was remembered. What was said last of all is assessed no more: who says "forget that" is quicker than a job.
create or replace function app.find_said_memories(p_user_id uuid, p_context_id uuid, p_before_message_id uuid) returns uuid[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_before record;
  v_said record;
  v_ids uuid[];
  v_is_last boolean := true;
begin
  perform app.set_user_context(p_user_id);
  if not exists (select from chat_contexts c where c.user_id = p_user_id and c.id = p_context_id) then
    perform app.fail('PT404', 'chat.context_not_found', 'There is no such context.');
  end if;
  select m.created_at, m.seq into v_before from chat_messages m where m.user_id = p_user_id and m.id = p_before_message_id;
  for v_said in
    select m.id, m.run_id from chat_messages m
    where m.user_id = p_user_id and m.context_id = p_context_id and m.role = 'user'
      and (m.created_at, m.seq) < (coalesce(v_before.created_at, 'infinity'), coalesce(v_before.seq, 9223372036854775807))
    order by m.created_at desc, m.seq desc limit 3
  loop
    if v_is_last and v_said.run_id is not null then
      perform app.forgo_assessment(p_user_id, v_said.run_id);
    end if;
    v_is_last := false;
    v_ids := array(select m.id from memories m where m.user_id = p_user_id and m.source_message_id = v_said.id and m.superseded_at is null);
    if cardinality(v_ids) > 0 then
      return v_ids;
    end if;
  end loop;
  return '{}';
end $$;

-- A run from which nothing is to be remembered any more: its assessment counts as done without.
create or replace function app.forgo_assessment(p_user_id uuid, p_run_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.lock_chat_head(p_user_id);
  insert into agent_steps (id, user_id, workspace_id, run_id, attempt, kind, provider, model, outcome, error_code, finished_at)
  select app.uuidv7(), p_user_id, r.workspace_id, r.id, r.attempt, 'assess', 'none', 'none', 'skipped', 'memory.forgotten', now()
  from agent_runs r where r.user_id = p_user_id and r.id = p_run_id and not app.is_assessed(p_user_id, p_run_id);
end $$;

create or replace function app.is_assessed(p_user_id uuid, p_run_id uuid) returns boolean language sql stable
  return exists (select from app.agent_steps s where s.user_id = p_user_id and s.run_id = p_run_id and s.kind = 'assess'
    and s.outcome in ('done', 'failed', 'skipped'));

-- What is always known of a person: pinned first, then rules, then facts and preferences, the newest first. Rows are items of a prompt.
create or replace function app.get_user_facts_and_rules(p_user_id uuid, p_limit int)
returns table (kind text, id uuid, text text, origin text, at text, place_id uuid, leg text, score real)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_time_zone constant text := (select u.time_zone from users u where u.id = p_user_id);
begin
  if not coalesce((select h.is_memory_enabled from chat_heads h where h.user_id = p_user_id), true) then
    return;
  end if;
  return query
  select case when m.kind = 'memory' then 'memory' else 'preference' end, m.id,
    app.memory_text(m.subject, m.attribute, m.content, m.valid_from, m.valid_until, v_time_zone), 'user',
    app.iso(coalesce(m.valid_from, m.created_at)), null::uuid, case when m.is_pinned then 'pinned' else 'always' end, null::real
  from (
    select p.id, p.kind, p.subject, p.attribute, p.content, p.is_pinned, p.valid_from, p.valid_until, p.superseded_from, p.created_at
    from user_preferences p where p.user_id = p_user_id
    union all
    select s.id, s.kind, s.subject, s.attribute, s.content, s.is_pinned, s.valid_from, s.valid_until, s.superseded_from, s.created_at
    from user_semantic_memories s where s.user_id = p_user_id and s.is_pinned
  ) m
  where coalesce(m.valid_until, 'infinity') > now() and coalesce(m.superseded_from, 'infinity') > now()
  order by m.is_pinned desc, m.kind = 'rule' desc, m.created_at desc, m.id desc
  limit p_limit;
end $$;

-- How many of a person's memories have any of these terms, as far as it matters: more than 500 is many.
create or replace function app.count_memories_with(p_user_id uuid, p_terms int[]) returns bigint language sql stable
  return (select count(*) from (select from app.user_semantic_memories m where m.user_id = p_user_id and m.terms && p_terms limit 501) m);

-- The memories that matter for a query, without the pinned ones, which stand in every prompt: by their words (p_query: [{stems, weight}],
-- of each any counts) and, where p_vector is given, by meaning, among vectors of p_model alone. Scores are 0 to 1. Looked at are those
-- that have one of the rarest words, and of each of those all words count; and all vectors.
create or replace function app.get_user_semantic_memories(p_user_id uuid, p_query jsonb, p_vector text, p_model text, p_limit int)
returns table (kind text, id uuid, text text, origin text, at text, place_id uuid, leg text, score real)
language plpgsql stable security definer set search_path = app, public, pg_temp as $$
#variable_conflict use_column
declare
  v_time_zone constant text := (select u.time_zone from users u where u.id = p_user_id);
  v_total constant bigint := (select count(*) from user_semantic_memories m where m.user_id = p_user_id);
  v_vector constant halfvec := p_vector::halfvec;
  v_rare int[];
  v_terms int[];
  v_weights real[];
  v_query sparsevec;
  -- What each leg counts for. Nearness by meaning is never zero, so only what is above the floor does.
  v_floor constant real := 0.5;
  v_lexical constant real := case when p_vector is null then 1 else 0.6 end;
begin
  if v_total = 0 or not coalesce((select h.is_memory_enabled from chat_heads h where h.user_id = p_user_id), true) then
    return;
  end if;
  -- A word's weight falls with the number of memories that have it.
  with groups as materialized (
    select g.weight, g.terms, app.count_memories_with(p_user_id, g.terms) as documents
    from (
      select (q.value ->> 'weight')::double precision as weight,
        (select array_agg(app.term_id(p_user_id, s)) from jsonb_array_elements_text(q.value -> 'stems') s) as terms
      from jsonb_array_elements(p_query) q
    ) g
  ), ranked as (
    select g.*, sum(g.documents) over (order by g.documents rows between unbounded preceding and 1 preceding) as rarer
    from groups g where g.documents > 0
  ), words as (
    select t.term, max(r.weight * ln(1 + (v_total - least(r.documents, v_total) + 0.5) / (r.documents + 0.5)))::real as weight,
      bool_or(coalesce(r.rarer, 0) < 500) as is_rare
    from ranked r cross join unnest(r.terms) t (term) group by 1
  )
  select array_agg(w.term order by w.term), array_agg(w.weight order by w.term), array_agg(w.term) filter (where w.is_rare)
  into v_terms, v_weights, v_rare from words w;
  v_query := app.sparse_weights(v_terms, v_weights);
  return query
  with lexical as materialized (
    select m.id, -(m.weights <#> v_query) as raw from user_semantic_memories m
    where m.user_id = p_user_id and m.terms && v_rare and not m.is_pinned and coalesce(m.valid_until, 'infinity') > now()
      and coalesce(m.superseded_from, 'infinity') > now()
    order by 2 desc limit p_limit * 2
  ), nearest as materialized (
    select e.memory_id, 1 - (e.embedding <=> v_vector) as raw from memory_embeddings e
    where e.user_id = p_user_id and e.model = p_model and v_vector is not null order by 2 desc limit p_limit * 4
  ), vector as materialized (
    select m.id, n.raw from nearest n join user_semantic_memories m on m.id = n.memory_id
    where not m.is_pinned and coalesce(m.valid_until, 'infinity') > now() and coalesce(m.superseded_from, 'infinity') > now()
  ), fused as (
    select coalesce(l.id, v.id) as id, l.id is not null as by_words, coalesce(v.raw, 0) > v_floor as by_meaning,
      v_lexical * coalesce(l.raw / nullif(max(l.raw) over (), 0), 0)
        + (1 - v_lexical) * greatest((coalesce(v.raw, 0) - v_floor) / (1 - v_floor), 0) as score
    from lexical l full join vector v on v.id = l.id
  )
  select 'memory'::text, m.id, app.memory_text(m.subject, m.attribute, m.content, m.valid_from, m.valid_until, v_time_zone), 'user'::text,
    app.iso(coalesce(m.valid_from, m.created_at)), null::uuid,
    case when f.by_words and f.by_meaning then 'both' when f.by_words then 'lexical' else 'vector' end, f.score::real
  from fused f join user_semantic_memories m on m.id = f.id
  where f.by_words or f.by_meaning
  order by f.score desc, m.created_at desc, m.id desc limit p_limit;
end $$;

grant select on app.memories to app_user;
grant execute on function app.memory_json, app.memory_text, app.find_known_memories, app.index_terms, app.sparse_weights,
  app.bound_memories, app.get_memory,
  app.write_memory, app.change_memory, app.list_memories, app.get_memory_history, app.kinds_of_memories, app.cut_memory_traces, app.delete_memories, app.delete_all_memories,
  app.find_said_memories, app.forgo_assessment, app.is_assessed, app.get_user_facts_and_rules, app.get_user_semantic_memories to app_user;
