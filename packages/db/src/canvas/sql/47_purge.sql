-- Taking content out of events that are told no more. No client ever sees that an event has changed: min_seq goes up to the
-- newest that did, and who is behind it takes a snapshot. An event keeps its form: {} stands where the content was, so that a
-- mutation that is sent again still answers what it did.

create or replace function app.erase_block(p_block json, p_block_ids uuid[]) returns json language sql immutable parallel safe
  return case when p_block -> 'content' is not null and (p_block ->> 'id')::uuid = any (p_block_ids)
    then (p_block::jsonb || '{"content": {}}')::json else p_block end;

-- The payload of a blocks.mutated in which these blocks have no content.
create or replace function app.erase_blocks(p_payload json, p_block_ids uuid[]) returns json
language plpgsql immutable set search_path = app, pg_temp as $$
begin
  return (
    select concat('{"ops":[', string_agg(case
      when o.op -> 'block' is not null then concat('{"op":', o.op -> 'op', ',"block":', app.erase_block(o.op -> 'block', p_block_ids), '}')
      when o.op -> 'blocks' is not null then concat('{"op":', o.op -> 'op', ',"block_id":', o.op -> 'block_id', ',"blocks":[', (
        select string_agg(app.erase_block(b.block, p_block_ids)::text, ',' order by b.n)
        from json_array_elements(o.op -> 'blocks') with ordinality as b (block, n)), ']}')
      else o.op::text end, ',' order by o.n), ']}')
    from json_array_elements(p_payload -> 'ops') with ordinality as o (op, n));
end $$;

-- Takes the content of each block out of the event named at the same index, oldest event first, until p_bytes of events are
-- rewritten, but one at least. Answers the seqs that it came to. The caller holds the canvas's lock.
create or replace function app.erase_from_events(
  p_workspace_id uuid, p_canvas_id uuid, p_block_ids uuid[], p_seqs bigint[], p_bytes int) returns bigint[]
language plpgsql set search_path = app, pg_temp as $$
declare
  v_event record;
  v_payload json;
  v_bytes int := 0;
  v_done bigint[] := '{}';
begin
  for v_event in
    select p.seq, array_agg(distinct p.block_id) as block_ids from unnest(p_block_ids, p_seqs) as p (block_id, seq) group by p.seq order by p.seq
  loop
    select e.payload into v_payload from canvas_events e
    where e.workspace_id = p_workspace_id and e.canvas_id = p_canvas_id and e.seq = v_event.seq and e.type = 'blocks.mutated';
    if found then
      update canvas_events e set payload = app.erase_blocks(v_payload, v_event.block_ids)
      where e.workspace_id = p_workspace_id and e.canvas_id = p_canvas_id and e.seq = v_event.seq;
      v_bytes := v_bytes + octet_length(v_payload::text);
    end if;
    v_done := v_done || v_event.seq;
    exit when v_bytes >= p_bytes;
  end loop;
  update canvas_heads h set min_seq = greatest(h.min_seq, (select max(d.seq) from unnest(v_done) as d (seq)))
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id;
  return v_done;
end $$;

-- Found one by one: a join would rather read all versions of the canvas, as long as nobody has told the planner how many there are.
create or replace function app.delete_versions(p_workspace_id uuid, p_canvas_id uuid, p_block_ids uuid[], p_versions int[]) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  delete from block_versions h where h.ctid = any (array(
    select one.ctid from unnest(p_block_ids, p_versions) as t (block_id, version)
    cross join lateral (select h.ctid from block_versions h where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id
      and h.block_id = t.block_id and h.version = t.version limit 1) one));
end $$;

-- The numbers of one batch, beside p_limit: 500 versions or 2 MiB of events, for about as long as a writer would wait.

-- Versions of blocks whose events have content of them, up to p_each of a block and p_limit in all. Block by block, so that the
-- history of one that is edited every second is not read, and sorted, for each batch.
create or replace function app.told_versions(p_workspace_id uuid, p_canvas_id uuid, p_block_ids uuid[], p_each int, p_limit int)
returns table (block_id uuid, version int, seq bigint)
language plpgsql stable set search_path = app, pg_temp set enable_seqscan = off set enable_sort = off as $$
begin
  return query
    select t.* from unnest(p_block_ids) as i (id)
    cross join lateral (
      select h.block_id, h.version, h.seq from block_versions h
      where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id and h.block_id = i.id and h.op not in ('move', 'delete')
      order by h.version limit p_each
    ) t limit p_limit;
end $$;

-- Blocks of which nothing may be left, as their versions lead to what is told of them. How many events were rewritten, and
-- whether none is left. The caller holds the canvas's lock.
create or replace function app.erase_history(p_workspace_id uuid, p_canvas_id uuid, p_block_ids uuid[], out erased int, out is_done boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_max constant int := 500;
  v_ids uuid[];
  v_versions int[];
  v_seqs bigint[];
  v_done bigint[];
begin
  select array_agg(t.block_id), array_agg(t.version), array_agg(t.seq) into v_ids, v_versions, v_seqs
  from app.told_versions(p_workspace_id, p_canvas_id, p_block_ids, v_max + 1, v_max + 1) t;
  erased := 0;
  is_done := v_ids is null;
  if not is_done then
    v_done := app.erase_from_events(p_workspace_id, p_canvas_id, v_ids[:v_max], v_seqs[:v_max], 2 * 1024 * 1024);
    perform app.delete_versions(p_workspace_id, p_canvas_id, t.ids, t.versions)
    from (select array_agg(t.block_id) as ids, array_agg(t.version) as versions
      from unnest(v_ids[:v_max], v_versions[:v_max], v_seqs[:v_max]) as t (block_id, version, seq) where t.seq = any (v_done)) t;
    erased := cardinality(v_done);
    is_done := cardinality(v_ids) <= v_max and v_seqs <@ v_done;
  end if;
end $$;

-- One batch of the purge: up to p_limit rows of one canvas that have been in the trash for 30 days, from the leaves up, each
-- only after its content is in no event any more. So nothing is deleted that has a block below it, and no cascade can take a
-- live one. A canvas that is being written, or purged by another, is left for the next batch. No row: there is nothing to do.
create or replace function app.purge_trash(p_limit int, p_request_id text, p_except uuid[] default '{}')
returns table (canvas_id uuid, purged int, erased int)
-- Every row is found by an index, whatever the planner believes of tables that have grown since they were last analysed.
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_before constant timestamptz := now() - app.trash_age();
  v_head record;
  v_ids uuid[];
  v_left int := p_limit;
  v_rows int;
  v_step record;
begin
  select h.canvas_id, h.workspace_id into v_head
  from (
    select b.workspace_id, b.canvas_id from blocks b
    where b.trashed_with = b.id and b.deleted_at < v_before and b.canvas_id <> all (p_except)
    order by b.deleted_at limit 1000
  ) due
  join canvas_heads h on h.workspace_id = due.workspace_id and h.canvas_id = due.canvas_id
  limit 1 for update of h skip locked;
  if not found then
    return;
  end if;
  canvas_id := v_head.canvas_id;
  erased := 0;
  loop
    select array_agg(leaf.id) into v_ids from (
      select b.id from blocks b
      where b.workspace_id = v_head.workspace_id and b.canvas_id = v_head.canvas_id and b.deleted_at < v_before
        and not exists (select from blocks c
          where c.workspace_id = v_head.workspace_id and c.canvas_id = v_head.canvas_id and c.parent_id = b.id)
      limit v_left
    ) leaf;
    exit when v_ids is null;
    v_step := app.erase_history(v_head.workspace_id, v_head.canvas_id, v_ids);
    erased := erased + v_step.erased;
    if not v_step.is_done then
      v_ids := array(select unnest(v_ids) except
        select t.block_id from app.told_versions(v_head.workspace_id, v_head.canvas_id, v_ids, 1, cardinality(v_ids)) t);
    end if;
    delete from blocks b
    where b.workspace_id = v_head.workspace_id and b.canvas_id = v_head.canvas_id and b.id = any (v_ids) and b.deleted_at < v_before;
    get diagnostics v_rows = row_count;
    v_left := v_left - v_rows;
    exit when v_left <= 0 or not v_step.is_done or erased >= 500;
  end loop;
  purged := p_limit - v_left;
  if purged > 0 then
    perform app.append_system_audit('canvas.purge_trash', v_head.workspace_id, v_head.canvas_id, 'block.purge', 'canvas',
      v_head.canvas_id::text, jsonb_build_object('blocks', purged), null, p_request_id);
  end if;
  return next;
end $$;

-- One batch of what blocks that have left a canvas left in its events, where it is due. No row: there is nothing to do.
create or replace function app.purge_departed(p_limit int) returns table (canvas_id uuid, erased int)
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_head record;
  v_ids uuid[];
  v_seqs bigint[];
  v_done bigint[];
begin
  select h.canvas_id, h.workspace_id into v_head
  from (
    select d.workspace_id, d.canvas_id from departed_versions d where d.due_at <= now() order by d.due_at limit 1000
  ) due
  join canvas_heads h on h.workspace_id = due.workspace_id and h.canvas_id = due.canvas_id
  limit 1 for update of h skip locked;
  if not found then
    return;
  end if;
  canvas_id := v_head.canvas_id;
  erased := 0;
  select array_agg(t.block_id), array_agg(t.seq) into v_ids, v_seqs
  from (
    select d.block_id, d.seq from departed_versions d
    where d.workspace_id = v_head.workspace_id and d.canvas_id = v_head.canvas_id and d.due_at <= now() limit p_limit
  ) t;
  if v_ids is not null then
    v_done := app.erase_from_events(v_head.workspace_id, v_head.canvas_id, v_ids, v_seqs, 2 * 1024 * 1024);
    delete from departed_versions d where d.ctid = any (array(
      select one.ctid from unnest(v_ids, v_seqs) as t (block_id, seq)
      cross join lateral (select d.ctid from departed_versions d
        where d.workspace_id = v_head.workspace_id and d.canvas_id = v_head.canvas_id and d.block_id = t.block_id and d.seq = t.seq limit 1) one
      where t.seq = any (v_done)));
    erased := cardinality(v_done);
  end if;
  return next;
end $$;

grant execute on function app.purge_trash, app.purge_departed to job_user;
grant insert on app.departed_versions to app_user;
