-- What is kept for a time only, at most p_limit rows of each kind; how many it was of each. For a job. Events of persons: a hub
-- that misses older ones tells its clients to read afresh. Invitations that ended, files that were given up with their transfers and
-- links past their end have served their purpose; the audit log keeps that they were. A replica that is silent is gone.
create or replace function app.forget_old_rows(p_limit int) returns jsonb
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  v_limit constant int := least(p_limit, 10000);
  v_idempotency_keys int;
  v_mails int;
  v_user_events int;
  v_invitations int;
  v_share_links int;
  v_transfers int;
  v_system_health int;
  v_whatsapp_event_receipts int;
begin
  delete from idempotency_keys k where (k.user_id, k.key) in (
    select o.user_id, o.key from idempotency_keys o where o.expires_at < now()
    order by o.expires_at limit v_limit for update skip locked);
  get diagnostics v_idempotency_keys = row_count;
  delete from mail_deliveries d where d.outbox_id in (
    select o.outbox_id from mail_deliveries o where o.updated_at < now() - interval '90 days'
    order by o.updated_at limit v_limit for update skip locked);
  get diagnostics v_mails = row_count;
  delete from user_events e where (e.user_id, e.seq) in (
    select o.user_id, o.seq from user_events o where o.created_at < now() - interval '30 days'
    order by o.created_at limit v_limit for update skip locked);
  get diagnostics v_user_events = row_count;
  delete from invitations i where i.id in (
    select o.id from invitations o where o.status <> 'pending' and o.updated_at < now() - interval '90 days'
    order by o.updated_at limit v_limit for update skip locked);
  get diagnostics v_invitations = row_count;
  delete from share_links s where (s.workspace_id, s.canvas_id, s.id) in (
    select o.workspace_id, o.canvas_id, o.id from share_links o where o.expires_at < now() - interval '30 days'
    order by o.expires_at limit v_limit for update skip locked);
  get diagnostics v_share_links = row_count;
  delete from transfers t where t.id in (
    select o.id from transfers o
    where o.object_key is null and o.status in ('finished', 'failed') and o.updated_at < now() - interval '90 days'
    order by o.updated_at limit v_limit for update skip locked);
  get diagnostics v_transfers = row_count;
  delete from system_health h where (h.service, h.instance_id) in (
    select o.service, o.instance_id from system_health o where o.reported_at < now() - interval '7 days'
    limit v_limit for update skip locked);
  get diagnostics v_system_health = row_count;
  -- Longer than a worker can repeat an event: it gives up after 3 days, keeps that for 14, and sends it for 3 more when asked to.
  delete from whatsapp_event_receipts r where r.event_id in (
    select o.event_id from whatsapp_event_receipts o where o.received_at < now() - interval '30 days'
    order by o.received_at limit v_limit for update skip locked);
  get diagnostics v_whatsapp_event_receipts = row_count;
  return jsonb_build_object('idempotency_keys', v_idempotency_keys, 'mails', v_mails, 'user_events', v_user_events,
    'invitations', v_invitations, 'share_links', v_share_links, 'transfers', v_transfers, 'system_health', v_system_health,
    'whatsapp_event_receipts', v_whatsapp_event_receipts);
end $$;
grant execute on function app.forget_old_rows to job_user;
