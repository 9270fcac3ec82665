-- Who may do what at all; which rows is the policies' part. Nothing is granted to public.
grant usage on schema app to app_user, job_user, wa_user;

grant select on app.users to app_user;
grant select, insert, update on app.workspaces to app_user;
grant select, insert, update, delete on app.workspace_members, app.canvas_access to app_user;
grant select, insert, update, delete on app.canvases to app_user;
grant select, insert, update on app.canvas_heads, app.blocks to app_user;
grant select, insert on app.canvas_events to app_user;
grant insert on app.outbox, app.audit_logs to app_user;
grant select on app.user_heads, app.user_events to app_user;
grant select, insert, update on app.idempotency_keys to app_user;

grant select, insert, update, delete on app.outbox to job_user;

grant select, insert, update on app.system_health to app_user, job_user, wa_user;
