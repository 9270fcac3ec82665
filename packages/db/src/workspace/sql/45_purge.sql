-- One step towards the end of one workspace whose 30 days are over: at most p_limit rows of what grows without bound, then its
-- canvases, then the workspace with all the rest. Null: there is none. Several at once take different workspaces.
create or replace function app.purge_workspace_step(p_limit int, p_request_id text)
returns table (workspace_id uuid, rows_gone int, is_gone boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_workspace workspaces;
  v_keys uuid[];
begin
  select * into v_workspace from workspaces w
  where w.deleted_at <= now() - app.workspace_grace()
    -- Workers unlink WhatsApp sessions and forget them first (app.sweep_whatsapp sees to it), for a week if need be.
    and (w.deleted_at <= now() - app.workspace_grace() - interval '7 days'
      or not exists (select from whatsapp_sessions s where s.workspace_id = w.id))
  order by w.deleted_at limit 1 for update skip locked;
  if not found then
    return;
  end if;
  workspace_id := v_workspace.id;
  is_gone := false;
  rows_gone := app.purge_rows(workspace_id, p_limit);
  if rows_gone = 0 then
    is_gone := true;
    rows_gone := 1;
    -- Its API keys acted as users that are nobody without it.
    v_keys := array(select k.id from api_keys k where k.workspace_id = v_workspace.id);
    delete from workspaces w where w.id = v_workspace.id;
    delete from users u where u.id = any (v_keys);
    perform app.append_system_audit('workspace.purge', v_workspace.id, null, 'workspace.purge', 'workspace', v_workspace.id::text,
      jsonb_build_object('name', v_workspace.name, 'deleted_at', app.iso(v_workspace.deleted_at)), null, p_request_id);
  end if;
  return next;
end $$;

-- How many rows it deleted; 0 when no canvas is left. Every table of the workspace's, those that no other refers to first, so
-- that nothing big goes along by a cascade, in one statement. What a row names in object storage is left to the sweeper by its
-- trigger; the audit log stays.
create or replace function app.purge_rows(p_workspace_id uuid, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_table text;
  v_rows int := 0;
begin
  for v_table in
    select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
    where c.relnamespace = 'app'::regnamespace and c.relkind = 'r'
      and substring(obj_description(c.oid, 'pg_class') from 'family: (\w+)') in ('canvas', 'calendar', 'workspace')
      and c.relname not in ('canvases', 'canvas_heads', 'blocks', 'workspace_members', 'api_keys', 'calendars')
    order by exists (select from pg_constraint f where f.confrelid = c.oid and f.conrelid <> c.oid), c.relname
  loop
    execute format('delete from %1$I t where t.ctid = any (array(select x.ctid from %1$I x where x.workspace_id = $1 limit $2))', v_table)
    using p_workspace_id, p_limit;
    get diagnostics v_rows = row_count;
    exit when v_rows > 0;
  end loop;
  if v_rows = 0 then
    -- From the leaves: a block with a subtree would take it all along.
    delete from blocks b where b.ctid = any (array(
      select x.ctid from blocks x where x.workspace_id = p_workspace_id and not exists (
        select from blocks y where y.workspace_id = x.workspace_id and y.canvas_id = x.canvas_id and y.parent_id = x.id)
      limit p_limit));
    get diagnostics v_rows = row_count;
  end if;
  if v_rows = 0 then
    delete from canvases c where c.ctid = any (array(
      select x.ctid from canvases x where x.workspace_id = p_workspace_id limit p_limit));
    get diagnostics v_rows = row_count;
  end if;
  return v_rows;
end $$;

grant execute on function app.purge_workspace_step to job_user;
