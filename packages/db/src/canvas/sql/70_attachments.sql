-- Files of a canvas. Each function answers the whole row, with the object_key that clients never see.

create or replace function app.attachment_json(a app.attachments) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (a).id, 'canvas_id', (a).canvas_id, 'name', (a).name, 'media_type', (a).media_type,
    'size', (a).size, 'status', (a).status, 'created_by', (a).created_by, 'created_at', app.iso((a).created_at),
    'ready_at', app.iso((a).ready_at));

-- Bytes that the files of a canvas's workspace take in the store; a copy takes none.
create or replace function app.get_stored_bytes(p_user_id uuid, p_canvas_id uuid) returns bigint
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  v_workspace_id constant uuid := (app.find_canvas_access(p_user_id, p_canvas_id)).workspace_id;
begin
  return (select coalesce(sum(o.size), 0)::bigint from (
    select distinct on (a.object_key) a.size from attachments a where a.workspace_id = v_workspace_id order by a.object_key
  ) o);
end $$;

-- p_quota null: as much as one likes.
create or replace function app.create_attachment(p_user_id uuid, p_canvas_id uuid, p_id uuid, p_object_key text, p_name text,
  p_media_type text, p_size bigint, p_quota bigint, p_request_id text, out object_key text, out attachment jsonb)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_row attachments;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  perform app.check_not_archived(v_workspace_id, p_canvas_id);
  if p_quota is not null then
    -- One after the other, so that two do not take the same last place.
    perform pg_advisory_xact_lock(7236006, hashtext(v_workspace_id::text));
    if app.get_stored_bytes(p_user_id, p_canvas_id) + p_size > p_quota then
      perform app.fail('PT409', 'attachment.quota_exceeded', 'The files of this workspace take all the room that it has.',
        jsonb_build_object('quota_bytes', p_quota));
    end if;
  end if;
  insert into attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, created_by)
  values (v_workspace_id, p_canvas_id, p_id, p_object_key, p_name, p_media_type, p_size, p_user_id)
  on conflict do nothing
  returning * into v_row;
  if v_row.id is null then
    -- Only whoever derives ids, to go on where they were, comes here.
    select * into v_row from attachments a where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id and a.id = p_id;
  else
    perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'attachment.create', 'attachment', p_id::text,
      null, jsonb_build_object('name', p_name, 'media_type', p_media_type, 'size', p_size), p_request_id);
  end if;
  object_key := v_row.object_key;
  attachment := app.attachment_json(v_row);
end $$;

create or replace function app.get_attachment(p_user_id uuid, p_canvas_id uuid, p_id uuid, p_needed_role text,
  out object_key text, out attachment jsonb)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_row attachments;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, p_needed_role)).workspace_id;
  select * into v_row from attachments a where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id and a.id = p_id;
  if not found then
    perform app.fail('PT404', 'attachment.not_found', 'There is no such file.');
  end if;
  object_key := v_row.object_key;
  attachment := app.attachment_json(v_row);
end $$;

-- Twice is once.
create or replace function app.complete_attachment(p_user_id uuid, p_canvas_id uuid, p_id uuid, out object_key text, out attachment jsonb)
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  update attachments a set status = 'ready', ready_at = clock_timestamp(), checked_at = now()
  where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id and a.id = p_id and a.status = 'pending';
  select g.object_key, g.attachment into object_key, attachment from app.get_attachment(p_user_id, p_canvas_id, p_id, 'editor') g;
end $$;

create or replace function app.list_attachments(p_user_id uuid, p_canvas_id uuid, p_after_id uuid, p_limit int)
returns table (object_key text, attachment jsonb) language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'viewer')).workspace_id;
  return query select a.object_key, app.attachment_json(a) from attachments a
    where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id
      and a.id > coalesce(p_after_id, '00000000-0000-0000-0000-000000000000')
    order by a.id limit least(greatest(p_limit, 1), 501);
end $$;

create or replace function app.delete_attachment(p_user_id uuid, p_canvas_id uuid, p_id uuid, p_request_id text) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  v_workspace_id uuid;
  v_row attachments;
begin
  v_workspace_id := (app.set_canvas_context(p_user_id, p_canvas_id, 'editor')).workspace_id;
  perform app.check_not_archived(v_workspace_id, p_canvas_id);
  delete from attachments a where a.workspace_id = v_workspace_id and a.canvas_id = p_canvas_id and a.id = p_id
  returning * into v_row;
  if v_row.id is null then
    perform app.fail('PT404', 'attachment.not_found', 'There is no such file.');
  end if;
  perform app.append_audit(p_user_id, v_workspace_id, p_canvas_id, 'attachment.delete', 'attachment', p_id::text,
    jsonb_build_object('name', v_row.name, 'media_type', v_row.media_type, 'size', v_row.size), null, p_request_id);
end $$;

-- The files that copied blocks refer to, under the ids that they refer to them by; p_ids null: all. Only within one
-- workspace. What is there already, or is not ready, is left. How many were copied.
create or replace function app.copy_attachments(p_user_id uuid, p_from_canvas_id uuid, p_to_canvas_id uuid, p_ids uuid[] default null)
returns int language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_from constant record := app.find_canvas_access(p_user_id, p_from_canvas_id);
  v_to constant record := app.find_canvas_access(p_user_id, p_to_canvas_id);
  v_count int;
begin
  if v_from.rank is null or v_to.rank is null then
    perform app.fail('PT404', 'canvas.not_found', 'There is no such canvas.');
  end if;
  if v_to.rank < app.role_rank('editor') then
    perform app.fail('PT403', 'canvas.forbidden', 'Your role on this canvas does not allow this.',
      jsonb_build_object('needed_role', 'editor', 'role', app.rank_role(v_to.rank)));
  end if;
  if v_from.workspace_id <> v_to.workspace_id then
    perform app.fail('PT409', 'canvas.other_workspace', 'The canvases are in different workspaces.');
  end if;
  -- Held until the copy is committed: else the last row of an object could go, and the object with it, in between.
  with sources as (
    select * from attachments a
    where a.workspace_id = v_from.workspace_id and a.canvas_id = p_from_canvas_id and a.status = 'ready'
      and (p_ids is null or a.id = any (p_ids))
    for share
  )
  insert into attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, status, created_by, ready_at)
  select s.workspace_id, p_to_canvas_id, s.id, s.object_key, s.name, s.media_type, s.size, s.status, p_user_id, s.ready_at
  from sources s
  on conflict do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Uploads that never came. How many rows went.
create or replace function app.sweep_pending_attachments(p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  delete from attachments a using (
    select p.workspace_id, p.canvas_id, p.id from attachments p
    where p.status = 'pending' and p.created_at < now() - interval '1 day'
    order by p.created_at limit p_limit for update skip locked
  ) s
  where a.workspace_id = s.workspace_id and a.canvas_id = s.canvas_id and a.id = s.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Looks at the files that were not looked at for longest, each at most once a day: one that no block refers to, live or
-- trashed, is marked, and after 30 days of that it goes. It reads the blocks of the canvases concerned once per call; an
-- index on what content refers to would make every edit of a block dearer.
create or replace function app.sweep_unreferenced_attachments(p_limit int, out checked int, out removed int)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_row record;
begin
  checked := 0;
  removed := 0;
  for v_row in
    with batch as materialized (
      select a.workspace_id, a.canvas_id, a.id, a.name, a.size, a.unreferenced_since from attachments a
      where a.status = 'ready' and a.checked_at < now() - interval '1 day'
      order by a.checked_at limit p_limit for update skip locked
    ), referenced as materialized (
      select distinct c.workspace_id, c.canvas_id, lower(b.content ->> 'attachment_id') as id
      from (select distinct workspace_id, canvas_id from batch) c
      join blocks b on b.workspace_id = c.workspace_id and b.canvas_id = c.canvas_id and b.content ? 'attachment_id'
    )
    select t.*, exists (select from referenced r
      where r.workspace_id = t.workspace_id and r.canvas_id = t.canvas_id and r.id = t.id::text) as is_referenced
    from batch t
  loop
    checked := checked + 1;
    if not v_row.is_referenced and v_row.unreferenced_since < now() - interval '30 days' then
      removed := removed + 1;
      delete from attachments a
      where a.workspace_id = v_row.workspace_id and a.canvas_id = v_row.canvas_id and a.id = v_row.id;
      perform app.append_system_audit('attachment.sweep', v_row.workspace_id, v_row.canvas_id, 'attachment.delete', 'attachment',
        v_row.id::text, jsonb_build_object('name', v_row.name, 'size', v_row.size), null, null);
    else
      update attachments a
      set checked_at = now(), unreferenced_since = case when not v_row.is_referenced then coalesce(a.unreferenced_since, now()) end
      where a.workspace_id = v_row.workspace_id and a.canvas_id = v_row.canvas_id and a.id = v_row.id;
    end if;
  end loop;
end $$;

grant execute on function app.attachment_json, app.get_stored_bytes, app.create_attachment, app.get_attachment,
  app.complete_attachment, app.list_attachments, app.delete_attachment, app.copy_attachments to app_user;
grant select, insert, update, delete on app.attachments to app_user;
grant execute on function app.sweep_pending_attachments, app.sweep_unreferenced_attachments to job_user;
