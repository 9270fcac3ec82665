-- A block as an event left it: from a create, edit or move alone, from a copy or restore among others. Null: not in this event.
create or replace function app.block_in_event(p_payload json, p_block_id uuid, p_version int) returns json
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  return (
    select found.block
    from json_array_elements(p_payload -> 'ops') as o (op)
    cross join lateral (
      select o.op -> 'block' as block
      union all
      select b.block from json_array_elements(o.op -> 'blocks') as b (block)
    ) found
    where found.block ->> 'id' = p_block_id::text and found.block ->> 'version' = p_version::text
    limit 1);
end $$;

-- Newest first: who made which version when, and the block as it left it (a move without its content, a deletion with nothing).
-- A page ends early when its events are large. p_before_version null: from the newest.
create or replace function app.get_block_history(
  p_user_id uuid, p_canvas_id uuid, p_block_id uuid, p_before_version int, p_limit int)
returns table (entry json, has_older boolean) language plpgsql set search_path = app, pg_temp as $$
declare
  v_max_bytes constant int := 8 * 1024 * 1024;
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  perform from blocks b where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.id = p_block_id;
  if not found then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.');
  end if;
  return query
    with page as materialized (
      select h.version, h.op, h.seq from block_versions h
      where h.workspace_id = v_workspace_id and h.canvas_id = p_canvas_id and h.block_id = p_block_id
        and h.version < coalesce(p_before_version, 2147483647)
      order by h.version desc limit least(greatest(p_limit, 1), 200)
    ), sized as materialized (
      select p.*, e.actor_user_id, e.created_at, e.payload,
        sum(octet_length(e.payload::text)) over (order by p.version desc) - octet_length(e.payload::text) as bytes_before
      from page p
      join canvas_events e on e.workspace_id = v_workspace_id and e.canvas_id = p_canvas_id and e.seq = p.seq
    )
    select json_build_object('version', s.version, 'op', s.op, 'seq', s.seq, 'user_id', s.actor_user_id, 'at', app.iso(s.created_at),
      'block', app.block_in_event(s.payload, p_block_id, s.version)), exists (select from block_versions h
        where h.workspace_id = v_workspace_id and h.canvas_id = p_canvas_id and h.block_id = p_block_id and h.version < s.version)
    from sized s where s.bytes_before < v_max_bytes order by s.version desc;
end $$;

-- Type and content that a block had at a version: those of the last event up to it that tells them.
create or replace function app.get_version_content(p_workspace_id uuid, p_canvas_id uuid, p_block_id uuid, p_version int) returns jsonb
language plpgsql stable set search_path = app, pg_temp as $$
declare
  v_block json;
begin
  perform from block_versions h
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id and h.block_id = p_block_id and h.version = p_version;
  if not found then
    return null;
  end if;
  select app.block_in_event(e.payload, p_block_id, h.version) into v_block
  from block_versions h
  join canvas_events e on e.workspace_id = p_workspace_id and e.canvas_id = p_canvas_id and e.seq = h.seq
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id and h.block_id = p_block_id and h.version <= p_version
    and h.op not in ('move', 'delete')
  order by h.version desc limit 1;
  return jsonb_build_object('type', v_block -> 'type', 'content', v_block -> 'content');
end $$;

-- {op: revert, block_id, version, to_version, rank}: a new version with the type and content of an earlier one, only if the block
-- is still at version. Out of the trash, where it is there.
create or replace function app.revert_block(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int,
  p_at timestamptz, p_seq bigint, p_alone text) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_version constant int := app.version_field(p_op, p_op_index);
  v_block blocks;
  v_old jsonb;
  v_json text;
begin
  select * into v_block from blocks b where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id;
  if not found then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.', app.op_detail(p_op_index, 'block_id'));
  end if;
  if v_block.version <> v_version then
    perform app.fail('PT409', 'block.version_conflict', 'The block was changed meanwhile.',
      app.op_detail(p_op_index, 'version') || jsonb_build_object('current', app.block_json(v_block)::jsonb));
  end if;
  v_old := app.get_version_content(p_workspace_id, p_canvas_id, v_id, (p_op ->> 'to_version')::int);
  if v_old is null or v_old -> 'content' = 'null' then
    perform app.fail('PT404', 'block.version_not_found', 'There is no such version of this block.');
  end if;
  if v_block.deleted_at is not null then
    return app.restore_block(p_user_id, p_workspace_id, p_canvas_id, p_op, p_op_index, p_at, p_seq, p_alone, v_old);
  end if;
  update blocks as b
  set type = v_old ->> 'type', content = v_old -> 'content', version = b.version + 1, updated_by = p_user_id, updated_at = p_at
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id
  returning app.block_json(b) into v_json;
  insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
  values (p_workspace_id, p_canvas_id, v_id, v_version + 1, p_seq, 'edit');
  return concat('{"op":"edit","block":', v_json, '}');
end $$;

grant execute on function app.block_in_event, app.get_block_history, app.get_version_content, app.revert_block to app_user;
