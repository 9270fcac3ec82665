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

grant execute on function app.begin_mail, app.finish_mail to job_user;
