create or replace function app.get_canvas_snapshot(p_user_id uuid, p_canvas_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_context record;
  v_snapshot text;
begin
  v_context := app.set_canvas_context(p_user_id, p_canvas_id, 'viewer');
  -- One statement, so canvas, seq and blocks are of one moment.
  select concat('{"canvas":', app.canvas_json(c, app.is_personal(c.workspace_id)) || jsonb_build_object('role', v_context.role),
    ',"epoch":"', h.epoch, '","seq":', h.seq, ',"blocks":[', (
      select string_agg(app.block_json(b), ',' order by b.parent_id nulls first, b.rank)
      from blocks b
      where b.workspace_id = v_context.workspace_id and b.canvas_id = p_canvas_id and b.deleted_at is null
    ), ']}')
  into v_snapshot
  from canvases c
  join canvas_heads h on h.workspace_id = c.workspace_id and h.canvas_id = c.id
  where c.workspace_id = v_context.workspace_id and c.id = p_canvas_id;
  return v_snapshot;
end $$;

create or replace function app.get_canvas(p_user_id uuid, p_canvas_id uuid) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_context record;
begin
  v_context := app.set_canvas_context(p_user_id, p_canvas_id, 'viewer');
  return (select app.canvas_json(c, app.is_personal(c.workspace_id)) || jsonb_build_object('role', v_context.role)
    from canvases c where c.workspace_id = v_context.workspace_id and c.id = p_canvas_id);
end $$;

create or replace function app.get_block(p_user_id uuid, p_canvas_id uuid, p_block_id uuid) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_block text;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  select app.block_json(b) into v_block from blocks b
  where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.id = p_block_id and b.deleted_at is null;
  if v_block is null then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.');
  end if;
  return v_block;
end $$;

-- What follows the items of a page that is full: the cursor, where its last item stands. (stable, as convert_to is: else it would be
-- no part of the expression that uses it, and planned for each page.)
create or replace function app.page_end(p_parent_id uuid, p_rank text) returns text language sql stable parallel safe
  return '],"next_cursor":"' || translate(encode(convert_to(coalesce(p_parent_id::text, '') || '.' || p_rank, 'UTF8'), 'base64'),
    E'+/=\n', '-_') || '"}';

-- JSON text `{"items":[…],"next_cursor":…}`: live blocks, top level first, then by parent; siblings in their order. p_after_* is
-- what the cursor holds, the position of the last item read: parent null and rank '' = the beginning. The whole text is made
-- here and returned as one value, because a row of several would copy it twice more.
create or replace function app.get_blocks_page(
  p_user_id uuid, p_canvas_id uuid, p_after_parent_id uuid, p_after_rank text, p_limit int) returns text
-- One plan for all calls: making one costs as much as the page. It does not know the limit, and so would rather read a whole
-- canvas and sort it than follow the index.
language plpgsql set search_path = app, pg_temp
  set plan_cache_mode = force_generic_plan set enable_sort = off as $$
declare
  v_workspace_id constant uuid := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  -- Plain variables, because coalesce() is not leakproof: under row security it would keep a condition out of the index.
  v_after_parent_id uuid := p_after_parent_id;
  v_after_rank text := coalesce(p_after_rank, '');
  v_left int := least(greatest(coalesce(p_limit, 50), 1), 500);
  v_count int;
  v_items text;
  v_more_items text;
  v_last_parent_id uuid;
begin
  -- Two ranges of one index instead of one query over both: an order with nulls first is not the index's own. Nor is one by
  -- rank alone, though the parent is the same throughout: hence `order by parent_id, rank`, here and below. The JSON is made
  -- within, where the row is, so that its columns are not handed up one by one, and is copied as seldom as possible.
  if v_after_parent_id is null then
    select string_agg(b.json, ','), count(*), max(b.rank) into v_items, v_count, v_after_rank
    from (
      select app.block_json(b) as json, b.rank from blocks b
      where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.parent_id is null
        and b.rank > v_after_rank and b.deleted_at is null
      order by b.parent_id, b.rank limit v_left
    ) b;
    v_left := v_left - v_count;
    if v_left = 0 then
      return '{"items":[' || v_items || app.page_end(null, v_after_rank);
    end if;
    v_after_parent_id := '00000000-0000-0000-0000-000000000000';
    v_after_rank := '';
  end if;
  select string_agg(b.json, ','), count(*), (array_agg(b.parent_id))[count(*)], (array_agg(b.rank))[count(*)]
  into v_more_items, v_count, v_last_parent_id, v_after_rank
  from (
    select app.block_json(b) as json, b.parent_id, b.rank from blocks b
    where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.parent_id is not null
      and (b.parent_id, b.rank) > (v_after_parent_id, v_after_rank) and b.deleted_at is null
    order by b.parent_id, b.rank limit v_left
  ) b;
  return '{"items":[' || concat_ws(',', v_items, v_more_items)
    || case when v_count = v_left then app.page_end(v_last_parent_id, v_after_rank) else '],"next_cursor":null}' end;
end $$;

-- The row that stands right after p_after_rank among all children of one parent, trashed ones too. p_except: a block on the
-- move, which is not its own neighbour.
create or replace function app.next_sibling(
  p_workspace_id uuid, p_canvas_id uuid, p_parent_id uuid, p_after_rank text, p_except uuid, out id uuid, out rank text)
-- One plan, off the index in its order: else it is made for the average canvas, whose few rows may as well be sorted.
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan set enable_sort = off as $$
begin
  -- Two queries because `is not distinct from` cannot use an index.
  if p_parent_id is null then
    select b.id, b.rank into id, rank from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id is null and b.rank > p_after_rank
      and b.id is distinct from p_except
    order by b.parent_id, b.rank limit 1;
  else
    select b.id, b.rank into id, rank from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id = p_parent_id and b.rank > p_after_rank
      and b.id is distinct from p_except
    order by b.rank limit 1;
  end if;
end $$;

create or replace function app.last_sibling(
  p_workspace_id uuid, p_canvas_id uuid, p_parent_id uuid, p_except uuid, out id uuid, out rank text)
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan set enable_sort = off as $$
begin
  if p_parent_id is null then
    select b.id, b.rank into id, rank from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id is null and b.id is distinct from p_except
    order by b.parent_id desc, b.rank desc limit 1;
  else
    select b.id, b.rank into id, rank from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id = p_parent_id and b.id is distinct from p_except
    order by b.rank desc limit 1;
  end if;
end $$;

-- For each {parent_id, after_id?}: the two rows between which a block would come to stand. after_id absent = at the end,
-- null = at the beginning. A parent that does not exist (yet) has an empty gap; when after_id is no child of the parent, the
-- answer in its place is null.
create or replace function app.get_block_gaps(p_user_id uuid, p_canvas_id uuid, p_gaps jsonb) returns jsonb
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_gap jsonb;
  v_index int := -1;
  v_result jsonb := '[]';
  v_parent_id uuid;
  v_after_id uuid;
  v_after record;
  v_before record;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  for v_gap in select value from jsonb_array_elements(p_gaps) loop
    v_index := v_index + 1;
    v_parent_id := app.uuid_field(v_gap, 'parent_id', v_index, true);
    v_after_id := app.uuid_field(v_gap, 'after_id', v_index, true);
    select null::uuid as id, null::text as rank into v_before;
    if not v_gap ? 'after_id' then
      v_after := app.last_sibling(v_workspace_id, p_canvas_id, v_parent_id, null);
    else
      -- With after_id null there is no such row, which leaves v_after empty.
      select b.id, b.rank into v_after from blocks b
      where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.id = v_after_id
        and b.parent_id is not distinct from v_parent_id;
      if v_after_id is not null and not found then
        v_result := v_result || 'null'::jsonb;
        continue;
      end if;
      v_before := app.next_sibling(v_workspace_id, p_canvas_id, v_parent_id, coalesce(v_after.rank, ''), null);
    end if;
    v_result := v_result || jsonb_build_object(
      'after_id', v_after.id, 'after_rank', v_after.rank, 'before_id', v_before.id, 'before_rank', v_before.rank);
  end loop;
  return v_result;
end $$;

-- Numbers only, no rows: a hub asks for all its rooms at once. A deleted canvas has none.
create or replace function app.get_canvas_heads(p_canvas_ids uuid[])
returns table (canvas_id uuid, epoch uuid, seq bigint, access_version bigint)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query select h.canvas_id, h.epoch, h.seq, h.access_version + w.access_version
    from canvas_heads h join workspaces w on w.id = h.workspace_id and w.deleted_at is null
    where h.canvas_id = any (p_canvas_ids);
end $$;

create or replace function app.get_canvas_events(p_user_id uuid, p_canvas_id uuid, p_after_seq bigint, p_limit int)
returns table (seq bigint, frame text) language plpgsql set search_path = app, pg_temp
  set plan_cache_mode = force_generic_plan set enable_sort = off as $$
declare
  v_workspace_id uuid;
  v_head canvas_heads;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  select * into v_head from canvas_heads h where h.workspace_id = v_workspace_id and h.canvas_id = p_canvas_id;
  if p_after_seq < v_head.min_seq then
    perform app.fail_events_gone(v_head.min_seq);
  end if;
  return query select e.seq, app.event_frame(e, v_head.epoch) from canvas_events e
    where e.workspace_id = v_workspace_id and e.canvas_id = p_canvas_id and e.seq > p_after_seq
    order by e.seq limit least(greatest(p_limit, 1), 1000);
  -- Again, because a job may have changed what was just read.
  select * into v_head from canvas_heads h where h.workspace_id = v_workspace_id and h.canvas_id = p_canvas_id;
  if p_after_seq < v_head.min_seq then
    perform app.fail_events_gone(v_head.min_seq);
  end if;
end $$;

create or replace function app.fail_events_gone(p_min_seq bigint) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.fail('PT409', 'canvas.events_gone', 'Events that old are no longer kept; take a snapshot.',
    jsonb_build_object('min_seq', p_min_seq));
end $$;

grant execute on function app.get_canvas_snapshot, app.get_canvas, app.get_block, app.page_end, app.get_blocks_page, app.next_sibling,
  app.last_sibling, app.get_block_gaps, app.get_canvas_heads, app.get_canvas_events,
  app.fail_events_gone to app_user;
