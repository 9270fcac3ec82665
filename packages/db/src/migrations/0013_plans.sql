-- A canvas is in one workspace: else the planner takes the two for independent, expects no more than a row of both together, and
-- looks a mutation up by reading all events of its canvas.
create statistics app.canvas_events_tenant (dependencies, ndistinct) on workspace_id, canvas_id from app.canvas_events;
analyze app.canvas_events;

-- With the canvas in it, so that whichever index is taken for one invitation holds one row.
create index canvas_access_workspace_person on app.canvas_access (workspace_id, user_id, canvas_id);
drop index app.canvas_access_workspace_user;
