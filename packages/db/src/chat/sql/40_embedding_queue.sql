-- What waits to be indexed and embedded: who writes it (triggers), who takes it (workers), who asks how much it is. A worker never
-- waits for a row here: whoever holds one is changing or deleting its subject, and then the worker's result is of no use.

create or replace function app.enqueue_messages() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into embedding_queue (subject_type, subject_id, user_id, priority)
  select 'message', m.id, m.user_id, (m.source = 'import')::int from new_rows m;
  return null;
end $$;
drop trigger if exists chat_messages_enqueue on app.chat_messages;
create trigger chat_messages_enqueue after insert on app.chat_messages referencing new table as new_rows
  for each statement execute function app.enqueue_messages();

-- Other words, or other neighbours.
create or replace function app.enqueue_message() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into embedding_queue as q (subject_type, subject_id, user_id, priority)
  values ('message', new.id, new.user_id, (new.content = old.content)::int)
  on conflict on constraint embedding_queue_key do update set revision = excluded.revision, is_indexed = false, attempts = 0,
    priority = least(q.priority, excluded.priority), available_at = least(q.available_at, excluded.available_at), last_error = null;
  return null;
end $$;
create or replace trigger chat_messages_enqueue_again after update of content, context_id on app.chat_messages
  for each row when (old.content <> new.content or old.context_id <> new.context_id) execute function app.enqueue_message();

-- The words of a memory are indexed with its row.
create or replace function app.enqueue_memory() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if tg_op = 'UPDATE' and new.content = old.content then
    return null;
  end if;
  insert into embedding_queue as q (subject_type, subject_id, user_id, is_indexed)
  values ('memory', new.id, new.user_id, true)
  on conflict on constraint embedding_queue_key do update set revision = excluded.revision, attempts = 0, priority = 0,
    available_at = least(q.available_at, excluded.available_at), last_error = null;
  return null;
end $$;
create or replace trigger user_semantic_memories_enqueue after insert or update of content on app.user_semantic_memories
  for each row execute function app.enqueue_memory();

-- Of blocks app.index_block enqueues those whose text really changed.

-- A plan is kept as long as the session lives: one that was made while the queue was empty must not read all of it for each row.
create or replace function app.dequeue_messages() returns trigger
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
begin
  delete from embedding_queue q using old_rows o where q.subject_type = 'message' and q.subject_id = o.id;
  return null;
end $$;
drop trigger if exists chat_messages_dequeue on app.chat_messages;
create trigger chat_messages_dequeue after delete on app.chat_messages referencing old table as old_rows
  for each statement execute function app.dequeue_messages();

create or replace function app.dequeue_memories() returns trigger
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
begin
  delete from embedding_queue q using old_rows o where q.subject_type = 'memory' and q.subject_id = o.id;
  return null;
end $$;
drop trigger if exists user_semantic_memories_dequeue on app.user_semantic_memories;
create trigger user_semantic_memories_dequeue after delete on app.user_semantic_memories referencing old table as old_rows
  for each statement execute function app.dequeue_memories();

create or replace function app.dequeue_blocks() returns trigger
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
begin
  delete from embedding_queue q using old_rows o
  where q.subject_type = 'block' and q.subject_id = o.id and q.workspace_id = o.workspace_id and q.canvas_id = o.canvas_id;
  return null;
end $$;
drop trigger if exists blocks_dequeue on app.blocks;
create trigger blocks_dequeue after delete on app.blocks referencing old table as old_rows
  for each statement execute function app.dequeue_blocks();

-- Takes rows that are due for p_lease: what was said just now first, then the oldest. Whoever takes them over does it once more.
create or replace function app.take_embeddings(p_is_indexed boolean, p_limit int, p_lease interval) returns setof app.embedding_queue
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  return query
  with due as (
    select q.ctid from embedding_queue q
    where q.is_indexed = p_is_indexed and q.available_at <= now()
    order by q.priority, q.available_at limit p_limit for update skip locked
  )
  update embedding_queue q set available_at = now() + p_lease from due where q.ctid = due.ctid returning q.*;
end $$;

-- Those of p_subjects ({subject_type, subject_id, workspace_id, canvas_id, revision}) which are as the worker read them, locked.
create or replace function app.lock_embeddings(p_subjects jsonb) returns setof app.embedding_queue
language sql volatile set search_path = app, pg_temp
begin atomic
  select q.* from jsonb_to_recordset(p_subjects)
    as s (subject_type text, subject_id uuid, workspace_id uuid, canvas_id uuid, revision bigint)
  join app.embedding_queue q on q.subject_id = s.subject_id and q.subject_type = s.subject_type
    and q.workspace_id is not distinct from s.workspace_id and q.canvas_id is not distinct from s.canvas_id
    and q.revision = s.revision
  for update of q skip locked;
end;

-- The words of these are in the index. They wait for their vectors, or are done when there is nothing that makes vectors.
create or replace function app.finish_indexing(p_subjects jsonb, p_waits boolean) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  if p_waits then
    update embedding_queue q set is_indexed = true, available_at = now(), attempts = 0, last_error = null
    from app.lock_embeddings(p_subjects) l where q.revision = l.revision and q.subject_id = l.subject_id;
  else
    delete from embedding_queue q using app.lock_embeddings(p_subjects) l where q.revision = l.revision and q.subject_id = l.subject_id;
  end if;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- These wait until then. p_burns: it was their own fault, and after p_max_attempts of those they are given up, with what went wrong.
-- How many were given up.
create or replace function app.postpone_embeddings(p_subjects jsonb, p_until timestamptz, p_error text, p_burns boolean, p_max_attempts int)
returns int language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_given_up int;
begin
  with postponed as (
    update embedding_queue q set attempts = q.attempts + p_burns::int, last_error = left(p_error, 500),
      available_at = case when p_burns and q.attempts + 1 >= p_max_attempts then 'infinity' else p_until end
    from app.lock_embeddings(p_subjects) l where q.revision = l.revision and q.subject_id = l.subject_id
    returning q.available_at
  )
  select count(*) into v_given_up from postponed p where p.available_at = 'infinity';
  return v_given_up;
end $$;

-- Nothing that this workspace pays for is asked of a provider until then; at most p_limit rows at once. How many it was.
create or replace function app.postpone_payer(p_payer_id uuid, p_until timestamptz, p_error text, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_user_id constant uuid := (select w.owner_user_id from workspaces w where w.id = p_payer_id and w.is_personal);
  v_count int;
begin
  update embedding_queue q set available_at = p_until + random() * interval '1 minute', last_error = left(p_error, 500)
  where q.ctid = any (array(
    select w.ctid from embedding_queue w
    where w.is_indexed and w.available_at < p_until and (w.user_id = v_user_id or w.workspace_id = p_payer_id)
    limit p_limit for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- What of a person's waits: `pending` for the index, under `vectors` for a provider; `failed` was given up. `indexed` counts messages.
create or replace function app.embedding_backlog(p_user_id uuid) returns jsonb
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return (
    select jsonb_build_object(
      'pending', count(*) filter (where not q.is_indexed and q.available_at < 'infinity'),
      'oldest_pending_at', app.iso(min(q.created_at) filter (where not q.is_indexed and q.available_at < 'infinity')),
      'indexed', (select count(*) from message_terms t where t.user_id = p_user_id),
      'vectors', jsonb_build_object(
        'pending', count(*) filter (where q.available_at < 'infinity'),
        'oldest_pending_at', app.iso(min(q.created_at) filter (where q.available_at < 'infinity')),
        'failed', count(*) filter (where q.available_at = 'infinity'),
        'embedded', (select count(*) from message_embeddings e where e.user_id = p_user_id)))
    from embedding_queue q where q.user_id = p_user_id and q.subject_type = 'message');
end $$;

-- For operators: what waits, by stage. Seconds.
create or replace function app.measure_embeddings()
returns table (stage text, rows bigint, oldest_seconds double precision, failed bigint)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
  select s.stage, count(q.subject_id) filter (where q.available_at < 'infinity'),
    coalesce(extract(epoch from now() - min(q.created_at) filter (where q.available_at < 'infinity')), 0)::double precision,
    count(q.subject_id) filter (where q.available_at = 'infinity')
  from (values ('index', false), ('vector', true)) s (stage, is_indexed)
  left join embedding_queue q on q.is_indexed = s.is_indexed
  group by s.stage;
end $$;

grant execute on function app.take_embeddings, app.finish_indexing, app.postpone_embeddings, app.postpone_payer,
  app.measure_embeddings to job_user;
grant execute on function app.embedding_backlog to app_user, job_user;
