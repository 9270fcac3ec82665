-- {op: copy | move, block_id, version?, copy_id, parent_id, after_id?, rank}: a subtree from one canvas to another of the same
-- workspace, in one transaction with one event on each canvas that changes. A copy needs viewer on the source, a move editor on
-- both. Idempotent by mutation_id on the target, as app.apply_block_mutations is. What moves keeps its ids; its history begins
-- anew, because the events that tell the old one are the other canvas's.
create or replace function app.transfer_block(p_user_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid, p_mutation_id uuid,
  p_request_hash text, p_op jsonb, p_request_id text,
  out result json, out replayed boolean, out workspace_id uuid, out seq bigint, out frame text, out source_seq bigint, out source_frame text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_moves constant boolean := p_op ->> 'op' = 'move';
  v_needed constant text := case when v_moves then 'editor' else 'viewer' end;
  v_id constant uuid := app.uuid_field(p_op, 'block_id', 0, false);
  v_head record;
  v_known canvas_events;
  v_at timestamptz;
  v_payload text;
  v_source_payload text;
begin
  if p_mutation_id is null then
    perform app.fail('PT400', 'canvas.mutation_id_missing', 'A mutation needs an id.');
  end if;
  workspace_id := (app.set_canvas_context(p_user_id, p_from_canvas_id, v_needed)).workspace_id;
  if workspace_id <> (app.set_canvas_context(p_user_id, p_to_canvas_id, 'editor')).workspace_id then
    perform app.fail('PT409', 'block.other_tenant', 'Blocks do not leave their workspace.', '{"pointer": "/to_canvas_id"}');
  end if;
  -- The lower id first, so that two who move in opposite directions do not wait for each other. What is only copied is held
  -- as well: it is read by several statements.
  if p_from_canvas_id < p_to_canvas_id then
    perform app.lock_canvas(p_user_id, p_from_canvas_id, v_needed);
  end if;
  v_head := app.lock_canvas(p_user_id, p_to_canvas_id, 'editor');
  if p_from_canvas_id > p_to_canvas_id then
    perform app.lock_canvas(p_user_id, p_from_canvas_id, v_needed);
  else
    perform app.set_canvas_context(p_user_id, p_from_canvas_id, v_needed);
  end if;
  -- Both are of this workspace and the caller may do this on each: from here on, policies let both through.
  perform set_config('app.canvas_id', '', true);
  v_known := app.find_mutation(v_head.workspace_id, p_to_canvas_id, p_mutation_id, p_request_hash);
  if v_known.seq is not null then
    replayed := true;
    seq := v_known.seq;
    frame := app.event_frame(v_known, v_head.epoch);
    result := app.mutation_result(p_mutation_id, v_head.epoch, seq, v_known.payload);
  else
    perform app.check_not_archived(v_head.workspace_id, p_to_canvas_id);
    v_at := clock_timestamp();
    if v_moves then
      perform app.check_not_archived(v_head.workspace_id, p_from_canvas_id);
      select m.payload, m.source_payload into v_payload, v_source_payload
      from app.move_across(p_user_id, v_head.workspace_id, p_from_canvas_id, p_to_canvas_id, v_id, p_op, v_at, v_head.seq + 1) m;
    else
      v_payload := app.copy_across(p_user_id, v_head.workspace_id, p_from_canvas_id, p_to_canvas_id, v_id, p_op, v_at, v_head.seq + 1);
    end if;
    if octet_length(v_payload) > 4 * 1024 * 1024 - 1024 then
      perform app.fail('PT400', 'canvas.mutation_too_large', 'A mutation changes at most 4 MiB of blocks.', '{"pointer": "/block_id"}');
    end if;
    select e.seq, e.frame into seq, frame from app.append_canvas_event(p_user_id, v_head.workspace_id, p_to_canvas_id,
      'blocks.mutated', p_mutation_id, p_request_hash, p_request_id, v_payload::json, v_at) e;
    perform app.append_audit(p_user_id, v_head.workspace_id, p_to_canvas_id, 'block.mutate', 'canvas', p_to_canvas_id::text, null,
      jsonb_build_object('seq', seq, 'ops', 1, p_op ->> 'op', v_id, 'from_canvas_id', p_from_canvas_id), p_request_id);
    if v_moves then
      select e.seq, e.frame into source_seq, source_frame from app.append_canvas_event(p_user_id, v_head.workspace_id, p_from_canvas_id,
        'blocks.mutated', p_mutation_id, p_request_hash, p_request_id, v_source_payload::json, v_at) e;
      perform app.append_audit(p_user_id, v_head.workspace_id, p_from_canvas_id, 'block.mutate', 'canvas', p_from_canvas_id::text, null,
        jsonb_build_object('seq', source_seq, 'ops', 1, 'move', v_id, 'to_canvas_id', p_to_canvas_id), p_request_id);
    end if;
    perform app.queue_needed_rebalance(v_head.workspace_id, p_to_canvas_id, p_request_id);
    replayed := false;
    result := app.mutation_result(p_mutation_id, v_head.epoch, seq, v_payload::json);
  end if;
  perform app.set_canvas_context(p_user_id, p_to_canvas_id, 'editor');
end $$;

create or replace function app.copy_across(p_user_id uuid, p_workspace_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid,
  p_block_id uuid, p_op jsonb, p_at timestamptz, p_seq bigint) returns text
language plpgsql set search_path = app, pg_temp as $$
declare
  v_copy_id constant uuid := app.uuid_field(p_op, 'copy_id', 0, false);
  v_tree constant record := app.bounded_subtree(p_workspace_id, p_from_canvas_id, p_block_id, false, 0);
  v_place record;
begin
  v_place := app.check_place(p_workspace_id, p_to_canvas_id, p_op, 0, v_copy_id);
  perform app.check_height(p_workspace_id, p_to_canvas_id, v_place.parent_id, v_tree.height, 0);
  return concat('{"ops":[', app.insert_copies(p_user_id, p_workspace_id, p_from_canvas_id, p_to_canvas_id, v_tree.ids, v_copy_id,
    v_place.parent_id, v_place.rank, 0, p_at, p_seq), ']}');
end $$;

-- What is in the trash below it comes along, and stays in the trash.
create or replace function app.move_across(p_user_id uuid, p_workspace_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid,
  p_block_id uuid, p_op jsonb, p_at timestamptz, p_seq bigint, out payload text, out source_payload text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_tree record;
  v_live uuid[];
  v_place record;
  v_version int;
begin
  select b.version into v_version from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_from_canvas_id and b.id = p_block_id and b.deleted_at is null;
  if v_version is distinct from coalesce((p_op ->> 'version')::int, v_version) or v_version is null then
    perform app.fail_stale(p_workspace_id, p_from_canvas_id, p_block_id, 0);
  end if;
  v_tree := app.bounded_subtree(p_workspace_id, p_from_canvas_id, p_block_id, true, 0);
  perform from blocks b where b.workspace_id = p_workspace_id and b.canvas_id = p_to_canvas_id and b.id = any (v_tree.ids) limit 1;
  if found then
    perform app.fail('PT409', 'block.already_exists', 'A block with this id exists already, perhaps in the trash.', app.op_detail(0, 'block_id'));
  end if;
  -- As if it were new there: on that canvas it is nobody's ancestor.
  v_place := app.check_place(p_workspace_id, p_to_canvas_id, p_op || '{"op": "create"}', 0, p_block_id);
  perform app.check_height(p_workspace_id, p_to_canvas_id, v_place.parent_id, v_tree.height, 0);
  perform app.bring_attachments(p_user_id, p_workspace_id, p_from_canvas_id, p_to_canvas_id, v_tree.ids);
  -- What the source's events tell of them is taken out of these in 30 days; of what is in the trash, when it would be purged.
  insert into departed_versions (workspace_id, canvas_id, block_id, seq, due_at)
  select distinct p_workspace_id, p_from_canvas_id, h.block_id, h.seq, coalesce(b.deleted_at, p_at) + app.trash_age()
  from block_versions h
  join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_from_canvas_id and b.id = h.block_id
  where h.workspace_id = p_workspace_id and h.canvas_id = p_from_canvas_id and h.block_id = any (v_tree.ids)
    and h.op not in ('move', 'delete');
  delete from block_versions h
  where h.workspace_id = p_workspace_id and h.canvas_id = p_from_canvas_id and h.block_id = any (v_tree.ids);
  update blocks b
  set canvas_id = p_to_canvas_id, parent_id = case when b.id = p_block_id then v_place.parent_id else b.parent_id end,
    rank = case when b.id = p_block_id then v_place.rank else b.rank end,
    version = b.version + (b.deleted_at is null)::int,
    updated_by = case when b.deleted_at is null then p_user_id else b.updated_by end,
    updated_at = case when b.deleted_at is null then p_at else b.updated_at end
  where b.workspace_id = p_workspace_id and b.canvas_id = p_from_canvas_id and b.id = any (v_tree.ids);
  -- Threads go with what they are about, also with what is in the trash.
  update comments c set canvas_id = p_to_canvas_id
  where c.workspace_id = p_workspace_id and c.canvas_id = p_from_canvas_id and c.block_id = any (v_tree.ids);
  select array_agg(b.id order by i.n) into v_live
  from unnest(v_tree.ids) with ordinality as i (id, n)
  join blocks b on b.workspace_id = p_workspace_id and b.canvas_id = p_to_canvas_id and b.id = i.id and b.deleted_at is null;
  insert into block_versions (workspace_id, canvas_id, block_id, version, seq, op)
  select p_workspace_id, p_to_canvas_id, b.id, b.version, p_seq, 'copy' from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_to_canvas_id and b.id = any (v_live);
  payload := concat('{"ops":[{"op":"copy","block_id":"', p_block_id, '","blocks":',
    app.blocks_json(p_workspace_id, p_to_canvas_id, v_live), '}]}');
  source_payload := concat('{"ops":[{"op":"delete","block_id":"', p_block_id, '","block_ids":', to_json(v_live), '}]}');
end $$;

grant execute on function app.transfer_block, app.copy_across, app.move_across to app_user;
