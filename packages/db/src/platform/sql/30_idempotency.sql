-- Claims a key for the transaction: no row when it is ours now, else what is known of it. A second claim at the same time
-- waits for the first transaction to end. An expired key is as good as none.
create or replace function app.claim_idempotency_key(p_user_id uuid, p_key text, p_operation text, p_request_hash text)
returns table (operation text, request_hash text, result jsonb) language plpgsql set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into idempotency_keys as k (user_id, key, operation, request_hash)
  values (p_user_id, p_key, p_operation, p_request_hash)
  on conflict (user_id, key) do update
  set operation = excluded.operation, request_hash = excluded.request_hash, result = null, created_at = now(), expires_at = excluded.expires_at
  where k.expires_at < now();
  if not found then
    return query select k.operation, k.request_hash, k.result from idempotency_keys k where k.user_id = p_user_id and k.key = p_key;
  end if;
end $$;
grant execute on function app.claim_idempotency_key to app_user;
