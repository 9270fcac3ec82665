-- When people were last mailed that this webhook was disabled: at most once an hour.
alter table app.webhooks add column disabled_mail_at timestamptz;
