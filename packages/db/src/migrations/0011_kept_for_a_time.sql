-- Indexes by which platform.expire finds what is kept for a time only; see 75_forget.sql.
create index user_events_old on app.user_events (created_at);
create index invitations_old on app.invitations (updated_at) where status <> 'pending';
create index share_links_old on app.share_links (expires_at) where expires_at is not null;
create index transfers_old on app.transfers (updated_at) where object_key is null;

-- When the token was made that the address comes from, so that an older token does not bring back an older address.
-- Null locale: nobody has chosen one, and that of the workspace counts.
alter table app.users
  add column email_as_of timestamptz,
  alter column locale drop not null,
  alter column locale drop default;
update app.users set locale = null where locale = 'en';
