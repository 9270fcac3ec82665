-- {op: restore, block_id, rank}: out of the trash, with what went there with it, to where it stood. Where its parent is gone, to
-- the end of the top level: that is what rank is for. Also part of what went can be named. p_patch: type and content that it is
-- to have. More than one event can carry is told by several, parents first: only if the op is alone in its mutation, whose
-- request p_alone then names. The last of them is the mutation's.
create or replace function app.restore_block(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int,
  p_at timestamptz, p_seq bigint, p_alone text, p_patch jsonb default '{}') returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 100000;
  v_chunk constant int := 3 * 1024 * 1024;
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_block blocks;
  v_place record;
  v_ids uuid[];
  v_part uuid[];
  v_seq bigint := p_seq;
  v_text text;
begin
  select * into v_block from blocks b where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id;
  if not found then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.', app.op_detail(p_op_index, 'block_id'));
  end if;
  if v_block.deleted_at is null then
    perform app.fail('PT409', 'block.not_in_trash', 'This block is not in the trash.',
      app.op_detail(p_op_index, 'block_id') || jsonb_build_object('current', app.block_json(v_block)::jsonb));
  end if;
  v_ids := (app.subtree(p_workspace_id, p_canvas_id, v_id, v_block.trashed_with, false, v_max)).ids;
  if cardinality(v_ids) > v_max then
    perform app.fail('PT409', 'block.subtree_too_large', format('At most %s blocks at once.', v_max), app.op_detail(p_op_index, 'block_id'));
  end if;
  perform from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_block.parent_id and b.deleted_at is null;
  if found then
    perform app.check_parent(p_workspace_id, p_canvas_id, v_block.parent_id, v_id, true, p_op_index);
  elsif v_block.parent_id is not null then
    v_place := app.check_place(p_workspace_id, p_canvas_id, p_op - 'after_id' - 'before_id' - 'parent_id', p_op_index, v_id);
    v_block.parent_id := null;
    v_block.rank := v_place.rank;
  end if;
  update blocks b
  set deleted_at = null, trashed_with = null, version = b.version + 1, updated_by = p_user_id, updated_at = p_at,
    parent_id = case when b.id = v_id then v_block.parent_id else b.parent_id end,
    rank = case when b.id = v_id then v_block.rank else b.rank end,
    type = case when b.id = v_id then coalesce(p_patch ->> 'type', b.type) else b.type end,
    content = case when b.id = v_id then coalesce(p_patch -> 'content', b.content) else b.content end
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = any (v_ids);
  for v_part in select p.ids from app.split_blocks(p_workspace_id, p_canvas_id, v_ids, v_chunk) p loop
    if v_text is not null and p_alone is null then
      perform app.fail('PT409', 'block.subtree_too_large', 'This is too large to come back in a batch with other operations.',
        app.op_detail(p_op_index, 'block_id'));
    elsif v_text is not null then
      perform app.append_canvas_event(p_user_id, p_workspace_id, p_canvas_id, 'blocks.mutated', null, null, p_alone,
        concat('{"ops":[', v_text, ']}')::json, p_at);
      v_seq := v_seq + 1;
    end if;
    -- Of every block that came back, so that the purge finds all that is told of it.
    insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
    select p_workspace_id, p_canvas_id, b.id, b.version, v_seq, 'restore' from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = any (v_part);
    v_text := concat('{"op":"restore","block_id":"', v_part[1], '","blocks":', app.blocks_json(p_workspace_id, p_canvas_id, v_part), '}');
  end loop;
  return v_text;
end $$;

-- Ids in their order, in parts whose blocks are at most about p_bytes of JSON.
create or replace function app.split_blocks(p_workspace_id uuid, p_canvas_id uuid, p_ids uuid[], p_bytes int) returns table (ids uuid[])
language plpgsql stable set search_path = app, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
  return query
    select array_agg(s.id order by s.n)
    from (
      select i.id, i.n, sum(octet_length(b.content::text) + 600) over (order by i.n) / p_bytes as part
      from unnest(p_ids) with ordinality as i (id, n)
      join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = i.id
    ) s
    group by s.part order by s.part;
end $$;

-- What was deleted by name, last first, with how many blocks went with it. The cursor is the last row read.
create or replace function app.list_trash(
  p_user_id uuid, p_canvas_id uuid, p_cursor_deleted_at timestamptz, p_cursor_id uuid, p_limit int)
returns table (item json) language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_deleted_at constant timestamptz := coalesce(p_cursor_deleted_at, 'infinity');
  v_id constant uuid := coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  return query
    select json_build_object('block_id', b.id, 'type', b.type, 'preview', app.block_preview(b.content), 'version', b.version,
      'deleted_at', app.iso(b.deleted_at), 'deleted_by', b.updated_by, 'purge_at', app.iso(b.deleted_at + app.trash_age()),
      'below', (select count(*) - 1 from blocks o
        where o.workspace_id = v_workspace_id and o.canvas_id = p_canvas_id and o.trashed_with = b.id and o.deleted_at is not null))
    from blocks b
    where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.trashed_with = b.id
      and (b.deleted_at, b.id) < (v_deleted_at, v_id)
    order by b.deleted_at desc, b.id desc limit least(greatest(p_limit, 1), 501);
end $$;

create or replace function app.trash_age() returns interval language sql immutable parallel safe return interval '30 days';

-- The first words of a block, of whatever type.
create or replace function app.block_preview(p_content jsonb) returns text language sql immutable parallel safe
  return left(coalesce(p_content ->> 'text', p_content ->> 'title', p_content ->> 'name', p_content ->> 'alt', p_content ->> 'url', ''), 200);

grant execute on function app.restore_block, app.split_blocks, app.list_trash, app.trash_age, app.block_preview to app_user;
