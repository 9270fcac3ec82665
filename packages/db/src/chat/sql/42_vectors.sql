-- Vectors: the texts that they are made of, how they are stored, and who has none.

-- What the vectors of p_subjects are made of, and who pays: {…, text, user_id, payer_id}. text null: there is nothing to embed (any more).
-- A message is read with what was said before it, within the same conversation.
create or replace function app.read_embedding_texts(p_subjects jsonb)
returns table (subject_type text, subject_id uuid, workspace_id uuid, canvas_id uuid, revision bigint, text text, user_id uuid, payer_id uuid)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
  select s.subject_type, s.subject_id, s.workspace_id, s.canvas_id, s.revision,
    case s.subject_type
      when 'message' then (
        select concat_ws(E'\n', before.content, left(m.content, 6000)) from chat_messages m
        left join lateral (
          select left(p.content, 500) as content from chat_messages p
          where p.user_id = m.user_id and p.context_id = m.context_id and (p.created_at, p.seq) < (m.created_at, m.seq)
            and p.created_at >= m.created_at - interval '6 hours'
          order by p.created_at desc, p.seq desc limit 1
        ) before on true
        where m.user_id = s.user_id and m.id = s.subject_id)
      when 'memory' then (
        select concat_ws(': ', nullif(r.subject, 'user'), r.content) from user_semantic_memories r
        where r.user_id = s.user_id and r.id = s.subject_id)
      else (
        select left(nullif(btrim(app.block_text(b.type, b.content), E' \n\t'), ''), 6000) from blocks b
        where b.workspace_id = s.workspace_id and b.canvas_id = s.canvas_id and b.id = s.subject_id and b.deleted_at is null)
    end,
    w.owner_user_id, w.id
  from jsonb_to_recordset(p_subjects)
    as s (subject_type text, subject_id uuid, user_id uuid, workspace_id uuid, canvas_id uuid, revision bigint)
  left join workspaces w on w.id = coalesce(s.workspace_id,
    (select p.id from workspaces p where p.owner_user_id = s.user_id and p.is_personal));
end $$;

-- Writes p_vectors[n] of p_subjects[n] (null: it shall have none) and takes those out of the queue that are as they were read. Subjects
-- that are being deleted are left out, and rows of the queue are locked last and never waited for: a person's edit waits for no vector.
-- A vector of an older text than one that was written meanwhile may get in; then its subject is embedded once more.
create or replace function app.store_embeddings(p_model text, p_dimensions int, p_subjects jsonb, p_vectors text[]) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_messages uuid[];
  v_memories uuid[];
  v_blocks uuid[];
  v_done int;
begin
  select array_agg(s.subject_id) filter (where s.subject_type = 'message'), array_agg(s.subject_id) filter (where s.subject_type = 'memory')
    into v_messages, v_memories
  from jsonb_to_recordset(p_subjects) as s (subject_type text, subject_id uuid);
  if v_messages is not null then
    with there as (
      select m.id, m.user_id, m.role from chat_messages m where m.id = any (v_messages) for key share skip locked
    )
    insert into message_embeddings as e (message_id, user_id, side, model, dimensions, embedding)
    select m.id, m.user_id, m.role, p_model, p_dimensions, v.vector::public.halfvec
    from unnest(p_vectors) with ordinality as v (vector, n)
    join there m on m.id = (p_subjects -> (v.n - 1)::int ->> 'subject_id')::uuid
    where v.vector is not null and p_subjects -> (v.n - 1)::int ->> 'subject_type' = 'message'
    order by m.id
    on conflict (message_id) do update
    set model = excluded.model, dimensions = excluded.dimensions, embedding = excluded.embedding, created_at = now();
  end if;
  if v_memories is not null then
    with there as (
      select r.id, r.user_id from user_semantic_memories r where r.id = any (v_memories) for key share skip locked
    )
    insert into memory_embeddings as e (memory_id, user_id, model, dimensions, embedding)
    select r.id, r.user_id, p_model, p_dimensions, v.vector::public.halfvec
    from unnest(p_vectors) with ordinality as v (vector, n)
    join there r on r.id = (p_subjects -> (v.n - 1)::int ->> 'subject_id')::uuid
    where v.vector is not null and p_subjects -> (v.n - 1)::int ->> 'subject_type' = 'memory'
    order by r.id
    on conflict (memory_id) do update
    set model = excluded.model, dimensions = excluded.dimensions, embedding = excluded.embedding, created_at = now();
  end if;
  if jsonb_path_exists(p_subjects, '$[*] ? (@.subject_type == "block")') then
    with wanted as (
      select (s.value ->> 'workspace_id')::uuid as workspace_id, (s.value ->> 'canvas_id')::uuid as canvas_id,
        (s.value ->> 'subject_id')::uuid as id, p_vectors[s.ordinality] as vector
      from jsonb_array_elements(p_subjects) with ordinality s where s.value ->> 'subject_type' = 'block'
    ), emptied as (
      delete from block_embeddings e using wanted w
      where w.vector is null and e.workspace_id = w.workspace_id and e.canvas_id = w.canvas_id and e.block_id = w.id
    ), there as (
      select b.workspace_id, b.canvas_id, b.id, w.vector from wanted w
      join blocks b on b.workspace_id = w.workspace_id and b.canvas_id = w.canvas_id and b.id = w.id
      where w.vector is not null for key share of b skip locked
    )
    insert into block_embeddings as e (workspace_id, canvas_id, block_id, model, dimensions, embedding)
    select t.workspace_id, t.canvas_id, t.id, p_model, p_dimensions, t.vector::public.halfvec from there t order by 1, 2, 3
    on conflict (workspace_id, canvas_id, block_id) do update
    set model = excluded.model, dimensions = excluded.dimensions, embedding = excluded.embedding, created_at = now();
  end if;
  -- Whose row is gone was done by another worker, perhaps with a newer text.
  insert into embedding_queue (subject_type, subject_id, user_id, workspace_id, canvas_id, is_indexed)
  select s.subject_type, s.subject_id, s.user_id, s.workspace_id, s.canvas_id, true
  from jsonb_to_recordset(p_subjects) as s (subject_type text, subject_id uuid, user_id uuid, workspace_id uuid, canvas_id uuid)
  where not exists (
      select from embedding_queue q where q.subject_id = s.subject_id and q.subject_type = s.subject_type
        and q.workspace_id is not distinct from s.workspace_id and q.canvas_id is not distinct from s.canvas_id)
    and case s.subject_type
      when 'message' then exists (select from message_embeddings e where e.message_id = s.subject_id)
      when 'memory' then exists (select from memory_embeddings e where e.memory_id = s.subject_id)
      else exists (select from block_embeddings e
        where e.workspace_id = s.workspace_id and e.canvas_id = s.canvas_id and e.block_id = s.subject_id) end
  on conflict do nothing;
  delete from embedding_queue q using app.lock_embeddings(p_subjects) l where q.revision = l.revision and q.subject_id = l.subject_id;
  get diagnostics v_done = row_count;
  return v_done;
end $$;

-- Of the next p_limit subjects of a type those come into the queue that are not in the index of words, or have no vector of p_model (null:
-- there is nothing that makes vectors). A walk begins anew with another model, and after a day. One walker at a time.
create or replace function app.walk_embeddings(p_subject_type text, p_model text, p_limit int,
  out looked int, out enqueued int, out is_finished boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_walk embedding_walks;
  v_at uuid[];
  v_next uuid[];
begin
  looked := 0;
  enqueued := 0;
  is_finished := true;
  insert into embedding_walks (subject_type) values (p_subject_type) on conflict do nothing;
  select w.* into v_walk from embedding_walks w where w.subject_type = p_subject_type for update skip locked;
  if not found or (v_walk.model is not distinct from p_model and v_walk.finished_at > now() - interval '1 day') then
    return;
  end if;
  if v_walk.model is distinct from p_model then
    -- What one model refuses another may take.
    update embedding_queue q set available_at = now(), attempts = 0, priority = 1
    where q.subject_type = p_subject_type and q.available_at = 'infinity';
  elsif v_walk.finished_at is null then
    v_at := v_walk.position;
  end if;
  v_at := coalesce(v_at, array_fill('00000000-0000-0000-0000-000000000000'::uuid, array[3]));
  if p_subject_type = 'message' then
    with slice as materialized (
      select m.id, m.user_id, exists (select from message_terms t where t.message_id = m.id) as is_indexed,
        exists (select from message_embeddings e where e.message_id = m.id and e.model = p_model) as is_embedded
      from chat_messages m where m.id > v_at[1] order by m.id limit p_limit
    ), written as (
      insert into embedding_queue (subject_type, subject_id, user_id, is_indexed, priority)
      select 'message', s.id, s.user_id, s.is_indexed, 1 from slice s
      where not s.is_indexed or (p_model is not null and not s.is_embedded)
      on conflict do nothing returning 1
    )
    select (select count(*) from slice), (select count(*) from written), (select array[s.id] from slice s order by s.id desc limit 1)
      into looked, enqueued, v_next;
  elsif p_subject_type = 'memory' then
    with slice as materialized (
      select r.id, r.user_id, exists (select from memory_embeddings e where e.memory_id = r.id and e.model = p_model) as is_embedded
      from user_semantic_memories r where r.id > v_at[1] order by r.id limit p_limit
    ), written as (
      insert into embedding_queue (subject_type, subject_id, user_id, is_indexed, priority)
      select 'memory', s.id, s.user_id, true, 1 from slice s where p_model is not null and not s.is_embedded
      on conflict do nothing returning 1
    )
    select (select count(*) from slice), (select count(*) from written), (select array[s.id] from slice s order by s.id desc limit 1)
      into looked, enqueued, v_next;
  else
    with slice as materialized (
      select b.workspace_id, b.canvas_id, b.id,
        exists (select from search_documents d
          where d.workspace_id = b.workspace_id and d.canvas_id = b.canvas_id and d.block_id = b.id) as has_text,
        exists (select from block_terms t
          where t.workspace_id = b.workspace_id and t.canvas_id = b.canvas_id and t.block_id = b.id) as is_indexed,
        exists (select from block_embeddings e where e.workspace_id = b.workspace_id and e.canvas_id = b.canvas_id and e.block_id = b.id
          and e.model = p_model) as is_embedded
      from blocks b where (b.workspace_id, b.canvas_id, b.id) > (v_at[1], v_at[2], v_at[3])
      order by b.workspace_id, b.canvas_id, b.id limit p_limit
    ), written as (
      insert into embedding_queue (subject_type, subject_id, workspace_id, canvas_id, is_indexed, priority)
      select 'block', s.id, s.workspace_id, s.canvas_id, s.is_indexed, 1 from slice s
      where s.has_text and (not s.is_indexed or (p_model is not null and not s.is_embedded))
      on conflict do nothing returning 1
    )
    select (select count(*) from slice), (select count(*) from written),
      (select array[s.workspace_id, s.canvas_id, s.id] from slice s order by s.workspace_id desc, s.canvas_id desc, s.id desc limit 1)
      into looked, enqueued, v_next;
  end if;
  is_finished := looked < p_limit;
  update embedding_walks w set model = p_model, position = v_next, finished_at = case when is_finished then now() end, updated_at = now()
  where w.subject_type = p_subject_type;
end $$;

-- What a worker that died has reserved for vectors is free again; how many steps it was.
create or replace function app.abandon_embeddings(p_age interval, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_step record;
  v_count int := 0;
begin
  for v_step in
    select s.id, s.user_id from agent_steps s
    where s.outcome = 'running' and s.started_at < now() - p_age and s.run_id is null and s.kind = 'embed'
    order by s.workspace_id, s.id limit p_limit
  loop
    perform app.settle_step(v_step.user_id, v_step.id, '{"outcome": "abandoned", "error_code": "agent.interrupted"}');
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

grant execute on function app.abandon_embeddings, app.read_embedding_texts, app.store_embeddings, app.walk_embeddings to job_user;
