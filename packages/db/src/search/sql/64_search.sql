create or replace function app.unit_query(p_unit text) returns tsquery language sql immutable parallel safe
  return websearch_to_tsquery('simple', p_unit) || websearch_to_tsquery('english', p_unit) || websearch_to_tsquery('indonesian', p_unit);

create or replace function app.both_queries(p_one tsquery, p_other tsquery) returns tsquery language sql immutable parallel safe
  return case when p_one is null then p_other else p_one && p_other end;

-- What is looked for, from what rules/search-query.ts made of the words: {any: [[unit]], prefix, without: [unit]}. A unit is
-- a word or a "phrase"; it is there in any of the three ways in which documents are indexed. Units of a group must all be
-- there, of the groups one. prefix: one more unit of the last group, a word that may go on. Stop words alone are looked for,
-- beside others they are not.
create or replace function app.search_query(p_query jsonb) returns tsquery
language plpgsql immutable set search_path = app, pg_temp as $$
declare
  v_last constant int := jsonb_array_length(p_query -> 'any');
  v_prefix constant text := p_query ->> 'prefix';
  v_group jsonb;
  v_number int;
  v_unit text;
  v_groups tsquery;
  v_all tsquery;
  v_stop tsquery;
  v_without tsquery;
begin
  for v_group, v_number in select value, ordinality from jsonb_array_elements(p_query -> 'any') with ordinality loop
    v_all := null;
    v_stop := null;
    for v_unit in select value from jsonb_array_elements_text(v_group) loop
      if numnode(websearch_to_tsquery('english', v_unit)) = 0 then
        v_stop := app.both_queries(v_stop, app.unit_query(v_unit));
      else
        v_all := app.both_queries(v_all, app.unit_query(v_unit));
      end if;
    end loop;
    if v_number = v_last and v_prefix is not null then
      v_all := app.both_queries(v_all, app.unit_query(v_prefix) || (quote_literal(lower(v_prefix)) || ':*')::tsquery);
    end if;
    v_groups := case when v_groups is null then coalesce(v_all, v_stop) else v_groups || coalesce(v_all, v_stop) end;
  end loop;
  for v_unit in select value from jsonb_array_elements_text(p_query -> 'without') loop
    v_without := case when v_without is null then app.unit_query(v_unit) else v_without || app.unit_query(v_unit) end;
  end loop;
  return case when v_without is null then v_groups else v_groups && !!v_without end;
end $$;

-- The query as documents of this workspace have its words.
create or replace function app.tag_query(p_workspace_id uuid, p_query tsquery) returns tsquery language sql immutable parallel safe
  return regexp_replace(p_query::text, '''((?:[^'']|'''')*)''', '''' || app.search_tag(p_workspace_id) || '\1''', 'g')::tsquery;

-- What matches in one workspace, in no order. p_wanted is the query without what must not be there, which would take all
-- weight from a rank. Of more than 5,000 matches those are left out that are neither among the first
-- 5,000 found nor in the newest 20,000 documents: ranking all of them would let one query hold a connection for seconds.
create or replace function app.search_workspace(
  p_workspace_id uuid, p_canvas_ids uuid[], p_query tsquery, p_wanted tsquery, p_types text[], p_include_archived boolean)
returns table (canvas_id uuid, block_id uuid, type text, rank real, updated_at timestamptz)
language plpgsql stable set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_max constant int := 5000;
  v_newest constant int := 20000;
  v_query constant tsquery := app.tag_query(p_workspace_id, p_query);
  v_wanted constant tsquery := app.tag_query(p_workspace_id, p_wanted);
  v_found int;
begin
  -- offset 0 keeps the workspace out of the scan of the index, which has it in each lexeme: a bitmap of all documents of the
  -- workspace would cost more than the words do.
  return query
    select d.canvas_id, d.block_id, d.type, ts_rank(d.document, v_wanted, 1), d.updated_at
    from (select * from search_documents d where d.document @@ v_query offset 0) d
    join canvases c on c.workspace_id = d.workspace_id and c.id = d.canvas_id and (p_include_archived or c.archived_at is null)
    where d.workspace_id = p_workspace_id and (p_canvas_ids is null or d.canvas_id = any (p_canvas_ids))
      and (p_types is null or coalesce(d.type, 'canvas') = any (p_types))
    limit v_max;
  get diagnostics v_found = row_count;
  if v_found = v_max then
    return query
      select d.canvas_id, d.block_id, d.type, ts_rank(d.document, v_wanted, 1), d.updated_at
      from (select * from search_documents d where d.workspace_id = p_workspace_id order by d.updated_at desc limit v_newest) d
      join canvases c on c.workspace_id = d.workspace_id and c.id = d.canvas_id and (p_include_archived or c.archived_at is null)
      where d.document @@ v_query and (p_canvas_ids is null or d.canvas_id = any (p_canvas_ids))
        and (p_types is null or coalesce(d.type, 'canvas') = any (p_types))
      limit v_max;
  end if;
end $$;

-- The piece of the text in which most of what was looked for stands, each word of it between U+E000 and U+E001; the text
-- itself has none of the two. In whichever language finds something in it. Not what ts_headline would choose: to see how the
-- words belong together takes it seconds for a long text and a long phrase; to mark them all is one pass.
create or replace function app.search_fragment(p_text text, p_query tsquery) returns text
language plpgsql immutable set search_path = app, pg_temp as $$
declare
  v_length constant int := 280;
  v_text constant text := translate(p_text, U&'\E000\E001', '');
  v_options constant text := U&'StartSel=\E000, StopSel=\E001, HighlightAll=true';
  v_marked text;
  v_language regconfig;
  v_at int;
begin
  foreach v_language in array array['english', 'indonesian', 'simple']::regconfig[] loop
    v_marked := ts_headline(v_language, v_text, p_query, v_options);
    exit when strpos(v_marked, U&'\E000') > 0;
  end loop;
  if char_length(v_text) <= v_length then
    return v_marked;
  end if;
  select m.at into v_at from (
    select p.at, count(*) over (order by p.at range between current row and v_length - 80 following) as hits
    from (
      select sum(char_length(piece) + 1) over (order by number) as at, number
      from unnest(string_to_array(left(v_marked, 20000), U&'\E000')) with ordinality t (piece, number) limit 500
    ) p
  ) m order by m.hits desc, m.at limit 1;
  v_at := greatest(coalesce(v_at, 1) - 60, 1);
  return concat(case when v_at > 1 then '… ' end,
    regexp_replace(substr(v_marked, v_at, v_length), case when v_at > 1 then '^\S*\s+' else '^' end, ''),
    case when v_at + v_length < char_length(v_marked) then ' …' end);
end $$;

-- Over everything that the person may see by whatever path, and nothing else: live blocks and titles, best first. Access is
-- here, in homes, once: of one's own workspaces and those where one is more than a guest, everything; of others, the canvases
-- that one was invited to. Filters that name what one may not see find nothing, as those that name what does not exist.
create or replace function app.search(p_user_id uuid, p_query jsonb, p_workspace_id uuid, p_canvas_id uuid, p_types text[],
  p_include_archived boolean, p_cursor_rank real, p_cursor_updated_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (workspace_id uuid, canvas_id uuid, canvas_title text, block_id uuid, block_type text, fragment text, score real, updated_at timestamptz)
language plpgsql stable security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_query constant tsquery := app.search_query(p_query);
  v_wanted constant tsquery := app.search_query(p_query - 'without');
  v_limit constant int := least(greatest(p_limit, 1), 51);
begin
  return query
    with homes as (
      select w.id from workspaces w where w.owner_user_id = p_user_id and w.deleted_at is null
      union
      select w.id from workspace_members m join workspaces w on w.id = m.workspace_id and w.deleted_at is null
      where m.user_id = p_user_id and m.role <> 'guest'
    ), places as (
      select h.id as workspace_id, null::uuid[] as canvas_ids from homes h
      union all
      select a.workspace_id, array_agg(a.canvas_id)
      from canvas_access a join workspaces w on w.id = a.workspace_id and w.deleted_at is null
      where a.user_id = p_user_id and a.workspace_id not in (select h.id from homes h)
        and (p_canvas_id is null or a.canvas_id = p_canvas_id)
      group by a.workspace_id
    ), hits as (
      select distinct on (s.canvas_id, s.block_id) p.workspace_id, s.*
      from places p cross join lateral app.search_workspace(p.workspace_id,
        case when p_canvas_id is null then p.canvas_ids else array[p_canvas_id] end, v_query, v_wanted, p_types, p_include_archived) s
      where (p_workspace_id is null or p.workspace_id = p_workspace_id)
        and (p_canvas_id is null or p.workspace_id = (select c.workspace_id from canvases c where c.id = p_canvas_id))
    ), page as (
      select h.* from hits h
      where p_cursor_rank is null
        or (h.rank, h.updated_at, coalesce(h.block_id, h.canvas_id)) < (p_cursor_rank, p_cursor_updated_at, p_cursor_id)
      order by h.rank desc, h.updated_at desc, coalesce(h.block_id, h.canvas_id) desc limit v_limit
    )
    select p.workspace_id, p.canvas_id, c.title, p.block_id, b.type,
      app.search_fragment(case when p.block_id is null then c.title else app.block_text(b.type, b.content) end, v_wanted),
      p.rank, p.updated_at
    from page p
    join canvases c on c.workspace_id = p.workspace_id and c.id = p.canvas_id
    left join blocks b on b.workspace_id = p.workspace_id and b.canvas_id = p.canvas_id and b.id = p.block_id and b.deleted_at is null
    where p.block_id is null or b.id is not null
    order by p.rank desc, p.updated_at desc, coalesce(p.block_id, p.canvas_id) desc;
end $$;

grant execute on function app.search to app_user;
