-- The lexical index: what a message or a block is found by, and in how many documents of its owner a term stands. These numbers are
-- exact: triggers count what is written and deleted, by cascade too, under the lock of the owner (its row in lexicons). Whoever takes
-- that lock has first locked what the documents hang on, from the top (users, contexts, messages; workspaces, canvases, blocks), as a
-- deletion does: so the two wait for each other, and never in a circle.

-- A sparse vector of terms (ascending or not) and their weights.
create or replace function app.sparse_weights(p_terms int[], p_weights real[]) returns sparsevec
language plpgsql immutable parallel safe set search_path = app, public, pg_temp as $$
begin
  return ('{' || coalesce((select string_agg(t.term || ':' || t.weight, ',')
    from unnest(p_terms, p_weights) t (term, weight)), '') || '}/536870912')::sparsevec;
end $$;

-- Terms and weights of [[stem, weight], …] as an owner's index has them. Two stems may be one term.
create or replace function app.index_terms(p_owner_id uuid, p_stems jsonb, out terms int[], out weights sparsevec)
language plpgsql immutable set search_path = app, public, pg_temp as $$
declare
  v_weights real[];
begin
  select coalesce(array_agg(w.term order by w.term), '{}'), coalesce(array_agg(w.weight order by w.term), '{}') into terms, v_weights
  from (
    select app.term_id(p_owner_id, s.stem ->> 0) as term, max((s.stem ->> 1)::real) as weight
    from jsonb_array_elements(p_stems) s (stem) where (s.stem ->> 1)::real > 0 group by 1
  ) w;
  weights := app.sparse_weights(terms, v_weights);
end $$;

-- The owner's lock, until the end of the transaction.
create or replace function app.lock_lexicon(p_owner_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform from lexicons l where l.owner_id = p_owner_id for update;
  if not found then
    insert into lexicons (owner_id) values (p_owner_id) on conflict (owner_id) do nothing;
    perform from lexicons l where l.owner_id = p_owner_id for update;
  end if;
end $$;

-- p_documents more (or fewer) documents, and of each term so many. Without a row in lexicons the owner is being deleted.
create or replace function app.count_terms(p_owner_id uuid, p_documents bigint, p_terms int[], p_changes int[]) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  if p_documents > 0 then
    perform app.lock_lexicon(p_owner_id);
  end if;
  update lexicons l set documents = l.documents + p_documents where l.owner_id = p_owner_id;
  if not found then
    return;
  end if;
  insert into lexicon_terms as t (owner_id, term, documents)
  select p_owner_id, c.term, c.change from unnest(p_terms, p_changes) c (term, change) where c.change > 0 order by c.term
  on conflict (owner_id, term) do update set documents = t.documents + excluded.documents;
  update lexicon_terms t set documents = t.documents + c.change
  from unnest(p_terms, p_changes) c (term, change)
  where t.owner_id = p_owner_id and t.term = c.term and c.change < 0;
  delete from lexicon_terms t using unnest(p_terms, p_changes) c (term, change)
  where t.owner_id = p_owner_id and t.term = c.term and c.change < 0 and t.documents = 0;
end $$;

-- Counts what a statement has written, changed or deleted; the argument is the column of the owner. Without a row in lexicons an owner
-- is being deleted, and nothing is counted.
create or replace function app.count_indexed() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_owner constant text := tg_argv[0];
  v_new constant text := format('select n.%I as owner_id, n.terms, 1 as sign from new_rows n', v_owner);
  v_old constant text := format('select o.%1$I, o.terms, -1 from old_rows o where exists (select from lexicons l where l.owner_id = o.%1$I)', v_owner);
  v_count record;
begin
  for v_count in execute format($sql$
    with rows (owner_id, terms, sign) as (%s), changes as (
      select r.owner_id, t.term, sum(r.sign)::int as change from rows r cross join unnest(r.terms) t (term)
      group by 1, 2 having sum(r.sign) <> 0
    )
    select r.owner_id, r.documents, coalesce(c.terms, '{}') as terms, coalesce(c.changes, '{}') as changes
    from (select r.owner_id, sum(r.sign) as documents from rows r group by 1) r
    left join (select c.owner_id, array_agg(c.term) as terms, array_agg(c.change) as changes from changes c group by 1) c using (owner_id)
    where r.documents <> 0 or c.terms is not null
    order by 1 $sql$, case tg_op when 'INSERT' then v_new when 'DELETE' then v_old else v_new || ' union all ' || v_old end)
  loop
    perform app.count_terms(v_count.owner_id, v_count.documents, v_count.terms, v_count.changes);
  end loop;
  return null;
end $$;
create or replace trigger message_terms_written after insert on app.message_terms referencing new table as new_rows
  for each statement execute function app.count_indexed('user_id');
create or replace trigger message_terms_deleted after delete on app.message_terms referencing old table as old_rows
  for each statement execute function app.count_indexed('user_id');
create or replace trigger message_terms_changed after update on app.message_terms referencing old table as old_rows new table as new_rows
  for each statement execute function app.count_indexed('user_id');
create or replace trigger block_terms_written after insert on app.block_terms referencing new table as new_rows
  for each statement execute function app.count_indexed('workspace_id');
create or replace trigger block_terms_deleted after delete on app.block_terms referencing old table as old_rows
  for each statement execute function app.count_indexed('workspace_id');
create or replace trigger block_terms_changed after update on app.block_terms referencing old table as old_rows new table as new_rows
  for each statement execute function app.count_indexed('workspace_id');

-- A cascade deletes row by row, and each would be counted by itself. So what goes as a whole is deleted here first, in one statement:
-- of an owner the numbers, so that nothing is counted, and the documents; of a context or canvas its documents.
create or replace function app.drop_user_lexicon() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from lexicons l where l.owner_id = old.id;
  delete from message_terms t where t.user_id = old.id;
  return old;
end $$;
create or replace trigger users_lexicon before delete on app.users for each row execute function app.drop_user_lexicon();

create or replace function app.drop_workspace_lexicon() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from lexicons l where l.owner_id = old.id;
  delete from block_terms t where t.workspace_id = old.id;
  return old;
end $$;
create or replace trigger workspaces_lexicon before delete on app.workspaces
  for each row execute function app.drop_workspace_lexicon();

create or replace function app.drop_context_terms() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from message_terms t using chat_messages m
  where m.user_id = old.user_id and m.context_id = old.id and t.user_id = m.user_id and t.message_id = m.id;
  return old;
end $$;
create or replace trigger chat_contexts_terms before delete on app.chat_contexts
  for each row execute function app.drop_context_terms();

create or replace function app.drop_canvas_terms() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from block_terms t where t.workspace_id = old.workspace_id and t.canvas_id = old.id;
  return old;
end $$;
create or replace trigger canvases_terms before delete on app.canvases for each row execute function app.drop_canvas_terms();

-- What stood beside a deleted message has other neighbours now. Of a context that is deleted as a whole nothing is left; of one that
-- lost many, all that is left is done again.
create or replace function app.requeue_neighbours() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into embedding_queue as q (subject_type, subject_id, user_id, priority)
  select distinct 'message', n.id, n.user_id, 1
  from (select o.user_id, o.context_id, count(*) as messages from old_rows o group by 1, 2) g
  join chat_contexts c on c.user_id = g.user_id and c.id = g.context_id
  cross join lateral (
    select m.id, m.user_id from chat_messages m
    where g.messages > 100 and m.user_id = g.user_id and m.context_id = g.context_id
    union all
    select m.id, m.user_id from old_rows o cross join lateral (
      (select m.* from chat_messages m where m.user_id = o.user_id and m.context_id = o.context_id
        and (m.created_at, m.seq) < (o.created_at, o.seq) order by m.created_at desc, m.seq desc limit 1)
      union all
      (select m.* from chat_messages m where m.user_id = o.user_id and m.context_id = o.context_id
        and (m.created_at, m.seq) > (o.created_at, o.seq) order by m.created_at, m.seq limit 1)
    ) m
    where g.messages <= 100 and o.user_id = g.user_id and o.context_id = g.context_id
  ) n
  on conflict on constraint embedding_queue_key do update set revision = excluded.revision, is_indexed = false, attempts = 0,
    available_at = least(q.available_at, excluded.available_at), last_error = null;
  -- The vector of what follows was made of its words too. It goes at once: nobody knows when there is another.
  delete from message_embeddings e using old_rows o
  where e.message_id = (select m.id from chat_messages m where m.user_id = o.user_id and m.context_id = o.context_id
    and (m.created_at, m.seq) > (o.created_at, o.seq) order by m.created_at, m.seq limit 1);
  return null;
end $$;
drop trigger if exists chat_messages_requeue on app.chat_messages;
create trigger chat_messages_requeue after delete on app.chat_messages referencing old table as old_rows
  -- Where everything is forgotten the neighbours go too.
  for each statement when (coalesce(current_setting('app.forgetting', true), '') <> 'on') execute function app.requeue_neighbours();

-- For whoever indexes messages: locks the person's index, then reads the messages whose terms p_message_ids touch (is_target) and what
-- stands around those. A message is found by its own words, by those before and after it, and, after a question, by all of what that
-- question is found by: so a change touches the one before it, itself, and the two that follow; and what those are found by takes two
-- before and one after them. previous_id: the one before, whether it is among these or not.
create or replace function app.read_message_windows(p_user_id uuid, p_message_ids uuid[])
returns table (message_id uuid, context_id uuid, previous_id uuid, is_target boolean, content text, author_name text,
  mentions jsonb, created_at timestamptz)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_targets uuid[];
begin
  perform from users u where u.id = p_user_id for key share;
  perform from chat_contexts c
  where c.user_id = p_user_id
    and c.id in (select m.context_id from chat_messages m where m.user_id = p_user_id and m.id = any (p_message_ids))
  order by c.id for key share;
  select array_agg(distinct t.id) into v_targets
  from chat_messages m cross join lateral (
    select m.id
    union all
    (select t.id from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
      and (t.created_at, t.seq) < (m.created_at, m.seq) order by t.created_at desc, t.seq desc limit 1)
    union all
    (select t.id from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
      and (t.created_at, t.seq) > (m.created_at, m.seq) order by t.created_at, t.seq limit 2)
  ) t
  where m.user_id = p_user_id and m.id = any (p_message_ids);
  if v_targets is null then
    return;
  end if;
  perform from chat_messages m where m.user_id = p_user_id and m.id = any (v_targets) order by m.id for key share;
  perform app.lock_lexicon(p_user_id);
  return query
    with around as (
      select distinct n.id
      from chat_messages m cross join lateral (
        select m.id
        union all
        (select t.id from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
          and (t.created_at, t.seq) < (m.created_at, m.seq) order by t.created_at desc, t.seq desc limit 2)
        union all
        (select t.id from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
          and (t.created_at, t.seq) > (m.created_at, m.seq) order by t.created_at, t.seq limit 1)
      ) n
      where m.user_id = p_user_id and m.id = any (v_targets)
    )
    select m.id, m.context_id, (
        select t.id from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
          and (t.created_at, t.seq) < (m.created_at, m.seq) order by t.created_at desc, t.seq desc limit 1
      ), m.id = any (v_targets), m.content, m.author_name, m.mentions, m.created_at
    from around a join chat_messages m on m.user_id = p_user_id and m.id = a.id
    order by m.context_id, m.created_at, m.seq;
end $$;

-- Writes what messages are found by, [{message_id, terms: [[stem, weight], …]}], in the transaction that has locked the index.
-- How many are other than they were.
create or replace function app.put_message_terms(p_user_id uuid, p_messages jsonb) returns int
language plpgsql security definer set search_path = app, public, pg_temp as $$
declare
  v_count int;
begin
  insert into message_terms as t (message_id, user_id, context_id, created_at, terms, weights)
  select m.id, m.user_id, m.context_id, m.created_at, i.terms, i.weights
  from jsonb_to_recordset(p_messages) as p (message_id uuid, terms jsonb)
  join chat_messages m on m.user_id = p_user_id and m.id = p.message_id
  cross join lateral app.index_terms(p_user_id, p.terms) i
  order by m.id
  on conflict (message_id) do update set context_id = excluded.context_id, created_at = excluded.created_at,
    terms = excluded.terms, weights = excluded.weights
  where (t.context_id, t.created_at, t.terms) is distinct from (excluded.context_id, excluded.created_at, excluded.terms)
    or t.weights <> excluded.weights;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- The same for blocks of a workspace, [{canvas_id, block_id}]: their text, null of what is gone or in the trash.
create or replace function app.read_block_texts(p_workspace_id uuid, p_blocks jsonb)
returns table (canvas_id uuid, block_id uuid, content text, updated_at timestamptz)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  perform from workspaces w where w.id = p_workspace_id for key share;
  if not found then
    return;
  end if;
  perform from canvases c
  where c.workspace_id = p_workspace_id and c.id in (select (b ->> 'canvas_id')::uuid from jsonb_array_elements(p_blocks) b)
  order by c.id for key share;
  perform from blocks b join jsonb_to_recordset(p_blocks) as p (canvas_id uuid, block_id uuid)
    on b.workspace_id = p_workspace_id and b.canvas_id = p.canvas_id and b.id = p.block_id
  order by b.id for key share of b;
  perform app.lock_lexicon(p_workspace_id);
  return query
    select p.canvas_id, p.block_id,
      case when b.deleted_at is null then nullif(btrim(app.block_text(b.type, b.content), E' \n\t'), '') end, b.updated_at
    from (select distinct * from jsonb_to_recordset(p_blocks) as p (canvas_id uuid, block_id uuid)) p
    left join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p.canvas_id and b.id = p.block_id;
end $$;

-- Writes what blocks are found by, [{canvas_id, block_id, updated_at, terms}]; without terms: by nothing any more.
create or replace function app.put_block_terms(p_workspace_id uuid, p_blocks jsonb) returns int
language plpgsql security definer set search_path = app, public, pg_temp as $$
declare
  v_written int;
  v_deleted int;
begin
  delete from block_terms t using jsonb_to_recordset(p_blocks) as p (canvas_id uuid, block_id uuid, terms jsonb)
  where t.workspace_id = p_workspace_id and t.canvas_id = p.canvas_id and t.block_id = p.block_id
    and coalesce(jsonb_typeof(p.terms), 'null') = 'null';
  get diagnostics v_deleted = row_count;
  insert into block_terms as t (workspace_id, canvas_id, block_id, updated_at, terms, weights)
  select b.workspace_id, b.canvas_id, b.id, b.updated_at, i.terms, i.weights
  from jsonb_to_recordset(p_blocks) as p (canvas_id uuid, block_id uuid, terms jsonb)
  join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p.canvas_id and b.id = p.block_id
  cross join lateral app.index_terms(p_workspace_id, p.terms) i
  where jsonb_typeof(p.terms) = 'array'
  order by b.id
  on conflict (workspace_id, canvas_id, block_id) do update set updated_at = excluded.updated_at,
    terms = excluded.terms, weights = excluded.weights
  where t.terms <> excluded.terms or t.weights <> excluded.weights;
  get diagnostics v_written = row_count;
  return v_written + v_deleted;
end $$;

-- Whose these messages are.
create or replace function app.find_message_owners(p_message_ids uuid[]) returns table (message_id uuid, user_id uuid)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query select m.id, m.user_id from chat_messages m where m.id = any (p_message_ids);
end $$;

grant execute on function app.read_message_windows, app.put_message_terms, app.read_block_texts, app.put_block_terms,
  app.find_message_owners to job_user;
