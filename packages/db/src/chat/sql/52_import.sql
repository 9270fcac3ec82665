-- Where each message of an import stands: new, known already (duplicate), or known with other words (conflict). The caller has the
-- person's context.
create or replace function app.judge_import(p_user_id uuid, p_source text, p_messages jsonb)
returns table (n int, message_id uuid, external_id text, role text, author_name text, content text, created_at timestamptz,
  language text, mentions jsonb, context_external_id text, verdict text, known_message_id uuid)
-- What is known is looked up by its key, one by one.
language plpgsql stable set search_path = app, pg_temp set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
    with given as materialized (
      select g.*, (row_number() over (order by g.n))::int as place, first_value(g.id) over same as first_id,
        first_value(md5(g.content)) over same as first_hash, first_value(g.role) over same as first_role,
        first_value(g.created_at) over same as first_at
      from jsonb_to_recordset(p_messages) as g (n int, id uuid, external_id text, role text, author_name text, content text,
        created_at timestamptz, language text, mentions jsonb, context_external_id text)
      window same as (partition by g.external_id order by g.n)
    )
    select g.n, g.id, g.external_id, g.role, g.author_name, g.content, g.created_at, g.language, g.mentions, g.context_external_id,
      case
        when m.id is not null then case when (m.content, m.role, m.created_at) = (g.content, g.role, g.created_at) then 'duplicate' else 'conflict' end
        when g.first_id <> g.id
          then case when (g.first_hash, g.first_role, g.first_at) = (md5(g.content), g.role, g.created_at) then 'duplicate' else 'conflict' end
        else 'new'
      end,
      coalesce(m.id, nullif(g.first_id, g.id))
    from given g
    left join lateral (
      select k.id, k.content, k.role, k.created_at from chat_messages k
      where k.user_id = p_user_id and k.import_source = p_source and k.external_id = g.external_id offset 0
    ) m on true
    order by g.n;
end $$;

-- The contexts that these messages go to: those of the same source and name, else new ones (p_contexts: id, external_id, title,
-- titled_by, and when their last message was said). A null external_id is the one of the source itself.
create or replace function app.import_contexts(p_user_id uuid, p_source text, p_contexts jsonb)
returns table (id uuid, external_id text)
language plpgsql set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_known constant jsonb := (
    select coalesce(jsonb_object_agg(coalesce('=' || c.external_id, ''), c.id order by c.created_at desc), '{}') from chat_contexts c
    where c.user_id = p_user_id and c.import_source = p_source
      and (c.external_id is null or c.external_id in (select w.external_id from jsonb_to_recordset(p_contexts) as w (external_id text))));
  v_new int;
begin
  select count(*) into v_new from jsonb_to_recordset(p_contexts) as w (external_id text)
  where not v_known ? coalesce('=' || w.external_id, '');
  if v_new > 0 then
    perform app.check_chat_contexts(p_user_id, v_new);
  end if;
  insert into chat_contexts (id, user_id, title, titled_by, import_source, external_id, created_at, updated_at, last_message_at)
  select w.id, p_user_id, w.title, w.titled_by, p_source, w.external_id, clock_timestamp(), clock_timestamp(), w.last_message_at
  from jsonb_to_recordset(p_contexts) as w (id uuid, external_id text, title text, titled_by text, last_message_at timestamptz)
  where not v_known ? coalesce('=' || w.external_id, '');
  return query
    update chat_contexts c set last_message_at = greatest(c.last_message_at, w.last_message_at), updated_at = clock_timestamp()
    from jsonb_to_recordset(p_contexts) as w (id uuid, external_id text, last_message_at timestamptz)
    where c.user_id = p_user_id and c.id = coalesce((v_known ->> coalesce('=' || w.external_id, ''))::uuid, w.id)
    returning c.id, w.external_id;
end $$;

-- Takes up at most 1,000 messages from elsewhere, in the order given; each once by (p_source, external_id). p_messages: n (its index),
-- id, external_id, role, author_name, content, created_at, language, mentions, context_external_id; p_contexts: id, external_id, title,
-- titled_by of every context that is named. Nothing of it becomes a memory.
create or replace function app.import_messages(p_user_id uuid, p_source text, p_messages jsonb, p_contexts jsonb, p_request_id text)
returns jsonb language plpgsql set search_path = app, pg_temp set lock_timeout = '2s' as $$
declare
  v_judged jsonb;
  v_new int;
  v_first_seq bigint;
  v_places jsonb;
  v_imported uuid[];
  v_titles jsonb;
  v_answer jsonb;
begin
  perform app.set_user_context(p_user_id);
  perform app.lock_chat_head(p_user_id);
  select coalesce(jsonb_agg(jsonb_build_object('n', j.n, 'verdict', j.verdict, 'external_id', j.external_id, 'known', j.known_message_id,
    'context', j.context_external_id, 'at', j.created_at)), '[]') into v_judged from app.judge_import(p_user_id, p_source, p_messages) j;
  select count(*) into v_new from jsonb_to_recordset(v_judged) as j (verdict text) where j.verdict = 'new';
  perform app.check_chat_messages(p_user_id, v_new);
  select coalesce(jsonb_object_agg(coalesce('=' || c.external_id, ''), c.id), '{}') into v_places
  from app.import_contexts(p_user_id, p_source, (
    select coalesce(jsonb_agg(w.context || jsonb_build_object('last_message_at', l.last_at)), '[]')
    from jsonb_array_elements(p_contexts) w (context)
    join (select coalesce('=' || j.context, '') as name, max(j.at) as last_at
      from jsonb_to_recordset(v_judged) as j (verdict text, context text, at timestamptz)
      where j.verdict = 'new' group by 1) l on l.name = coalesce('=' || (w.context ->> 'external_id'), ''))) c;
  v_first_seq := app.take_message_seqs(p_user_id, v_new) - v_new;
  with stored as (
    insert into chat_messages (id, user_id, context_id, seq, role, author_name, content, source, import_source, external_id, language,
      mentions, created_at)
    select g.id, p_user_id, (v_places ->> coalesce('=' || g.context_external_id, ''))::uuid, v_first_seq + row_number() over (order by g.n),
      g.role, g.author_name, g.content, 'import', p_source, g.external_id, g.language, g.mentions, g.created_at
    from jsonb_to_recordset(p_messages) as g (n int, id uuid, external_id text, role text, author_name text, content text,
      created_at timestamptz, language text, mentions jsonb, context_external_id text)
    join jsonb_to_recordset(v_judged) as j (n int, verdict text) on j.n = g.n and j.verdict = 'new'
    returning id
  )
  select array_agg(s.id) into v_imported from stored s;
  perform app.requeue_messages(p_user_id, app.neighbours_of(p_user_id, v_imported));
  -- By their ids: what is looked up by something worked out is compared with every context there is.
  select coalesce(jsonb_object_agg(c.id, c.title), '{}') into v_titles from chat_contexts c
  where c.user_id = p_user_id and c.id = any (array(select p.value::uuid from jsonb_each_text(v_places) p));
  v_answer := jsonb_build_object('imported', v_new,
    'duplicates', (select count(*) from jsonb_to_recordset(v_judged) as j (verdict text) where j.verdict = 'duplicate'),
    'conflicts', (select coalesce(jsonb_agg(jsonb_build_object('index', j.n, 'external_id', j.external_id, 'message_id', j.known)), '[]')
      from jsonb_to_recordset(v_judged) as j (n int, verdict text, external_id text, known uuid) where j.verdict = 'conflict'),
    'contexts', (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'external_id', l.context, 'title', v_titles -> l.id, 'imported', l.count)
        order by l.first), '[]')
      from (select v_places ->> coalesce('=' || j.context, '') as id, j.context, count(*), min(j.n) as first
        from jsonb_to_recordset(v_judged) as j (n int, verdict text, context text) where j.verdict = 'new' group by j.context) l));
  perform app.append_person_audit(p_user_id, 'chat_message.import', 'user', p_user_id::text, null,
    jsonb_build_object('imported', v_new, 'duplicates', v_answer -> 'duplicates', 'conflicts', jsonb_array_length(v_answer -> 'conflicts'),
      'contexts', jsonb_array_length(v_answer -> 'contexts')), p_request_id);
  return v_answer;
end $$;

-- Room for p_count messages more. Every message took a number, so they are counted only when those are near the limit. The caller has
-- the person's context and holds their head.
create or replace function app.check_chat_messages(p_user_id uuid, p_count int) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if coalesce((select h.seq from chat_heads h where h.user_id = p_user_id), 0) + p_count > app.max_chat_messages()
    and (select count(*) from chat_messages m where m.user_id = p_user_id) + p_count > app.max_chat_messages() then
    perform app.fail('PT409', 'chat.too_many_messages', format('A person has at most %s messages; delete some.', app.max_chat_messages()));
  end if;
end $$;

-- How far the index has come with what was imported.
create or replace function app.get_import_status(p_user_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_backlog constant jsonb := app.embedding_backlog(p_user_id);
begin
  perform app.set_user_context(p_user_id);
  return v_backlog || jsonb_build_object(
    'imported', (select count(*) from chat_messages m where m.user_id = p_user_id and m.import_source is not null and m.external_id is not null),
    'state', case when (v_backlog ->> 'pending')::int > 0 then 'indexing' else 'idle' end);
end $$;

-- A page of everything that was said, in its order, after the cursor; with where it stands and what it rests on.
create or replace function app.export_messages(p_user_id uuid, p_cursor_at timestamptz, p_cursor_seq bigint, p_limit int)
returns table (message jsonb, context jsonb, citations jsonb, created_at timestamptz, seq bigint)
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  return query
    select app.message_json(m.row), jsonb_build_object('external_id', c.external_id, 'title', c.title),
      case when m.role = 'assistant' and m.run_id is not null then app.message_citations(p_user_id, m.run_id) else '[]' end,
      m.created_at, m.seq
    from (
      select x as row, x.role, x.run_id, x.context_id, x.created_at, x.seq from chat_messages x
      where x.user_id = p_user_id and (x.created_at, x.seq) > (coalesce(p_cursor_at, '-infinity'), coalesce(p_cursor_seq, 0))
      order by x.created_at, x.seq limit p_limit
    ) m join chat_contexts c on c.user_id = p_user_id and c.id = m.context_id
    order by m.created_at, m.seq;
end $$;

create or replace function app.audit_chat_export(p_user_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_user_context(p_user_id);
  perform app.append_person_audit(p_user_id, 'chat.export', 'user', p_user_id::text, null,
    (select jsonb_build_object('contexts', count(*)) from chat_contexts c where c.user_id = p_user_id), p_request_id);
end $$;

grant execute on function app.export_messages, app.audit_chat_export to app_user;
grant execute on function app.judge_import, app.import_contexts, app.import_messages, app.check_chat_messages, app.get_import_status to app_user;
