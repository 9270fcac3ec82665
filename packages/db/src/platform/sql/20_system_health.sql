create or replace function app.report_health(p_row jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
  insert into system_health (service, instance_id, version, status, checks, started_at, reported_at)
  select r.service, r.instance_id, r.version, r.status, r.checks, r.started_at, r.reported_at
  from jsonb_populate_record(null::system_health, p_row) r
  on conflict (service, instance_id) do update
  set version = excluded.version, status = excluded.status, checks = excluded.checks,
    started_at = excluded.started_at, reported_at = excluded.reported_at;
end $$;
grant execute on function app.report_health to app_user, job_user, wa_user;
