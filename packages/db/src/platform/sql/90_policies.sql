-- What a setting is, asked for each row instead of once for the query: for the checks of what is written, where it is mostly one
-- row, and the subqueries of the rule cost more than that row.
create or replace function app.each_row(p_rule text) returns text language sql immutable parallel safe
  return replace(p_rule, '(select nullif(', '(nullif(');

-- Makes the policies of every table from the family its comment names. The one place where policies are written.
create or replace function app.secure_tables() returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_table record;
  v_policy record;
  v_user constant text := $q$(select nullif(current_setting('app.user_id', true), '')::uuid)$q$;
  v_workspace constant text := $q$(select nullif(current_setting('app.workspace_id', true), '')::uuid)$q$;
  v_canvas constant text := $q$(select nullif(current_setting('app.canvas_id', true), '')::uuid)$q$;
  v_calendar constant text := $q$(select nullif(current_setting('app.calendar_id', true), '')::uuid)$q$;
  v_user_id text;
  v_workspace_id text;
  v_canvas_id text;
  v_calendar_id text;
  v_rule text;
begin
  for v_table in
    select c.oid, c.relname as name, obj_description(c.oid, 'pg_class') as comment
    from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table app.%I enable row level security, force row level security', v_table.name);
    for v_policy in select polname from pg_policy where polrelid = v_table.oid loop
      execute format('drop policy %I on app.%I', v_policy.polname, v_table.name);
    end loop;
    v_user_id := coalesce(substring(v_table.comment from 'user_id: (\w+)'), 'user_id');
    v_workspace_id := coalesce(substring(v_table.comment from 'workspace_id: (\w+)'), 'workspace_id');
    v_canvas_id := coalesce(substring(v_table.comment from 'canvas_id: (\w+)'), 'canvas_id');
    v_calendar_id := coalesce(substring(v_table.comment from 'calendar_id: (\w+)'), 'calendar_id');
    case substring(v_table.comment from 'family: (\w+)')
      when 'workspace' then
        v_rule := format('%I = %s and %s is null', v_workspace_id, v_workspace, v_canvas);
      when 'canvas' then
        v_rule := format('%I = %s and (%s is null or %I = %s)', v_workspace_id, v_workspace, v_canvas, v_canvas_id, v_canvas);
      when 'calendar' then
        v_rule := format('%I = %s and %I = %s and %s is null', v_workspace_id, v_workspace, v_calendar_id, v_calendar, v_canvas);
      when 'person' then
        v_rule := format('%I = %s', v_user_id, v_user);
      when 'system' then
        v_rule := 'true';
      when 'outbox' then
        v_rule := null;
        execute format('create policy outbox_write on app.%I for insert to app_user with check (%I = %s or (%I is null and %I = %s))',
          v_table.name, v_workspace_id, app.each_row(v_workspace), v_workspace_id, v_user_id, app.each_row(v_user));
        execute format('create policy outbox_relay on app.%I to job_user using (true) with check (true)', v_table.name);
      when 'audit' then
        v_rule := null;
        execute format('create policy audit_write on app.%I for insert to app_user with check (actor_type = %L and actor_user_id = %s and (%I is null or %I = %s))',
          v_table.name, 'user', app.each_row(v_user), v_workspace_id, v_workspace_id, app.each_row(v_workspace));
      when 'private' then
        v_rule := null;
      else
        raise exception 'table app.% names no known family in its comment', v_table.name;
    end case;
    if v_rule is not null then
      execute format('create policy family on app.%I using (%s) with check (%s)', v_table.name, v_rule, app.each_row(v_rule));
    end if;
  end loop;
end $$;
