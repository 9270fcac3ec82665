-- app.get_canvas_role for many pairs of a person and a canvas at once: a hub asks for all its rooms in one query. Its rule is
-- that of app.find_canvas_access, and a property test holds the two together.
create or replace function app.get_canvas_roles(p_user_ids uuid[], p_canvas_ids uuid[])
returns table (user_id uuid, canvas_id uuid, role text, archived_at text, access_version bigint)
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  return query
    select p.user_id, p.canvas_id,
      app.rank_role(case when w.owner_user_id = p.user_id then 5
        else greatest(app.workspace_role_rank(m.role), app.role_rank(a.role)) end),
      app.iso(c.archived_at), h.access_version + w.access_version
    from unnest(p_user_ids, p_canvas_ids) as p (user_id, canvas_id)
    join canvases c on c.id = p.canvas_id
    join workspaces w on w.id = c.workspace_id and w.deleted_at is null
    join canvas_heads h on h.canvas_id = c.id
    left join workspace_members m on m.workspace_id = w.id and m.user_id = p.user_id
    left join canvas_access a on a.workspace_id = w.id and a.canvas_id = c.id and a.user_id = p.user_id;
end $$;

grant execute on function app.get_canvas_roles to app_user;
