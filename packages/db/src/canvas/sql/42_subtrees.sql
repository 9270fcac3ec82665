-- What a block does together with all that stands below it. The caller holds the lock of each canvas that changes. p_seq is the
-- seq that the event will take: these write the rows of block_versions themselves.

-- A block and what stands below it, parents first: live blocks, or with p_trashed_with those that went to the trash with it, or
-- with p_all whatever is there. Level by level, so that no plan can cost more than reading the canvas 64 times. Beyond p_max
-- ids it ends early. The plan is made for each call: one that fits a single block takes minutes for ten thousand. (Functions that
-- write must not have that: it would hold for the checks of foreign keys too.)
create or replace function app.subtree(p_workspace_id uuid, p_canvas_id uuid, p_block_id uuid, p_trashed_with uuid, p_all boolean,
  p_max int, out ids uuid[], out height int)
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  v_level uuid[];
begin
  select array_agg(b.id) into v_level from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = p_block_id
    and (p_all or b.trashed_with is not distinct from p_trashed_with);
  height := 0;
  while v_level is not null and coalesce(cardinality(ids), 0) <= p_max loop
    ids := ids || v_level;
    height := height + 1;
    select array_agg(b.id order by b.parent_id, b.rank) into v_level from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id = any (v_level)
      and (p_all or b.trashed_with is not distinct from p_trashed_with);
  end loop;
end $$;

-- For what may be at most 5,000 blocks in one go.
create or replace function app.bounded_subtree(p_workspace_id uuid, p_canvas_id uuid, p_block_id uuid, p_all boolean, p_op_index int,
  out ids uuid[], out height int)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 5000;
begin
  select s.ids, s.height into ids, height from app.subtree(p_workspace_id, p_canvas_id, p_block_id, null, p_all, v_max) s;
  if ids is null then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.', app.op_detail(p_op_index, 'block_id'));
  end if;
  if cardinality(ids) > v_max then
    perform app.fail('PT400', 'block.subtree_too_large', format('At most %s blocks at once.', v_max), app.op_detail(p_op_index, 'block_id'));
  end if;
end $$;

-- Whether a subtree of p_height levels may come to stand below a parent (null: the top level).
create or replace function app.check_height(p_workspace_id uuid, p_canvas_id uuid, p_parent_id uuid, p_height int, p_op_index int)
returns void language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 64;
  v_depth int;
begin
  with recursive up as (
    select b.parent_id, 1 as depth from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = p_parent_id
    union all
    select b.parent_id, up.depth + 1 from up
    join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = up.parent_id
    where up.depth <= v_max
  )
  select coalesce(max(up.depth), 0) into v_depth from up;
  if v_depth + p_height > v_max then
    perform app.fail('PT400', 'block.too_deep', format('Blocks nest at most %s levels.', v_max), app.op_detail(p_op_index, 'parent_id'));
  end if;
end $$;

-- Full blocks as JSON, in the order of p_ids.
create or replace function app.blocks_json(p_workspace_id uuid, p_canvas_id uuid, p_ids uuid[]) returns text
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
  return (select concat('[', string_agg(app.block_json(b), ',' order by i.n), ']')
    from unnest(p_ids) with ordinality as i (id, n)
    join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = i.id);
end $$;

-- To the trash, with all that stands below. Rows that were there already stay with what took them there. The event names
-- every block that goes, or for more than 1,000 the one that was named: below it, clients drop what they have.
create or replace function app.delete_block(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int, p_at timestamptz) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max_named constant int := 1000;
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_version constant int := app.version_field(p_op, p_op_index);
  v_ids uuid[];
begin
  perform from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id and b.version = v_version and b.deleted_at is null;
  if not found then
    perform app.fail_stale(p_workspace_id, p_canvas_id, v_id, p_op_index);
  end if;
  v_ids := (app.subtree(p_workspace_id, p_canvas_id, v_id, null, false, 10000000)).ids;
  update blocks b
  set deleted_at = p_at, trashed_with = v_id, version = b.version + 1, updated_by = p_user_id, updated_at = p_at
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = any (v_ids);
  if cardinality(v_ids) > v_max_named then
    v_ids := array[v_id];
  end if;
  return concat('{"op":"delete","block_id":"', v_id, '","block_ids":', to_json(v_ids), '}');
end $$;

-- Copies live blocks (ids of app.bounded_subtree) with fresh ids, order kept, in a new place; from one canvas to the same or
-- another of the workspace. Files that the copies refer to come along under their ids.
create or replace function app.insert_copies(p_user_id uuid, p_workspace_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid,
  p_ids uuid[], p_copy_id uuid, p_parent_id uuid, p_rank text, p_op_index int, p_at timestamptz, p_seq bigint) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_copies constant uuid[] := array[p_copy_id] || (select array_agg(app.uuidv7()) from generate_series(2, cardinality(p_ids)));
begin
  perform from blocks b where b.workspace_id = p_workspace_id and b.canvas_id = p_to_canvas_id and b.id = p_copy_id;
  if found then
    perform app.fail('PT409', 'block.already_exists', 'A block with this id exists already, perhaps in the trash.',
      app.op_detail(p_op_index, 'copy_id'));
  end if;
  insert into blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by, created_at, updated_at)
  select p_workspace_id, p_to_canvas_id, c.copy_id, coalesce(p.copy_id, p_parent_id), b.type, b.content,
    case when c.copy_id = p_copy_id then p_rank else b.rank end, p_user_id, p_user_id, p_at, p_at
  from unnest(p_ids, v_copies) as c (id, copy_id)
  join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_from_canvas_id and b.id = c.id
  -- The block that is copied has its parent outside, and with a copy inside itself even that is none of these rows' business.
  left join unnest(p_ids, v_copies) as p (id, copy_id) on p.id = b.parent_id and c.copy_id <> p_copy_id;
  insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
  select p_workspace_id, p_to_canvas_id, c.id, 1, p_seq, 'copy' from unnest(v_copies) as c (id);
  perform app.bring_attachments(p_user_id, p_workspace_id, p_from_canvas_id, p_to_canvas_id, p_ids);
  return concat('{"op":"copy","block_id":"', p_copy_id, '","blocks":', app.blocks_json(p_workspace_id, p_to_canvas_id, v_copies), '}');
end $$;

-- The files that blocks refer to, to the canvas that the blocks go to.
create or replace function app.bring_attachments(
  p_user_id uuid, p_workspace_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid, p_block_ids uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_ids uuid[];
begin
  if p_from_canvas_id <> p_to_canvas_id then
    select array_agg(distinct (b.content ->> 'attachment_id')::uuid) into v_ids
    from unnest(p_block_ids) as i (id)
    join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_from_canvas_id and b.id = i.id
    where app.is_uuid(b.content ->> 'attachment_id');
    if v_ids is not null then
      perform app.copy_attachments(p_user_id, p_from_canvas_id, p_to_canvas_id, v_ids);
    end if;
  end if;
end $$;

-- {op: copy, block_id, copy_id, parent_id, after_id, rank}
create or replace function app.copy_block(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int,
  p_at timestamptz, p_seq bigint) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_copy_id constant uuid := app.uuid_field(p_op, 'copy_id', p_op_index, false);
  v_tree constant record := app.bounded_subtree(p_workspace_id, p_canvas_id, v_id, false, p_op_index);
  v_place record;
begin
  v_place := app.check_place(p_workspace_id, p_canvas_id, p_op, p_op_index, v_copy_id);
  perform app.check_height(p_workspace_id, p_canvas_id, v_place.parent_id, v_tree.height, p_op_index);
  return app.insert_copies(p_user_id, p_workspace_id, p_canvas_id, p_canvas_id, v_tree.ids, v_copy_id, v_place.parent_id,
    v_place.rank, p_op_index, p_at, p_seq);
end $$;

grant execute on function app.subtree, app.bounded_subtree, app.check_height, app.blocks_json, app.delete_block, app.insert_copies,
  app.bring_attachments, app.copy_block to app_user;

grant select, insert, delete on app.block_versions to app_user;
