-- Ranks that an adversary has made long are shortened by a job. The numbers of this file: a rank is long above 48 characters
-- (as in the index blocks_long_rank and in the mutation that queues the job); one pass re-ranks at most 1,000 siblings to
-- either side of a long one, so that it holds the canvas's lock for a fraction of what a writer would wait.

-- Queues the job, once for all that wait for it. The caller holds the canvas's lock. What was queued a minute ago and is not
-- done may have been lost.
create or replace function app.queue_rebalance(p_workspace_id uuid, p_canvas_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  update canvas_heads h set rebalance_queued_at = clock_timestamp()
  where h.workspace_id = p_workspace_id and h.canvas_id = p_canvas_id
    and (h.rebalance_queued_at is null or h.rebalance_queued_at < clock_timestamp() - interval '1 minute');
  if found then
    insert into outbox (id, topic, workspace_id, payload, request_id)
    values (app.uuidv7(), 'canvas.rebalance', p_workspace_id, jsonb_build_object('canvas_id', p_canvas_id), p_request_id);
  end if;
end $$;

-- For whatever brings many blocks to a canvas with the ranks that they had elsewhere.
create or replace function app.queue_needed_rebalance(p_workspace_id uuid, p_canvas_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform from blocks b
  where b.workspace_id = p_workspace_id and b.canvas_id = p_canvas_id and char_length(b.rank) > 48 limit 1;
  if found then
    perform app.queue_rebalance(p_workspace_id, p_canvas_id, p_request_id);
  end if;
end $$;

-- The alphabet of ranks, in the order of their characters.
create or replace function app.rank_digits() returns text language sql immutable parallel safe
  return '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

-- The integer at the front of a rank: "a" has one digit, "b" two, "Z" one, "Y" two (domain/canvas/rules/rank.ts).
create or replace function app.rank_integer(p_rank text) returns text language sql immutable parallel safe
  return rpad(left(p_rank, abs(ascii(p_rank) - case when p_rank collate "C" >= 'a' then 95 else 92 end)),
    abs(ascii(p_rank) - case when p_rank collate "C" >= 'a' then 95 else 92 end), '0');

-- The first p_length digits after the point as one number.
create or replace function app.fraction_number(p_fraction text, p_length int) returns numeric
language plpgsql immutable set search_path = app, pg_temp as $$
declare
  v_value numeric := 0;
begin
  for i in 1 .. p_length loop
    v_value := v_value * 62 + greatest(strpos(app.rank_digits(), substr(p_fraction, i, 1)) - 1, 0) * (i <= length(p_fraction))::int;
  end loop;
  return v_value;
end $$;

-- p_count ascending ranks between two, at equal distances and as short as that allows. Null is an end of the list. What stands
-- between fractions of one integer never ends in a zero: nothing would fit between it and the same without.
create or replace function app.ranks_between(p_after text, p_before text, p_count int) returns table (n int, rank text)
language plpgsql immutable set search_path = app, pg_temp as $$
declare
  v_integer text := app.rank_integer(coalesce(p_after, p_before, 'a0'));
  v_low text := coalesce(substr(p_after, length(v_integer) + 1), '');
  v_high text;
  v_shared int := 0;
  v_length int := 0;
  v_from numeric;
  v_room numeric;
begin
  if p_after is null and p_before = v_integer then
    -- Before an integer comes the last one of the next shorter head.
    v_integer := case when p_before collate "C" < 'a' then chr(ascii(p_before) - 1) when p_before collate "C" < 'b' then 'Z' else chr(ascii(p_before) - 1) end;
    v_integer := rpad(v_integer, length(app.rank_integer(v_integer)), 'z');
  end if;
  v_high := case when starts_with(p_before, v_integer) then substr(p_before, length(v_integer) + 1) end;
  while v_shared < length(v_low) and substr(v_low, v_shared + 1, 1) = substr(v_high, v_shared + 1, 1) loop
    v_shared := v_shared + 1;
  end loop;
  loop
    v_length := v_length + 1;
    v_from := app.fraction_number(substr(v_low, v_shared + 1), v_length);
    v_room := case when v_high is null then 62::numeric ^ v_length
      else app.fraction_number(substr(v_high, v_shared + 1), v_length) end - v_from;
    exit when v_room > p_count or v_length > 2000;
  end loop;
  return query
    select k, left(v_integer || v_low, length(v_integer) + v_shared) || rtrim((
        select string_agg(substr(app.rank_digits(), 1 + (div(v_from + div(v_room * k, p_count + 1), 62::numeric ^ (v_length - j)) % 62)::int, 1), '' order by j)
        from generate_series(1, v_length) j), '0')
    from generate_series(1, p_count) k;
end $$;

-- One pass: finds the first long rank of the canvas, takes it with its neighbours up to a short rank on either side, and spreads
-- them between these two in one statement. One seq, one event, one audit row; versions and updated_at stay, and trashed rows
-- get a new place too, but are not in the event. Nothing happens when no rank is long, so it may run again at any time, and by
-- several at once. Not done: there is more for another pass.
create or replace function app.rebalance_ranks(p_canvas_id uuid, p_request_id text,
  out seq bigint, out frame text, out longest_before int, out longest_after int, out is_done boolean)
-- Siblings in the order of their index and rows by their keys, whatever the planner believes of a canvas that has grown since it
-- was last analysed: else it may compare each row of the window with each of the canvas.
language plpgsql security definer set search_path = app, pg_temp
  set lock_timeout = '400ms' set enable_sort = off set enable_nestloop = off set jit = off as $$
declare
  v_reach constant int := 1000;
  v_workspace_id uuid;
  v_parent_id uuid;
  v_first text collate "C";
  v_after text collate "C";
  v_before text collate "C";
  v_ids uuid[];
  v_ranks text;
  v_siblings text;
begin
  select h.workspace_id into v_workspace_id from canvas_heads h where h.canvas_id = p_canvas_id for update;
  if not found then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  select b.parent_id, b.rank into v_parent_id, v_first from blocks b
  where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and char_length(b.rank) > 48
  order by b.rank limit 1;
  if v_first is not null then
    -- Built as text because `is not distinct from` uses no index; the order names the parent for the same reason.
    v_siblings := format('from app.blocks b where b.workspace_id = $1 and b.canvas_id = $2 and b.parent_id %s',
      case when v_parent_id is null then 'is null' else '= ' || quote_literal(v_parent_id) end);
    v_after := app.rank_boundary(v_siblings || ' and b.rank < $3 order by b.parent_id desc, b.rank desc limit $4',
      v_workspace_id, p_canvas_id, v_first, v_reach);
    v_before := app.rank_boundary(v_siblings || ' and b.rank > $3 order by b.parent_id, b.rank limit $4',
      v_workspace_id, p_canvas_id, v_first, v_reach);
    execute format('select array_agg(w.id), max(char_length(w.rank)) from (
        select b.id, b.rank %s and b.rank > coalesce($3, %L) and ($4 is null or b.rank < $4) order by b.parent_id, b.rank) w', v_siblings, '')
    into v_ids, longest_before using v_workspace_id, p_canvas_id, v_after, v_before;
    with changed as (
      update blocks b set rank = r.rank
      from unnest(v_ids) with ordinality w (id, n) join app.ranks_between(v_after, v_before, cardinality(v_ids)) r on r.n = w.n
      where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and b.id = any (v_ids) and b.id = w.id
      returning b.id, b.rank, b.deleted_at
    )
    select max(char_length(c.rank)), string_agg(concat('"', c.id, '":"', c.rank, '"'), ',' order by c.rank) filter (where c.deleted_at is null)
    into longest_after, v_ranks from changed c;
    select e.seq, e.frame into seq, frame from app.append_canvas_event(null, v_workspace_id, p_canvas_id, 'blocks.reordered',
      null, null, p_request_id, concat('{"parent_id":', coalesce(to_json(v_parent_id)::text, 'null'), ',"ranks":{', v_ranks, '}}')::json,
      clock_timestamp()) e;
    perform app.append_system_audit('canvas.rebalance', v_workspace_id, p_canvas_id, 'block.rebalance', 'canvas', p_canvas_id::text,
      jsonb_build_object('longest', longest_before), jsonb_build_object('longest', longest_after, 'seq', seq, 'blocks', cardinality(v_ids)), p_request_id);
  end if;
  is_done := v_first is null or longest_after > 48 or not exists (select from blocks b
    where b.workspace_id = v_workspace_id and b.canvas_id = p_canvas_id and char_length(b.rank) > 48);
  update canvas_heads h set rebalance_queued_at = case when not is_done then clock_timestamp() end where h.canvas_id = p_canvas_id;
end $$;

-- The nearest short rank among those that p_query reaches, else the farthest of all, so that the pass does all it may. Null where
-- the list ends before either.
create or replace function app.rank_boundary(
  p_query text, p_workspace_id uuid, p_canvas_id uuid, p_rank text, p_reach int, out boundary text)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_found int;
begin
  execute format($sql$
    select max(s.n), (array_agg(s.rank order by s.far, case when s.far then -s.n else greatest(s.length, 12) end, s.n))[1]
    from (
      select b.rank, char_length(b.rank) as length, char_length(b.rank) > 24 as far, row_number() over () as n from (select b.rank %s) b
    ) s $sql$, p_query)
  into v_found, boundary using p_workspace_id, p_canvas_id, p_rank, p_reach;
  if v_found < p_reach and char_length(boundary) > 24 then
    boundary := null;
  end if;
end $$;

grant execute on function app.queue_rebalance, app.queue_needed_rebalance to app_user;
grant execute on function app.rebalance_ranks to job_user;
