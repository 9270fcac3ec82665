-- Takes the canvas's lock for a writer, and sets the context. Only who may have the lock gets to wait for it; access is decided
-- again once it is held, so that a revocation which committed while we waited counts. The wait is shorter than the deadline of a
-- statement: who waits holds a connection, and one that missed its deadline would cost the pool its connections.
create or replace function app.lock_canvas(p_user_id uuid, p_canvas_id uuid, p_needed_role text,
  out workspace_id uuid, out role text, out is_archived boolean, out epoch uuid, out seq bigint)
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '400ms' as $$
declare
  v_needed_rank constant int := app.role_rank(p_needed_role);
  v_access record;
begin
  -- Twice only for somebody who was let in between the two statements.
  while epoch is null loop
    select h.epoch, h.seq into epoch, seq from canvas_heads h
    where h.canvas_id = p_canvas_id
      and (select d.rank from app.decide_canvas_access(p_user_id, p_canvas_id) d) >= v_needed_rank
    for update;
    -- Fails for whoever may not.
    v_access := app.set_canvas_context(p_user_id, p_canvas_id, p_needed_role);
  end loop;
  workspace_id := v_access.workspace_id;
  role := v_access.role;
  is_archived := v_access.is_archived;
end $$;

create or replace function app.check_not_archived(p_workspace_id uuid, p_canvas_id uuid) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform from canvases c where c.workspace_id = p_workspace_id and c.id = p_canvas_id and c.archived_at is not null;
  if found then
    perform app.fail('PT409', 'canvas.archived', 'This canvas is archived.');
  end if;
end $$;

-- Takes the next seq and appends the event. The caller holds the canvas's lock. Returns what clients get.
create or replace function app.append_canvas_event(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_type text,
  p_mutation_id uuid, p_request_hash text, p_request_id text, p_payload json, p_at timestamptz, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_epoch uuid;
  v_request_id constant text := coalesce(p_request_id, '');
begin
  update canvas_heads h set seq = h.seq + 1
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id
  returning h.seq, h.epoch into append_canvas_event.seq, v_epoch;
  -- Without returning, for which the policy would be looked at once more.
  insert into canvas_events
    (workspace_id, canvas_id, seq, type, mutation_id, request_hash, actor_user_id, request_id, payload, created_at)
  values (p_workspace_id, p_canvas_id, append_canvas_event.seq, p_type, p_mutation_id, p_request_hash, p_user_id,
    v_request_id, p_payload, p_at);
  frame := app.frame_of(p_canvas_id, v_epoch, append_canvas_event.seq, p_type, p_mutation_id, p_user_id, v_request_id, p_at, p_payload);
end $$;

create or replace function app.append_audit(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_action text,
  p_target_type text, p_target_id text, p_before jsonb, p_after jsonb, p_request_id text, out id uuid)
language plpgsql set search_path = app, pg_temp as $$
begin
  id := app.uuidv7();
  insert into audit_logs (id, workspace_id, actor_type, actor_user_id, action, target_type, target_id, canvas_id, before, after, request_id)
  values (append_audit.id, p_workspace_id, 'user', p_user_id, p_action, p_target_type, p_target_id, p_canvas_id, p_before, p_after, p_request_id);
end $$;

-- Where p_op wants its block to stand: right after after_id (null: first; absent: last). Fails unless the parent is live on
-- this canvas and the rank still lies between the neighbours that stand there now: others may have come in between, or a
-- rebalance may have changed the ranks. A before_id, where given, must still be the next.
create or replace function app.check_place(
  p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int, p_block_id uuid, out parent_id uuid, out rank text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_after_id constant uuid := app.uuid_field(p_op, 'after_id', p_op_index, true);
  v_before_id constant uuid := app.uuid_field(p_op, 'before_id', p_op_index, true);
  v_after_rank text collate "C" := '';
  v_before record;
begin
  parent_id := app.uuid_field(p_op, 'parent_id', p_op_index, true);
  rank := p_op ->> 'rank';
  if rank is null then
    perform app.fail('PT400', 'block.rank_invalid', 'rank is required.', app.op_detail(p_op_index, 'rank'));
  end if;
  if parent_id is not null then
    perform app.check_parent(p_workspace_id, p_canvas_id, parent_id, p_block_id, p_op ->> 'op' = 'move', p_op_index);
  end if;
  if not p_op ? 'after_id' then
    v_after_rank := (app.last_sibling(p_workspace_id, p_canvas_id, parent_id, p_block_id)).rank;
  elsif v_after_id is not null then
    select b.rank into v_after_rank from blocks b
    where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_after_id
      and b.parent_id is not distinct from check_place.parent_id and b.id <> p_block_id;
    if not found then
      perform app.fail('PT409', 'block.gap_moved', 'The place changed meanwhile.', app.op_detail(p_op_index, 'after_id'));
    end if;
  end if;
  v_before := app.next_sibling(p_workspace_id, p_canvas_id, parent_id, coalesce(v_after_rank, ''), p_block_id);
  if rank <= v_after_rank or rank collate "C" >= v_before.rank or (p_op ? 'before_id' and v_before.id is distinct from v_before_id) then
    perform app.fail('PT409', 'block.gap_moved', 'The place changed meanwhile.', app.op_detail(p_op_index, 'rank'));
  end if;
end $$;

-- The parent is live and on this canvas; 64 levels at most. A block on the move brings its subtree, and must not come to
-- stand inside it.
create or replace function app.check_parent(
  p_workspace_id uuid, p_canvas_id uuid, p_parent_id uuid, p_block_id uuid, p_moves boolean, p_op_index int) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 64;
  v_depth int;
  v_height int := 1;
  v_cycle boolean;
begin
  perform from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = p_parent_id and b.deleted_at is null;
  if not found then
    perform app.fail('PT400', 'block.parent_not_found', 'The parent is not on this canvas.', app.op_detail(p_op_index, 'parent_id'));
  end if;
  with recursive up as (
    select p_parent_id as id, 1 as depth
    union all
    select b.parent_id, up.depth + 1 from up
    join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = up.id
    where b.parent_id is not null and up.depth <= v_max
  )
  select max(up.depth), bool_or(up.id = p_block_id) into v_depth, v_cycle from up;
  if v_cycle then
    perform app.fail('PT400', 'block.cycle', 'A block cannot stand inside itself.', app.op_detail(p_op_index, 'parent_id'));
  end if;
  if p_moves then
    with recursive down as (
      select p_block_id as id, 1 as height
      union all
      select b.id, down.height + 1 from down
      join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.parent_id = down.id
      where down.height <= v_max
    )
    select max(down.height) into v_height from down;
  end if;
  if v_depth + v_height > v_max then
    perform app.fail('PT400', 'block.too_deep', format('Blocks nest at most %s levels.', v_max), app.op_detail(p_op_index, 'parent_id'));
  end if;
end $$;

-- Why an edit, move or delete found no row: the block is gone, or has another version.
create or replace function app.fail_stale(p_workspace_id uuid, p_canvas_id uuid, p_block_id uuid, p_op_index int) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_current text;
begin
  select app.block_json(b) into v_current from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = p_block_id and b.deleted_at is null;
  if v_current is null then
    perform app.fail('PT404', 'block.not_found', 'There is no such block.', app.op_detail(p_op_index, 'block_id'));
  end if;
  perform app.fail('PT409', 'block.version_conflict', 'The block was changed meanwhile.',
    app.op_detail(p_op_index, 'version') || jsonb_build_object('current', v_current::jsonb));
end $$;

create or replace function app.create_block(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int, p_at timestamptz) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_place record;
  v_block text;
begin
  if not (p_op ? 'type' and p_op ? 'content') then
    perform app.fail('PT400', 'block.content_invalid', 'type and content are required.', app.op_detail(p_op_index));
  end if;
  v_place := app.check_place(p_workspace_id, p_canvas_id, p_op, p_op_index, v_id);
  insert into blocks as b (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by, created_at, updated_at)
  values (p_workspace_id, p_canvas_id, v_id, v_place.parent_id, p_op ->> 'type', p_op -> 'content', v_place.rank,
    p_user_id, p_user_id, p_at, p_at)
  on conflict (workspace_id, canvas_id, id) do nothing
  returning app.block_json(b) into v_block;
  if v_block is null then
    perform app.fail('PT409', 'block.already_exists', 'A block with this id exists already, perhaps in the trash.',
      app.op_detail(p_op_index, 'block_id'));
  end if;
  return concat('{"op":"create","block":', v_block, '}');
end $$;

-- refused_types: an edit of content alone is checked for its form by the caller, who does not know the block's type; these
-- types would not take it.
create or replace function app.edit_block(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int, p_at timestamptz) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  v_version constant int := app.version_field(p_op, p_op_index);
  v_block text;
  v_type text;
begin
  if not (p_op ? 'type' or p_op ? 'content') then
    perform app.fail('PT400', 'block.content_invalid', 'An edit needs content or type.', app.op_detail(p_op_index));
  end if;
  update blocks as b
  set content = coalesce(p_op -> 'content', b.content), type = coalesce(p_op ->> 'type', b.type),
    version = b.version + 1, updated_by = p_user_id, updated_at = p_at
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id
    and b.version = v_version and b.deleted_at is null
  returning app.block_json(b), b.type into v_block, v_type;
  if v_block is null then
    perform app.fail_stale(p_workspace_id, p_canvas_id, v_id, p_op_index);
  end if;
  if p_op -> 'refused_types' ? v_type then
    perform app.fail('PT400', 'block.content_invalid', format('This is no content of a block of type %s.', v_type),
      app.op_detail(p_op_index, 'content'));
  end if;
  return concat('{"op":"edit","block":', v_block, '}');
end $$;

create or replace function app.move_block(
  p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_op jsonb, p_op_index int, p_at timestamptz) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_id constant uuid := app.uuid_field(p_op, 'block_id', p_op_index, false);
  -- Null: whatever it is now.
  v_version constant int := case when p_op -> 'version' is distinct from 'null' then app.version_field(p_op, p_op_index) end;
  v_place record;
  v_block text;
begin
  -- First the version: of a block that another has moved meanwhile, the gap is of no interest.
  perform from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id
    and (b.version = v_version or v_version is null) and b.deleted_at is null;
  if not found then
    perform app.fail_stale(p_workspace_id, p_canvas_id, v_id, p_op_index);
  end if;
  v_place := app.check_place(p_workspace_id, p_canvas_id, p_op, p_op_index, v_id);
  update blocks as b
  set parent_id = v_place.parent_id, rank = v_place.rank, version = b.version + 1, updated_by = p_user_id, updated_at = p_at
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and b.id = v_id
  returning app.moved_block_json(b) into v_block;
  return concat('{"op":"move","block":', v_block, '}');
end $$;

-- All or nothing, under the canvas's lock: one mutation, one seq, one event. The same mutation_id with the same request_hash
-- answers what it answered the first time; with another hash it is a conflict. Only accepted mutations are remembered.
create or replace function app.apply_block_mutations(
  p_user_id uuid, p_canvas_id uuid, p_mutation_id uuid, p_request_hash text, p_ops jsonb, p_request_id text,
  out result json, out replayed boolean, out workspace_id uuid, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  -- What is sent to every member: 4 MiB with the frame around it.
  v_max_payload constant int := 4 * 1024 * 1024 - 1024;
  v_head record;
  v_known canvas_events;
  v_at timestamptz;
  v_op jsonb;
  v_wrong text;
  v_count constant int := case when jsonb_typeof(p_ops) = 'array' then jsonb_array_length(p_ops) end;
  v_event record;
  v_audit_id uuid;
  -- The request, when there is but one op.
  v_alone text;
  v_result text;
  v_results text[] := '{}';
  v_bytes int := 0;
  v_payload text;
  v_is_long boolean := false;
begin
  if p_mutation_id is null then
    perform app.fail('PT400', 'canvas.mutation_id_missing', 'A mutation needs an id.');
  end if;
  if (v_count between 1 and 5000) is not true then
    perform app.fail('PT400', 'canvas.ops_invalid', 'ops must be a list of 1 to 5000 operations.', '{"pointer": "/ops"}');
  end if;
  v_head := app.lock_canvas(p_user_id, p_canvas_id, 'editor');
  workspace_id := v_head.workspace_id;
  v_known := app.find_mutation(v_head.workspace_id, p_canvas_id, p_mutation_id, p_request_hash);
  if v_known.seq is not null then
    replayed := true;
    seq := v_known.seq;
    frame := app.event_frame(v_known, v_head.epoch);
    result := app.mutation_result(p_mutation_id, v_head.epoch, seq, v_known.payload);
    return;
  end if;
  if v_head.is_archived then
    perform app.check_not_archived(v_head.workspace_id, p_canvas_id);
  end if;
  -- Not now(): that is when we began to wait for the lock.
  v_at := clock_timestamp();
  if v_count = 1 then
    v_alone := coalesce(p_request_id, '');
  end if;
  for v_index in 0 .. v_count - 1 loop
    v_op := p_ops -> v_index;
    v_wrong := app.wrong_text_field(v_op);
    if v_wrong is not null then
      perform app.fail_field(v_wrong, v_index);
    end if;
    if char_length(v_op ->> 'rank') > 48 then
      v_is_long := true;
    end if;
    v_result := case v_op ->> 'op'
      when 'create' then app.create_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at)
      when 'edit' then app.edit_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at)
      when 'move' then app.move_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at)
      when 'delete' then app.delete_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at)
      when 'copy' then app.copy_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at, v_head.seq + 1)
      when 'restore' then app.restore_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at, v_head.seq + 1, v_alone)
      when 'revert' then app.revert_block(p_user_id, v_head.workspace_id, p_canvas_id, v_op, v_index, v_at, v_head.seq + 1, v_alone)
    end;
    if v_result is null then
      perform app.fail('PT400', 'block.op_unknown', 'op must be create, edit, move, copy, delete or restore.', app.op_detail(v_index, 'op'));
    end if;
    v_results := v_results || v_result;
    -- Within the loop, because a few words can copy thousands of blocks.
    v_bytes := v_bytes + octet_length(v_result) + 1;
    if v_bytes > v_max_payload then
      perform app.fail('PT400', 'canvas.mutation_too_large', 'A mutation changes at most 4 MiB of blocks.', '{"pointer": "/ops"}');
    end if;
  end loop;
  v_payload := concat('{"ops":[', array_to_string(v_results, ','), ']}');
  -- Whatever makes more than one version writes its own. One op alone, which is nearly all, needs no query over the list.
  if v_count > 1 then
    insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
    select v_head.workspace_id, p_canvas_id, (o ->> 'block_id')::uuid, app.made_version(o, v_payload), v_head.seq + 1, o ->> 'op'
    from jsonb_array_elements(p_ops) o where o ->> 'op' in ('create', 'edit', 'move', 'delete');
  elsif v_op ->> 'op' in ('create', 'edit', 'move', 'delete') then
    insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
    values (v_head.workspace_id, p_canvas_id, (v_op ->> 'block_id')::uuid, app.made_version(v_op, v_payload), v_head.seq + 1, v_op ->> 'op');
  end if;
  -- Assigned, not selected: that takes no executor.
  v_event := app.append_canvas_event(p_user_id, v_head.workspace_id, p_canvas_id, 'blocks.mutated', p_mutation_id, p_request_hash,
    p_request_id, v_payload::json, v_at);
  seq := v_event.seq;
  frame := v_event.frame;
  v_audit_id := app.append_audit(p_user_id, v_head.workspace_id, p_canvas_id, 'block.mutate', 'canvas', p_canvas_id::text,
    null, jsonb_build_object('seq', seq, 'ops', v_count), p_request_id);
  if v_is_long then
    perform app.queue_rebalance(v_head.workspace_id, p_canvas_id, p_request_id);
  end if;
  replayed := false;
  result := app.mutation_result(p_mutation_id, v_head.epoch, seq, v_payload::json);
end $$;

create or replace function app.mutation_result(p_mutation_id uuid, p_epoch uuid, p_seq bigint, p_payload json) returns json
language sql stable parallel safe
  return concat('{"mutation_id":"', p_mutation_id, '","epoch":"', p_epoch, '","seq":', p_seq, ',"ops":', p_payload -> 'ops', '}')::json;

-- One op on one block. p_version null creates; a patch with rank moves; else it edits.
create or replace function app.rpc_upsert_block_atomic(
  p_user_id uuid, p_canvas_id uuid, p_mutation_id uuid, p_request_hash text, p_block_id uuid, p_version int, p_patch jsonb,
  p_request_id text, out result json, out replayed boolean, out workspace_id uuid, out seq bigint, out frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_op jsonb := p_patch || jsonb_build_object('block_id', p_block_id);
begin
  if p_version is null then
    v_op := v_op || '{"op": "create"}';
  elsif p_patch ? 'rank' and (p_patch ? 'content' or p_patch ? 'type') then
    perform app.fail('PT400', 'block.one_op', 'A block is either edited or moved by one op.', app.op_detail(0));
  else
    v_op := v_op || jsonb_build_object('op', case when p_patch ? 'rank' then 'move' else 'edit' end, 'version', p_version);
  end if;
  select a.result, a.replayed, a.workspace_id, a.seq, a.frame into result, replayed, workspace_id, seq, frame
  from app.apply_block_mutations(p_user_id, p_canvas_id, p_mutation_id, p_request_hash, jsonb_build_array(v_op), p_request_id) a;
end $$;

grant execute on function app.lock_canvas, app.check_not_archived, app.append_canvas_event, app.append_audit, app.check_place,
  app.check_parent, app.fail_stale, app.create_block, app.edit_block, app.move_block, app.mutation_result,
  app.apply_block_mutations, app.rpc_upsert_block_atomic to app_user;
