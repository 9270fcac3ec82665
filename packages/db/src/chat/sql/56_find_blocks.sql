-- Finding blocks of canvases: as 55 finds messages, but over every workspace of which the person may see something now. Each workspace
-- is an owner of its own: its terms are salted with it, and what is rare is rare there.

-- The best p_limit blocks of a workspace by their words. p_canvas_ids: those that may be seen; null: all.
create or replace function app.find_workspace_blocks(
  p_workspace_id uuid, p_canvas_ids uuid[], p_query jsonb, p_limit int, p_is_exact boolean)
returns table (canvas_id uuid, block_id uuid, score double precision)
language plpgsql stable rows 100 set search_path = app, public, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_few constant int := 2000;
  v_most constant int := 8000;
  v_best constant int := 200;
  v_asked record;
  v_vector sparsevec;
  v_rare int[];
  v_several record;
begin
  select * into v_asked from app.weigh_query(p_workspace_id, p_query);
  if v_asked.terms is null then
    return;
  end if;
  v_vector := app.query_vector(v_asked.terms, v_asked.weights);
  select * into v_several from app.alternatives(v_asked.terms, v_asked.weights, v_asked.groups);
  if v_asked.documents > v_few and not p_is_exact then
    v_rare := app.rarest_terms(v_asked.terms, v_asked.groups, v_asked.counts, v_most);
  end if;
  return query execute format($sql$
    select b.canvas_id, b.block_id, b.score - case when $5 is null then 0 else app.surplus(b.weights, $5, $6) end as score
    from (
      select t.canvas_id, t.block_id, t.weights, -(t.weights <#> $3) as score
      from block_terms t join canvases c on c.workspace_id = $1 and c.id = t.canvas_id and c.archived_at is null
      where t.workspace_id = $1 and %1$s and %2$s
      order by t.weights <#> $3, t.updated_at desc, t.block_id limit $4
    ) b
    where b.score > 0
    order by 3 desc limit $7 $sql$,
    case when v_rare is null then 'true' else 't.terms && $8' end,
    case when p_canvas_ids is null then 'true' else 't.canvas_id = any ($2)' end)
  using p_workspace_id, p_canvas_ids, v_vector, greatest(v_best, p_limit), v_several.vectors, v_several.groups,
    p_limit, v_rare;
end $$;

-- The nearest p_limit blocks of a workspace to a vector of p_model: all are compared.
create or replace function app.find_near_blocks(p_workspace_id uuid, p_canvas_ids uuid[], p_vector halfvec, p_model text, p_limit int)
returns table (canvas_id uuid, block_id uuid, score double precision)
language plpgsql stable rows 100 set search_path = app, public, pg_temp as $$
#variable_conflict use_column
begin
  return query
    select n.canvas_id, n.block_id, n.score
    from (
      select e.canvas_id, e.block_id, 1 - (e.embedding <=> p_vector) as score
      from block_embeddings e join canvases c on c.workspace_id = p_workspace_id and c.id = e.canvas_id and c.archived_at is null
      where e.workspace_id = p_workspace_id and e.model = p_model and (p_canvas_ids is null or e.canvas_id = any (p_canvas_ids))
      offset 0
    ) n
    order by n.score desc limit p_limit;
end $$;

-- Blocks that have to do with a query, best first, of canvases that the person may see now; not of archived ones, not what is in the
-- trash. p_options: weights, recency (as in app.find_relevant_history; its time is that of the last change), workspace_id (this alone),
-- is_exact.
create or replace function app.find_relevant_blocks(
  p_user_id uuid, p_query jsonb, p_vector text, p_model text, p_limit int, p_options jsonb default '{}')
returns table (workspace_id uuid, canvas_id uuid, canvas_title text, block_id uuid, type text, content text, updated_at timestamptz,
  score double precision, leg text, lexical double precision, vector double precision)
language plpgsql volatile security definer set search_path = app, public, pg_temp
  set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_limit constant int := least(greatest(p_limit, 1), 100);
  v_pool constant int := greatest(50, 2 * v_limit);
  v_lexical constant double precision := case when p_vector is null then 1 else coalesce((p_options #>> '{weights,lexical}')::float8, 0.5) end;
  v_vector constant double precision := case when p_vector is null then 0 else coalesce((p_options #>> '{weights,vector}')::float8, 0.5) end;
  v_recency constant double precision := coalesce((p_options ->> 'recency')::float8, 0.02);
  v_workspace_id constant uuid := (p_options ->> 'workspace_id')::uuid;
  v_is_exact constant boolean := coalesce((p_options ->> 'is_exact')::boolean, false);
begin
  return query
    with homes as (
      select w.id from workspaces w where w.owner_user_id = p_user_id and w.deleted_at is null
      union
      select w.id from workspace_members m join workspaces w on w.id = m.workspace_id and w.deleted_at is null
      where m.user_id = p_user_id and m.role <> 'guest'
    ), places as materialized (
      select h.id as workspace_id, null::uuid[] as canvas_ids from homes h
      union all
      select a.workspace_id, array_agg(a.canvas_id)
      from canvas_access a join workspaces w on w.id = a.workspace_id and w.deleted_at is null
      where a.user_id = p_user_id and a.workspace_id not in (select h.id from homes h)
      group by a.workspace_id
    ), wanted as materialized (
      select p.* from places p where v_workspace_id is null or p.workspace_id = v_workspace_id
    ), words as materialized (
      select w.workspace_id, f.* from wanted w
      cross join lateral app.find_workspace_blocks(w.workspace_id, w.canvas_ids, p_query, v_pool, v_is_exact) f
      where v_lexical > 0
    ), meanings as materialized (
      select w.workspace_id, f.* from wanted w
      cross join lateral app.find_near_blocks(w.workspace_id, w.canvas_ids, p_vector::halfvec(768), p_model, v_pool) f
      where p_vector is not null
    ), found as (
      select f.*, v_lexical * coalesce(f.lexical / max(f.lexical) over (), 0)
        + v_vector * coalesce((f.vector - min(f.vector) over ()) / nullif(max(f.vector) over () - min(f.vector) over (), 0),
          (f.vector is not null)::int, 0) as score
      from (
        select l.workspace_id, l.canvas_id, l.block_id as id, max(l.lexical) as lexical, max(l.vector) as vector
        from (select w.workspace_id, w.canvas_id, w.block_id, w.score as lexical, null::float8 as vector from words w
          union all select v.workspace_id, v.canvas_id, v.block_id, null, v.score from meanings v) l
        group by 1, 2, 3
      ) f
    ), dated as (
      select f.*, c.title, b.type, app.block_text(b.type, b.content) as content, b.updated_at,
        f.score + v_recency * coalesce(extract(epoch from b.updated_at - min(b.updated_at) over ())::float8
          / nullif(extract(epoch from max(b.updated_at) over () - min(b.updated_at) over ())::float8, 0), 0) as ranked
      from found f
      join canvases c on c.workspace_id = f.workspace_id and c.id = f.canvas_id and c.archived_at is null
      join blocks b on b.workspace_id = f.workspace_id and b.canvas_id = f.canvas_id and b.id = f.id and b.deleted_at is null
    )
    select d.workspace_id, d.canvas_id, d.title, d.id, d.type, d.content, d.updated_at, d.ranked,
      case when d.lexical is null then 'vector' when d.vector is null then 'lexical' else 'both' end, d.lexical, d.vector
    from dated d order by d.ranked desc, d.updated_at desc, d.id limit v_limit;
end $$;

grant execute on function app.find_relevant_blocks to app_user;
