-- What the system does (a rebalance of ranks) has no author.
alter table app.canvas_events alter column actor_user_id drop not null;

-- When a rebalance was queued that has not finished yet; so at most one waits per canvas.
alter table app.canvas_heads add column rebalance_queued_at timestamptz;

-- Nearly empty: ranks are short. Finds the few that are not among any number of siblings.
create index blocks_long_rank on app.blocks (workspace_id, canvas_id, rank) where char_length(rank) > 48;
