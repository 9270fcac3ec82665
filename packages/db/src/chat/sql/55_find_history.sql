-- Finding what was said. A query is [{stems, weight}]: of a term any of its stems will do, and counts once. The lexical score is exact,
-- BM25 over windows: the inner product of what a message is found by with the query's weights.

-- To plan these queries takes longer than to run them: hence the generic plans, held to the indices.

-- A query as an owner's index has it: what each of its terms weighs there, by how rare it is. `terms` are grouped by `groups`
-- (ascending by how many documents a group has, `counts`); of a term with several stems that are there, each has its own line.
create or replace function app.weigh_query(p_owner_id uuid, p_query jsonb,
  out documents bigint, out terms int[], out weights real[], out groups int[], out counts int[])
language plpgsql stable set search_path = app, pg_temp set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
  set plan_cache_mode = force_generic_plan as $$
begin
  select l.documents into documents from lexicons l where l.owner_id = p_owner_id;
  if coalesce(documents, 0) = 0 then
    return;
  end if;
  with asked as (
    select distinct q.number, app.term_id(p_owner_id, s.stem) as term, coalesce((q.term ->> 'weight')::real, 1) as weight
    from jsonb_array_elements(p_query) with ordinality q (term, number)
    cross join lateral jsonb_array_elements_text(q.term -> 'stems') s (stem)
  ), known as (
    select a.number, a.term, a.weight, least(sum(t.documents) over (partition by a.number), weigh_query.documents) as found
    from asked a join lexicon_terms t on t.owner_id = p_owner_id and t.term = a.term
  ), ordered as (
    select k.term, k.found, dense_rank() over (order by k.found, k.number) as "group",
      k.weight * ln(1 + (weigh_query.documents - k.found + 0.5) / (k.found + 0.5)) as weight
    from known k
  )
  select array_agg(o.term order by o."group", o.term), array_agg(o.weight::real order by o."group", o.term),
    array_agg(o."group"::int order by o."group", o.term), array_agg(o.found::int order by o."group", o.term)
  into terms, weights, groups, counts
  from ordered o;
end $$;

-- The same as one sparse vector. A term of two groups counts in both.
create or replace function app.query_vector(p_terms int[], p_weights real[]) returns sparsevec
language plpgsql immutable set search_path = app, public, pg_temp as $$
begin
  return (select app.sparse_weights(array_agg(t.term), array_agg(t.weight))
    from (select t.term, sum(t.weight)::real as weight from unnest(p_terms, p_weights) t (term, weight) group by 1) t);
end $$;

-- The stems of those terms that have several, each as a vector of its own, by group; null: none has. Made once a query, because the
-- documents that are looked at for them are many.
create or replace function app.alternatives(p_terms int[], p_weights real[], p_groups int[], out vectors sparsevec[], out groups int[])
language plpgsql immutable set search_path = app, public, pg_temp as $$
begin
  select array_agg(app.sparse_weights(array[t.term], array[t.weight]) order by t."group", t.term), array_agg(t."group" order by t."group", t.term)
  into vectors, groups
  from (select u.*, count(*) over (partition by u."group") as stems from unnest(p_terms, p_weights, p_groups) u (term, weight, "group")) t
  where t.stems > 1;
end $$;

-- By how much a document has more than one stem of a term: what the inner product counts too much. p_vectors, p_groups: app.alternatives.
create or replace function app.surplus(p_document sparsevec, p_vectors sparsevec[], p_groups int[]) returns double precision
language plpgsql immutable set search_path = app, public, pg_temp as $$
declare
  v_surplus double precision := 0;
  v_best double precision := 0;
  v_score double precision;
begin
  for i in 1 .. coalesce(cardinality(p_vectors), 0) loop
    if i > 1 and p_groups[i] <> p_groups[i - 1] then
      v_surplus := v_surplus - v_best;
      v_best := 0;
    end if;
    v_score := -(p_document <#> p_vectors[i]);
    v_surplus := v_surplus + v_score;
    v_best := greatest(v_best, v_score);
  end loop;
  return v_surplus - v_best;
end $$;

-- How many of a query's terms, the rarest first, to take candidates by: all whose documents come to p_most together, one at least.
create or replace function app.rarest_terms(p_terms int[], p_groups int[], p_counts int[], p_most bigint) returns int[]
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  return (
    select array_agg(t.term)
    from (
      select t.term, t."group", sum(case when t.is_first then t.count else 0 end) over (order by t."group") as read
      from (
        select u.term, u."group", u.count, row_number() over (partition by u."group" order by u.term) = 1 as is_first
        from unnest(p_terms, p_groups, p_counts) u (term, "group", count)
      ) t
    ) t
    where t.read <= p_most or t."group" = 1);
end $$;

-- The best p_limit messages of a person by their words, best first. p_options: from, to (instants; `to` is not in it), context_id,
-- role, without (ids), is_exact (reads everything, to compare).
create or replace function app.find_messages_by_words(p_user_id uuid, p_query jsonb, p_limit int, p_options jsonb)
returns table (message_id uuid, score double precision)
language plpgsql stable rows 100 set search_path = app, public, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- A person with fewer messages is read as a whole; of others the messages with rare terms, about so many.
  v_few constant int := 2000;
  v_most constant int := 8000;
  v_best constant int := 200;
  v_asked record;
  v_vector sparsevec;
  v_rare int[];
  v_several record;
  v_from constant timestamptz := coalesce((p_options ->> 'from')::timestamptz, '-infinity');
  v_to constant timestamptz := coalesce((p_options ->> 'to')::timestamptz, 'infinity');
  v_context_id constant uuid := (p_options ->> 'context_id')::uuid;
  v_role constant text := p_options ->> 'role';
  v_without constant uuid[] := array(select jsonb_array_elements_text(coalesce(p_options -> 'without', '[]'))::uuid);
begin
  select * into v_asked from app.weigh_query(p_user_id, p_query);
  if v_asked.terms is null then
    return;
  end if;
  v_vector := app.query_vector(v_asked.terms, v_asked.weights);
  select * into v_several from app.alternatives(v_asked.terms, v_asked.weights, v_asked.groups);
  if v_asked.documents > v_few and not coalesce((p_options ->> 'is_exact')::boolean, false) then
    v_rare := app.rarest_terms(v_asked.terms, v_asked.groups, v_asked.counts, v_most);
  end if;
  return query execute format($sql$
    select b.message_id, b.score - case when $8 is null then 0 else app.surplus(b.weights, $8, $9) end as score
    from (
      select t.message_id, t.weights, -(t.weights <#> $2) as score
      from message_terms t
      where %1$s and %2$s and %3$s and %4$s
      order by t.weights <#> $2, t.created_at desc, t.message_id limit $7
    ) b
    where b.score > 0
    order by 2 desc limit $10 $sql$,
    case when v_rare is null then 't.user_id = $1' else 't.terms && $11 and t.user_id = $1' end,
    case when v_from > '-infinity' or v_to < 'infinity' then 't.created_at >= $3 and t.created_at < $4' else 'true' end,
    case when v_context_id is null and v_role is null then 'true'
      else 'exists (select from chat_messages m where m.user_id = $1 and m.id = t.message_id
        and ($5 is null or m.context_id = $5) and ($12 is null or m.role = $12))' end,
    case when v_without = '{}' then 'true' else 't.message_id <> all ($6)' end)
  using p_user_id, v_vector, v_from, v_to, v_context_id, v_without, greatest(v_best, p_limit), v_several.vectors, v_several.groups,
    p_limit, v_rare, v_role;
end $$;

-- The nearest messages by the index, which holds everybody's and is read on until p_limit of this person's have come, or it gives up.
create or replace function app.find_near_messages(p_user_id uuid, p_vector halfvec, p_model text, p_limit int, p_without uuid[])
returns table (message_id uuid, score double precision)
language plpgsql volatile rows 100 set search_path = app, public, pg_temp set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off as $$
begin
  perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
    set_config('hnsw.max_scan_tuples', '40000', true);
  return query
    select e.message_id, 1 - (e.embedding <=> p_vector) from message_embeddings e
    where e.user_id = p_user_id and e.model = p_model and e.message_id <> all (p_without)
    order by e.embedding <=> p_vector limit p_limit;
end $$;

-- The nearest p_limit messages of a person to a vector of p_model, in no order. Up to p_options.exact_below messages (20,000) all are
-- compared; above, the index is asked, and should it give up, or there be a filter, all are compared after all.
create or replace function app.find_messages_by_vector(p_user_id uuid, p_vector halfvec, p_model text, p_limit int, p_options jsonb)
returns table (message_id uuid, score double precision)
language plpgsql volatile rows 100 set search_path = app, public, pg_temp as $$
#variable_conflict use_column
declare
  v_exact_below constant bigint := coalesce((p_options ->> 'exact_below')::bigint, 20000);
  v_from constant timestamptz := coalesce((p_options ->> 'from')::timestamptz, '-infinity');
  v_to constant timestamptz := coalesce((p_options ->> 'to')::timestamptz, 'infinity');
  v_context_id constant uuid := (p_options ->> 'context_id')::uuid;
  v_role constant text := p_options ->> 'role';
  v_without constant uuid[] := array(select jsonb_array_elements_text(coalesce(p_options -> 'without', '[]'))::uuid);
  v_is_filtered constant boolean := v_context_id is not null or v_role is not null or v_from > '-infinity' or v_to < 'infinity';
  v_ids uuid[];
  v_scores double precision[];
begin
  if not v_is_filtered and (select l.documents from lexicons l where l.owner_id = p_user_id) > v_exact_below then
    select array_agg(n.message_id), array_agg(n.score) into v_ids, v_scores
    from app.find_near_messages(p_user_id, p_vector, p_model, p_limit, v_without) n;
    if cardinality(v_ids) = p_limit then
      return query select * from unnest(v_ids, v_scores);
      return;
    end if;
  end if;
  return query
    select n.message_id, n.score
    from (
      select e.message_id, 1 - (e.embedding <=> p_vector) as score from message_embeddings e
      where e.user_id = p_user_id and e.model = p_model and e.message_id <> all (v_without)
        and (not v_is_filtered or exists (
          select from chat_messages m where m.user_id = p_user_id and m.id = e.message_id and m.created_at >= v_from
            and m.created_at < v_to and (v_context_id is null or m.context_id = v_context_id) and (v_role is null or m.role = v_role)))
      offset 0
    ) n
    order by n.score desc limit p_limit;
end $$;

-- What a person has said or been told that has to do with a query: by its words (p_query), by its meaning (p_vector of p_model, as
-- text; null: not), both legs between 0 and 1 and added by their weights; p_options.recency of 1 goes to the newest of what was found,
-- nothing to the oldest, so that time decides between equals alone. More p_options: weights {lexical, vector}, neighbours (how many
-- messages before and after each are shown with it), neighbours_of (with the best so many; all), and what the legs take. Only this person's messages.
create or replace function app.find_relevant_history(
  p_user_id uuid, p_query jsonb, p_vector text, p_model text, p_limit int, p_options jsonb default '{}')
returns table (message_id uuid, external_id text, context_id uuid, role text, author_name text, content text, source text,
  created_at timestamptz, score double precision, leg text, lexical double precision, vector double precision, neighbours jsonb)
language plpgsql volatile security definer set search_path = app, public, pg_temp
  set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_limit constant int := least(greatest(p_limit, 1), 100);
  v_pool constant int := greatest(100, 2 * v_limit);
  v_lexical constant double precision := case when p_vector is null then 1 else coalesce((p_options #>> '{weights,lexical}')::float8, 0.5) end;
  v_vector constant double precision := case when p_vector is null then 0 else coalesce((p_options #>> '{weights,vector}')::float8, 0.5) end;
  v_recency constant double precision := coalesce((p_options ->> 'recency')::float8, 0.02);
  v_neighbours constant int := least(coalesce((p_options ->> 'neighbours')::int, 0), 3);
  v_shown constant int := coalesce((p_options ->> 'neighbours_of')::int, v_limit);
begin
  return query
    with words as materialized (
      select w.message_id, w.score from app.find_messages_by_words(p_user_id, p_query, v_pool, p_options) w where v_lexical > 0
    ), meanings as materialized (
      select w.message_id, w.score from app.find_messages_by_vector(p_user_id, p_vector::halfvec(768), p_model, v_pool, p_options) w
      where p_vector is not null
    ), found as (
      select f.id, f.lexical, f.vector, v_lexical * coalesce(f.lexical / max(f.lexical) over (), 0)
        + v_vector * coalesce((f.vector - min(f.vector) over ()) / nullif(max(f.vector) over () - min(f.vector) over (), 0),
          (f.vector is not null)::int, 0) as score
      from (
        select l.message_id as id, max(l.lexical) as lexical, max(l.vector) as vector
        from (select w.message_id, w.score as lexical, null::float8 as vector from words w
          union all select v.message_id, null, v.score from meanings v) l
        group by 1
      ) f
    ), dated as (
      select f.*, m.user_id, m.external_id, m.context_id, m.role, m.author_name, m.content, m.source, m.created_at, m.seq,
        f.score + v_recency * coalesce(extract(epoch from m.created_at - min(m.created_at) over ())::float8
          / nullif(extract(epoch from max(m.created_at) over () - min(m.created_at) over ())::float8, 0), 0) as ranked
      from found f join chat_messages m on m.user_id = p_user_id and m.id = f.id
    ), best as (
      select d.*, row_number() over (order by d.ranked desc, d.seq desc) as place from dated d
      order by d.ranked desc, d.seq desc limit v_limit
    )
    select b.id, b.external_id, b.context_id, b.role, b.author_name, b.content, b.source, b.created_at, b.ranked,
      case when b.lexical is null then 'vector' when b.vector is null then 'lexical' else 'both' end, b.lexical, b.vector,
      case when v_neighbours > 0 and b.place <= v_shown then app.message_neighbours(p_user_id, b.id, v_neighbours) end
    from best b order by b.ranked desc, b.seq desc;
end $$;

-- The messages around one, in their order, up to six hours from it.
create or replace function app.message_neighbours(p_user_id uuid, p_message_id uuid, p_count int) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('message_id', n.id, 'role', n.role, 'author_name', n.author_name, 'content', n.content,
      'source', n.source, 'created_at', app.iso(n.created_at), 'is_before', n.is_before) order by n.created_at, n.seq), '[]')
    from chat_messages m cross join lateral (
      (select t.*, true as is_before from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
        and (t.created_at, t.seq) < (m.created_at, m.seq) order by t.created_at desc, t.seq desc limit p_count)
      union all
      (select t.*, false from chat_messages t where t.user_id = m.user_id and t.context_id = m.context_id
        and (t.created_at, t.seq) > (m.created_at, m.seq) order by t.created_at, t.seq limit p_count)
    ) n
    where m.user_id = p_user_id and m.id = p_message_id and abs(extract(epoch from n.created_at - m.created_at)) <= 21600);
end $$;

-- What the vector of a search takes, which belongs to no run: the person's own workspace pays.
create or replace function app.pay_search(p_user_id uuid, p_ops jsonb) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  return app.apply_usage(p_user_id, (select w.id from workspaces w where w.owner_user_id = p_user_id and w.is_personal), p_ops);
end $$;

grant execute on function app.find_relevant_history, app.pay_search to app_user;
