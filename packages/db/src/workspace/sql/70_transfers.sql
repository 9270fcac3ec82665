-- A whole workspace as a file, and back. Admins ask; a job does it, and acts as whoever asked.

create or replace function app.transfer_json(t app.transfers) returns jsonb language sql stable parallel safe
  return jsonb_build_object('id', (t).id, 'workspace_id', (t).workspace_id, 'kind', (t).kind, 'status', (t).status,
    'size', (t).size, 'done', (t).done, 'total', (t).total, 'problems', (t).problems, 'failure', (t).failure,
    'created_by', (t).created_by, 'created_at', app.iso((t).created_at), 'started_at', app.iso((t).started_at),
    'finished_at', app.iso((t).finished_at), 'expires_at', app.iso((t).expires_at));

-- One of a kind at a time in a workspace.
create or replace function app.check_no_transfer(p_workspace_id uuid, p_kind text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7236007, hashtext(p_workspace_id::text));
  perform from transfers t where t.workspace_id = p_workspace_id and t.kind = p_kind and t.status in ('queued', 'running');
  if found then
    perform app.fail('PT409', 'transfer.running', 'One is running already.');
  end if;
end $$;

create or replace function app.queue_transfer(p_transfer app.transfers, p_request_id text, p_traceparent text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, traceparent, request_id)
  values (app.uuidv7(), 'workspace.' || p_transfer.kind, p_transfer.workspace_id, p_transfer.created_by,
    jsonb_build_object('transfer_id', p_transfer.id), p_traceparent, p_request_id);
end $$;

create or replace function app.create_export(p_user_id uuid, p_workspace_id uuid, p_id uuid, p_object_key text, p_request_id text,
  p_traceparent text) returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  perform app.check_feature(p_workspace_id, 'transfers');
  perform app.check_no_transfer(p_workspace_id, 'export');
  insert into transfers (id, workspace_id, kind, status, object_key, created_by, request_id, expires_at)
  values (p_id, p_workspace_id, 'export', 'queued', p_object_key, p_user_id, p_request_id, now() + interval '7 days')
  returning * into v_row;
  perform app.queue_transfer(v_row, p_request_id, p_traceparent);
  perform app.append_audit(p_user_id, p_workspace_id, null, 'transfer.create', 'transfer', p_id::text,
    null, jsonb_build_object('kind', 'export'), p_request_id);
  return app.transfer_json(v_row);
end $$;

-- Waits for its file. Nothing is queued before app.start_import.
create or replace function app.create_import(p_user_id uuid, p_workspace_id uuid, p_id uuid, p_object_key text, p_size bigint,
  p_request_id text) returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  perform app.check_feature(p_workspace_id, 'transfers');
  insert into transfers (id, workspace_id, kind, status, object_key, size, created_by, request_id, expires_at)
  values (p_id, p_workspace_id, 'import', 'awaiting_upload', p_object_key, p_size, p_user_id, p_request_id, now() + interval '1 day')
  returning * into v_row;
  perform app.append_audit(p_user_id, p_workspace_id, null, 'transfer.create', 'transfer', p_id::text,
    null, jsonb_build_object('kind', 'import', 'size', p_size), p_request_id);
  return app.transfer_json(v_row);
end $$;

create or replace function app.get_transfer(p_user_id uuid, p_workspace_id uuid, p_kind text, p_id uuid,
  out object_key text, out transfer jsonb) language plpgsql set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  select * into v_row from transfers t where t.workspace_id = p_workspace_id and t.id = p_id and t.kind = p_kind;
  if not found then
    perform app.fail('PT404', 'transfer.not_found', 'There is no such transfer.');
  end if;
  object_key := v_row.object_key;
  transfer := app.transfer_json(v_row);
end $$;

-- Started twice is started once. It acts as whoever started it.
create or replace function app.start_import(p_user_id uuid, p_workspace_id uuid, p_id uuid, p_request_id text, p_traceparent text)
returns jsonb language plpgsql set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  perform app.check_feature(p_workspace_id, 'transfers');
  select * into v_row from transfers t where t.workspace_id = p_workspace_id and t.id = p_id and t.kind = 'import' for update;
  if not found then
    perform app.fail('PT404', 'transfer.not_found', 'There is no such transfer.');
  end if;
  if v_row.status = 'awaiting_upload' then
    perform app.check_no_transfer(p_workspace_id, 'import');
    update transfers t
    set status = 'queued', created_by = p_user_id, request_id = p_request_id, updated_at = now(), expires_at = now() + interval '7 days'
    where t.workspace_id = p_workspace_id and t.id = p_id
    returning * into v_row;
    perform app.queue_transfer(v_row, p_request_id, p_traceparent);
  end if;
  return app.transfer_json(v_row);
end $$;

-- Newest first.
create or replace function app.list_transfers(p_user_id uuid, p_workspace_id uuid, p_kind text, p_before_at timestamptz,
  p_before_id uuid, p_limit int) returns table (transfer jsonb) language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  return query select app.transfer_json(t) from transfers t
    where t.workspace_id = p_workspace_id and t.kind = p_kind
      and (t.created_at, t.id) < (coalesce(p_before_at, 'infinity'), coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by t.created_at desc, t.id desc limit least(greatest(p_limit, 1), 201);
end $$;

-- What an export writes: every canvas of the workspace, by id.
create or replace function app.list_workspace_canvases(p_user_id uuid, p_workspace_id uuid, p_after_id uuid, p_limit int)
returns table (id uuid, title text, icon text, is_archived boolean, updated_at timestamptz, attachments bigint)
language plpgsql set search_path = app, pg_temp as $$
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  return query select c.id, c.title, c.icon, c.archived_at is not null, c.updated_at,
      (select count(*) from attachments a where a.workspace_id = c.workspace_id and a.canvas_id = c.id and a.status = 'ready')
    from canvases c
    where c.workspace_id = p_workspace_id and c.id > coalesce(p_after_id, '00000000-0000-0000-0000-000000000000')
    order by c.id limit least(greatest(p_limit, 1), 1000);
end $$;

-- A canvas under an id that an import derived: made once, however often it is asked for. Whether it is archived.
create or replace function app.import_canvas(p_user_id uuid, p_workspace_id uuid, p_canvas_id uuid, p_title text, p_icon text,
  p_request_id text) returns boolean language plpgsql set search_path = app, pg_temp as $$
declare
  v_is_archived boolean;
begin
  perform app.set_tenant_context(p_user_id, p_workspace_id, 'admin');
  select c.archived_at is not null into v_is_archived from canvases c where c.workspace_id = p_workspace_id and c.id = p_canvas_id;
  if not found then
    perform app.create_canvas(p_user_id, p_canvas_id, p_workspace_id, p_title, p_icon, p_request_id);
    return false;
  end if;
  return v_is_archived;
end $$;

grant execute on function app.transfer_json, app.check_no_transfer, app.queue_transfer, app.create_export, app.create_import,
  app.get_transfer, app.start_import, app.list_transfers, app.list_workspace_canvases, app.import_canvas to app_user;
grant select, insert, update on app.transfers to app_user;

-- What follows is the job's, which may find that whoever asked is an admin no more.

create or replace function app.tell_transfer(p_transfer app.transfers, p_type text) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into outbox (id, topic, workspace_id, user_id, payload, request_id)
  select app.uuidv7(), 'me.deliver', p_transfer.workspace_id, u.id,
    jsonb_build_object('user_id', u.id, 'type', p_type, 'transfer_id', p_transfer.id, 'workspace_id', p_transfer.workspace_id,
      'kind', p_transfer.kind, 'status', p_transfer.status, 'done', p_transfer.done, 'total', p_transfer.total),
    p_transfer.request_id
  from users u where u.id = p_transfer.created_by and u.kind = 'person';
end $$;

-- No row: there is nothing to do, or the owner of the workspace has another one running, which app.finish_transfer follows with
-- this. Transfers are long and places are few: nobody takes them all with workspaces of theirs. A job that died is taken up by
-- asking again.
create or replace function app.claim_transfer(p_id uuid)
returns table (workspace_id uuid, kind text, object_key text, created_by uuid, done int, size bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  v_owner_user_id uuid;
  v_kind text;
begin
  select w.owner_user_id, t.kind into v_owner_user_id, v_kind
  from transfers t join workspaces w on w.id = t.workspace_id where t.id = p_id;
  perform pg_advisory_xact_lock(7236010, hashtext(concat(v_owner_user_id, v_kind)));
  perform from transfers t join workspaces w on w.id = t.workspace_id
  where t.status = 'running' and t.kind = v_kind and t.id <> p_id and w.owner_user_id = v_owner_user_id;
  if found then
    return;
  end if;
  return query update transfers t
    set status = 'running', started_at = coalesce(t.started_at, now()), updated_at = now()
    where t.id = p_id and t.status in ('queued', 'running')
    returning t.workspace_id, t.kind, t.object_key, t.created_by, t.done, t.size;
end $$;

-- Has the one looked at that waits for longest among those of the same owner.
create or replace function app.queue_next_transfer(p_transfer app.transfers) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7236010, hashtext(concat(w.owner_user_id, p_transfer.kind)))
  from workspaces w where w.id = p_transfer.workspace_id;
  perform app.queue_transfer(n.transfer, (n.transfer).request_id, null) from (
    select t as transfer from workspaces o join workspaces w on w.owner_user_id = o.owner_user_id
    join transfers t on t.workspace_id = w.id and t.kind = p_transfer.kind and t.status = 'queued'
    where o.id = p_transfer.workspace_id
    order by t.updated_at, t.id limit 1) n;
end $$;

-- False: somebody has ended it meanwhile.
create or replace function app.report_transfer(p_id uuid, p_done int, p_total int) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  -- A job that goes on where another died counts from the beginning; nobody sees it go backwards.
  update transfers t set done = greatest(t.done, p_done), total = p_total, updated_at = now()
  where t.id = p_id and t.status = 'running'
  returning * into v_row;
  if not found then
    return false;
  end if;
  perform app.tell_transfer(v_row, 'transfer.progress');
  return true;
end $$;

-- p_failure null: it succeeded, but for the problems. The file of an import has served its purpose.
create or replace function app.finish_transfer(p_id uuid, p_done int, p_total int, p_size bigint, p_problems jsonb, p_failure jsonb)
returns void language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_row transfers;
begin
  update transfers t
  set status = case when p_failure is null then 'finished' else 'failed' end, done = greatest(t.done, coalesce(p_done, 0)),
    total = coalesce(p_total, t.total), size = coalesce(p_size, t.size), problems = p_problems, failure = p_failure,
    object_key = case when t.kind = 'export' and p_failure is null then t.object_key end,
    updated_at = now(), finished_at = now(), expires_at = now() + interval '7 days'
  where t.id = p_id and t.status in ('queued', 'running')
  returning * into v_row;
  if not found then
    return;
  end if;
  perform app.append_audit(v_row.created_by, v_row.workspace_id, null, 'transfer.finish', 'transfer', p_id::text, null,
    jsonb_strip_nulls(jsonb_build_object('kind', v_row.kind, 'status', v_row.status, 'done', v_row.done, 'size', v_row.size,
      'failure', p_failure ->> 'code')), v_row.request_id);
  perform app.tell_transfer(v_row, 'transfer.finished');
  perform app.queue_next_transfer(v_row);
end $$;

-- Lets go of files past their time, and ends what nobody has worked on for an hour, or not begun for a day, so that it can be
-- asked for anew; and what has run for a day, so that none that waits for something in vain does so for ever.
create or replace function app.sweep_transfers(p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_id uuid;
  v_count int := 0;
begin
  for v_id in
    select t.id from transfers t
    where t.status in ('queued', 'running')
      and (t.updated_at < now() - case t.status when 'running' then interval '1 hour' else interval '1 day' end
        or t.started_at < now() - interval '1 day')
    order by t.updated_at limit p_limit for update skip locked
  loop
    v_count := v_count + 1;
    perform app.finish_transfer(v_id, null, null, null, '[]',
      jsonb_build_object('code', 'transfer.stalled', 'message', 'Nothing works on it any more. Start it again.'));
  end loop;
  for v_id in
    select t.id from transfers t
    where t.expires_at < now() and t.object_key is not null and t.status in ('awaiting_upload', 'finished', 'failed')
    order by t.expires_at limit p_limit for update skip locked
  loop
    v_count := v_count + 1;
    update transfers t
    set object_key = null, updated_at = now(),
      status = case t.status when 'awaiting_upload' then 'failed' else t.status end,
      failure = case t.status when 'awaiting_upload' then
        '{"code": "transfer.expired", "message": "Its file was not uploaded in time."}'::jsonb else t.failure end
    where t.id = v_id;
  end loop;
  return v_count;
end $$;

grant execute on function app.claim_transfer, app.report_transfer, app.finish_transfer, app.sweep_transfers to job_user;
