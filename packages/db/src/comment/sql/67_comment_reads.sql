-- Threads of a canvas, newest first, each with its first replies; or (p_thread_id) the replies of one, oldest first. The
-- cursor is the id of the last row read: ids are in the order of their making. Null in p_resolved and p_block_id: all.
create or replace function app.list_comments(p_user_id uuid, p_canvas_id uuid, p_thread_id uuid, p_block_id uuid,
  p_resolved boolean, p_cursor_id uuid, p_limit int)
returns table (comment jsonb)
-- One plan, off the index in its order, as far as the page goes.
language plpgsql set search_path = app, pg_temp set plan_cache_mode = force_generic_plan set enable_sort = off as $$
declare
  v_after_id constant uuid := coalesce(p_cursor_id, '00000000-0000-0000-0000-000000000000');
  v_before_id constant uuid := coalesce(p_cursor_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  v_replies constant int := 50;
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  if p_thread_id is not null then
    perform app.find_comment(v_workspace_id, p_canvas_id, p_thread_id, true);
    return query
      select app.comment_json(c) from comments c
      where c.workspace_id = v_workspace_id and c.canvas_id = p_canvas_id and c.thread_id = p_thread_id and c.deleted_at is null
        and c.id > v_after_id
      order by c.id limit p_limit;
    return;
  end if;
  return query
    select app.comment_json(t.c) || jsonb_build_object('reply_count', r.n, 'replies', r.replies, 'block_gone',
      (t.c).block_id is not null and not exists (select from blocks b where b.workspace_id = v_workspace_id
        and b.canvas_id = p_canvas_id and b.id = (t.c).block_id and b.deleted_at is null))
    from (
      select c, c.id from comments c
      where c.workspace_id = v_workspace_id and c.canvas_id = p_canvas_id and c.thread_id is null
        and c.id < v_before_id and (p_block_id is null or c.block_id = p_block_id)
        and (p_resolved is null or (c.resolved_at is not null) = p_resolved)
        and (c.deleted_at is null or exists (select from comments d where d.workspace_id = v_workspace_id
          and d.canvas_id = p_canvas_id and d.thread_id = c.id and d.deleted_at is null))
      -- The thread is null throughout, which the planner does not conclude.
      order by c.thread_id desc, c.id desc limit p_limit
    ) t (c, id)
    cross join lateral (
      select count(*)::int as n,
        coalesce(jsonb_agg(app.comment_json(d.c) order by d.id) filter (where d.place <= v_replies), '[]') as replies
      from (
        select d, d.id, row_number() over (order by d.id) from comments d
        where d.workspace_id = v_workspace_id and d.canvas_id = p_canvas_id and d.thread_id = t.id and d.deleted_at is null
      ) d (c, id, place)
    ) r
    order by t.id desc;
end $$;
grant execute on function app.list_comments to app_user;
