/** The roles that a person can have in a workspace, lowest first. */
export type WorkspaceRole = 'guest' | 'member' | 'admin' | 'owner';
/** Those that can be given; `owner` comes by a transfer alone. */
export type MemberRole = Exclude<WorkspaceRole, 'owner'>;

export interface WorkspaceRow {
  id: string;
  name: string;
  icon: string | null;
  is_personal: boolean;
  /** Of the person who asked. */
  role: WorkspaceRole;
  owner_user_id: string;
  seat_limit: number;
  version: number;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
  /** When a deleted workspace is gone for good. */
  purge_at: string | null;
}

export interface WorkspaceMemberRow {
  user_id: string;
  name: string;
  email: string | null;
  role: WorkspaceRole;
  joined_at: string;
}

/** The last member that a page held, by the columns that order the list. */
export interface MemberPosition {
  place: number;
  sort_name: string;
  user_id: string;
}
