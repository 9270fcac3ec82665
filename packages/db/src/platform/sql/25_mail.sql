-- One row per mail, by the outbox row that it comes from. Answers what the row says: `sending` means go on, with attempts above
-- 1 when an earlier one may have got through; anything else is an end.
create or replace function app.begin_mail(p_outbox_id uuid, p_workspace_id uuid, p_template text, p_reference text,
  out status text, out attempts int)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into mail_deliveries as d (outbox_id, workspace_id, template, reference)
  values (p_outbox_id, p_workspace_id, p_template, p_reference)
  on conflict (outbox_id) do update
  set attempts = d.attempts + case when d.status = 'sending' then 1 else 0 end, updated_at = now()
  returning d.status, d.attempts into begin_mail.status, begin_mail.attempts;
end $$;

create or replace function app.finish_mail(p_outbox_id uuid, p_status text, p_reason text) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update mail_deliveries d set status = p_status, reason = left(p_reason, 500), updated_at = now() where d.outbox_id = p_outbox_id;
end $$;

-- What nobody asks about any more, at most p_limit; how many it was.
create or replace function app.forget_mails(p_before timestamptz, p_limit int) returns int
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_count int;
begin
  delete from mail_deliveries d where d.outbox_id in (
    select o.outbox_id from mail_deliveries o where o.updated_at < p_before order by o.updated_at limit least(p_limit, 10000) for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
grant execute on function app.begin_mail, app.finish_mail, app.forget_mails to job_user;
