-- Old edits of one author to one block, thinned to the last of every ten minutes.

create or replace function app.thinning_age() returns interval language sql immutable parallel safe return interval '7 days';

-- The edits of an event that a later one makes needless: the next version of the block is an edit too, by the same person in
-- the same ten minutes of the clock. Minutes of the clock, because then it does not matter which edits have gone already. The
-- newest version of a block has no next and stays; so does what a move, a deletion or somebody else comes after.
create or replace function app.needless_edits(e app.canvas_events) returns table (n bigint, block_id uuid, version int)
language plpgsql stable set search_path = app, pg_temp set enable_sort = off as $$
begin
  -- Row by row on purpose, as in app.delete_versions, and each in the order of its index.
  return query
    select o.n, o.block_id, o.version
    from (
      select j.n, (j.op #>> '{block,id}')::uuid as block_id, (j.op #>> '{block,version}')::int as version
      from json_array_elements(e.payload -> 'ops') with ordinality as j (op, n) where j.op ->> 'op' = 'edit'
    ) o
    cross join lateral (
      select h.op from block_versions h
      where h.workspace_id = e.workspace_id and h.canvas_id = e.canvas_id and h.block_id = o.block_id and h.version = o.version
        and h.seq = e.seq limit 1
    ) own
    cross join lateral (
      select f.op, f.seq from block_versions f
      where f.workspace_id = e.workspace_id and f.canvas_id = e.canvas_id and f.block_id = o.block_id and f.version > o.version
      order by f.version limit 1
    ) later
    cross join lateral (
      select l.actor_user_id, l.created_at from canvas_events l
      where l.workspace_id = e.workspace_id and l.canvas_id = e.canvas_id and l.seq = later.seq limit 1
    ) l
    where own.op = 'edit' and later.op = 'edit' and l.actor_user_id = e.actor_user_id
      and date_bin('10 minutes', l.created_at, 'epoch') = date_bin('10 minutes', e.created_at, 'epoch');
end $$;

-- One batch: up to p_limit events, or 2 MiB of them, of the first canvas from p_from_canvas_id on that has events of more than
-- seven days which no batch has looked at. An event without operations goes, and with it the memory of its mutation; min_seq
-- goes up, so that who is behind takes a snapshot. A canvas that is being written is passed over. No row: this was the last.
create or replace function app.thin_history(p_from_canvas_id uuid, p_limit int) returns table (canvas_id uuid, thinned int)
language plpgsql security definer set search_path = app, pg_temp set enable_seqscan = off as $$
declare
  v_max_bytes constant int := 2 * 1024 * 1024;
  v_before constant timestamptz := now() - app.thinning_age();
  v_from constant uuid := coalesce(p_from_canvas_id, '00000000-0000-0000-0000-000000000000');
  v_head canvas_heads;
  v_event canvas_events;
  v_gone record;
  v_rest text;
  v_changed bigint := 0;
  v_bytes int := 0;
begin
  -- Of the events beyond thinned_seq the first alone is looked at: it is the oldest.
  select * into v_head from canvas_heads h
  where h.canvas_id >= v_from and h.seq > h.thinned_seq and v_before > (
    select e.created_at from canvas_events e
    where e.workspace_id = h.workspace_id and e.canvas_id = h.canvas_id and e.seq > h.thinned_seq order by e.seq limit 1)
  order by h.canvas_id limit 1 for update skip locked;
  if not found then
    return;
  end if;
  thinned := 0;
  for v_event in
    select * from canvas_events e
    where e.workspace_id = v_head.workspace_id and e.canvas_id = v_head.canvas_id and e.seq > v_head.thinned_seq
    order by e.seq limit p_limit
  loop
    exit when v_event.created_at >= v_before or v_bytes >= v_max_bytes;
    v_head.thinned_seq := v_event.seq;
    continue when v_event.type <> 'blocks.mutated';
    v_bytes := v_bytes + octet_length(v_event.payload::text);
    select array_agg(g.n) as ns, array_agg(g.block_id) as ids, array_agg(g.version) as versions into v_gone from app.needless_edits(v_event) g;
    continue when v_gone.ns is null;
    perform app.delete_versions(v_head.workspace_id, v_head.canvas_id, v_gone.ids, v_gone.versions);
    select string_agg(o.op::text, ',' order by o.n) into v_rest
    from json_array_elements(v_event.payload -> 'ops') with ordinality as o (op, n) where o.n <> all (v_gone.ns);
    if v_rest is null then
      delete from canvas_events e
      where e.workspace_id = v_head.workspace_id and e.canvas_id = v_head.canvas_id and e.seq = v_event.seq;
    else
      update canvas_events e set payload = concat('{"ops":[', v_rest, ']}')::json
      where e.workspace_id = v_head.workspace_id and e.canvas_id = v_head.canvas_id and e.seq = v_event.seq;
    end if;
    v_changed := v_event.seq;
    thinned := thinned + cardinality(v_gone.ns);
  end loop;
  update canvas_heads h set thinned_seq = v_head.thinned_seq, min_seq = greatest(h.min_seq, v_changed)
  where h.workspace_id = v_head.workspace_id and h.canvas_id = v_head.canvas_id;
  canvas_id := v_head.canvas_id;
  return next;
end $$;

grant execute on function app.thin_history to job_user;
