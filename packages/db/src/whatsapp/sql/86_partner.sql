-- What a person wrote to a session, once for each message: p_item as the worker told it (message-inbound), in the transaction that takes it.
create or replace function app.take_whatsapp_inbound(p_session app.whatsapp_sessions, p_item jsonb) returns void
language plpgsql set search_path = app, pg_temp as $$
begin
end $$;
