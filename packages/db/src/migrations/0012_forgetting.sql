-- How far thinning has come: events up to it are as they will stay.
alter table app.canvas_heads add column thinned_seq bigint not null default 0;
comment on table app.canvas_heads is
  'family: canvas. The lock and the counter of a canvas; apart from canvases so that each update is HOT. min_seq: events up to it are gone, or no longer whole.';

-- What old events tell of blocks that are on their canvas no more: taken out of them when it is due. A block that moves to
-- another canvas leaves its versions here; without a foreign key, because it may come back.
create table app.departed_versions (
  workspace_id uuid not null,
  canvas_id uuid not null,
  block_id uuid not null,
  seq bigint not null,
  due_at timestamptz not null,
  primary key (workspace_id, canvas_id, block_id, seq),
  foreign key (workspace_id, canvas_id) references app.canvases (workspace_id, id) on delete cascade
);
create index departed_versions_due on app.departed_versions (due_at);
comment on table app.departed_versions is
  'family: canvas. Events of a canvas that still tell the content of a block that has left it, until due_at.';

comment on table app.block_versions is
  'family: canvas. A deletion is told of the block that was named; what went with it has no row for it. A restore is told of each.';

-- A restore is told of every block that came back, so that each of them leads to all events with its content.
insert into app.block_versions (workspace_id, canvas_id, block_id, version, seq, op)
select e.workspace_id, e.canvas_id, b.id, (r.block ->> 'version')::int, e.seq, 'restore'
from app.canvas_events e
cross join lateral json_array_elements(e.payload -> 'ops') as o (op)
cross join lateral json_array_elements(o.op -> 'blocks') as r (block)
join app.blocks b on b.workspace_id = e.workspace_id and b.canvas_id = e.canvas_id and b.id = (r.block ->> 'id')::uuid
where e.type = 'blocks.mutated' and o.op ->> 'op' = 'restore'
on conflict do nothing;

-- What was purged, or moved away, before this.
insert into app.departed_versions (workspace_id, canvas_id, block_id, seq, due_at)
select distinct e.workspace_id, e.canvas_id, (t.block ->> 'id')::uuid, e.seq, now()
from app.canvas_events e
cross join lateral json_array_elements(e.payload -> 'ops') as o (op)
cross join lateral (
  select o.op -> 'block' as block
  union all
  select r.block from json_array_elements(o.op -> 'blocks') as r (block)
) t
where e.type = 'blocks.mutated' and t.block -> 'content' is not null
  and not exists (select from app.block_versions h
    where h.workspace_id = e.workspace_id and h.canvas_id = e.canvas_id and h.block_id = (t.block ->> 'id')::uuid and h.seq = e.seq);
