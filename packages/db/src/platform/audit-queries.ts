import type { Queryable } from '../client.ts';

/** One thing that was done. */
export interface AuditRow {
  id: string;
  created_at: string;
  /** `name` is the person's, the key's, or what the system did it for. */
  actor: { type: 'user' | 'api_key' | 'system'; user_id: string | null; name: string | null };
  action: string;
  target_type: string;
  target_id: string;
  canvas_id: string | null;
  before: unknown;
  after: unknown;
  request_id: string | null;
}

export interface AuditFilter {
  actor_user_id?: string;
  /** An action, or how it begins. */
  action?: string;
  target_type?: string;
  target_id?: string;
  canvas_id?: string;
  /** ISO 8601, inclusive. */
  from?: string;
  /** ISO 8601, exclusive. */
  to?: string;
}

export interface AuditQuery {
  user_id: string;
  workspace_id: string;
  filter: AuditFilter;
  /** Where the last page ended; both null at the beginning. */
  cursor_created_at: string | null;
  cursor_id: string | null;
  /** At most 1001. */
  limit: number;
}

export interface AuditEntry {
  entry: AuditRow;
  /** Where this row stands in the order. */
  created_at: string;
  id: string;
}

/** Newest first, for admins. Throws `workspace.not_found`, `workspace.forbidden`. */
export function listAuditLogs(db: Queryable, query: AuditQuery): Promise<AuditEntry[]> {
  return db.call('select * from app.list_audit_logs($1, $2, $3, $4, $5, $6)', [
    query.user_id,
    query.workspace_id,
    query.filter,
    query.cursor_created_at,
    query.cursor_id,
    query.limit,
  ]);
}
