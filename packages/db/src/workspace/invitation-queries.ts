import { callOne, type Queryable } from '../client.ts';

export interface InvitationRow {
  id: string;
  workspace_id: string;
  /** Null: to the workspace itself. */
  canvas_id: string | null;
  type: 'USER_ID' | 'EMAIL';
  user_id: string | null;
  email: string | null;
  role: string;
  status: 'pending' | 'accepted' | 'rejected' | 'revoked' | 'expired';
  expires_at: string;
  invited_by: string;
  sent_count: number;
  last_sent_at: string;
  responded_at: string | null;
  accepted_by: string | null;
  created_at: string;
}

export interface MyInvitationRow {
  invitation_id: string;
  kind: 'workspace' | 'canvas';
  workspace_id: string;
  workspace_name: string;
  canvas_id: string | null;
  canvas_title: string | null;
  inviter_name: string;
  role: string;
  expires_at: string;
  created_at: string;
}

export interface InvitationAnswerRow {
  invitation_id: string;
  status: 'accepted' | 'rejected';
  role: string | null;
  workspace?: { id: string; name: string; icon: string | null } | null;
  canvas?: { id: string; workspace_id: string; title: string; icon: string | null } | null;
}

/** Where an invitation leads: a workspace, or one canvas. */
export type InvitationPlace =
  { workspace_id: string; canvas_id?: undefined } | { canvas_id: string; workspace_id?: undefined };

interface Act {
  user_id: string;
  place: InvitationPlace;
  request_id: string;
  traceparent?: string | undefined;
}

/** What goes out with an invitation: the hash stays, the sealed token travels to the mail. */
export interface TokenInput {
  token_hash: string;
  sealed_token: string;
  ttl_seconds: number;
}

const placeOf = ({ workspace_id, canvas_id }: InvitationPlace) => [workspace_id ?? null, canvas_id ?? null] as const;

/**
 * Invites `target_user_id` or `email`; its mail and its event are in the outbox with it. Throws `workspace.not_found`,
 * `canvas.not_found`, `….forbidden`, `workspace.personal`, `user.not_found`, `invitation.domain_refused`,
 * `invitation.already_member`, `invitation.already_pending`.
 */
export async function createInvitation(
  db: Queryable,
  input: Act &
    TokenInput & { invitation_id: string; target_user_id: string | null; email: string | null; role: string },
): Promise<InvitationRow> {
  const { invitation } = await callOne<{ invitation: InvitationRow }>(
    db,
    'select app.create_invitation($1, $2, $3, $4, $5, $6, $7, $8, $9, make_interval(secs => $10), $11, $12) as invitation',
    [
      input.user_id,
      input.invitation_id,
      ...placeOf(input.place),
      input.target_user_id,
      input.email,
      input.role,
      input.token_hash,
      input.sealed_token,
      input.ttl_seconds,
      input.request_id,
      input.traceparent ?? null,
    ],
  );
  return invitation;
}

/** A new token and a new end. Throws `invitation.not_found`, `invitation.not_pending`, and what `createInvitation` throws. */
export async function resendInvitation(
  db: Queryable,
  input: Act & TokenInput & { invitation_id: string },
): Promise<InvitationRow> {
  const { invitation } = await callOne<{ invitation: InvitationRow }>(
    db,
    'select app.resend_invitation($1, $2, $3, $4, $5, $6, make_interval(secs => $7), $8, $9) as invitation',
    [
      input.user_id,
      input.invitation_id,
      ...placeOf(input.place),
      input.token_hash,
      input.sealed_token,
      input.ttl_seconds,
      input.request_id,
      input.traceparent ?? null,
    ],
  );
  return invitation;
}

/** Throws `invitation.not_found`, `invitation.not_pending`. `changed: false`: it was revoked already. */
export function revokeInvitation(
  db: Queryable,
  { user_id, place, invitation_id, request_id }: Act & { invitation_id: string },
): Promise<{ changed: boolean }> {
  const params = [user_id, invitation_id, ...placeOf(place), request_id];
  return callOne(db, 'select app.revoke_invitation($1, $2, $3, $4, $5) as changed', params);
}

/** The newest first, older than `before_id`; at most `limit` (101). For those who may invite there. */
export async function listInvitations(
  db: Queryable,
  input: { user_id: string; place: InvitationPlace; status?: string; before_id?: string; limit: number },
): Promise<InvitationRow[]> {
  const params = [input.user_id, ...placeOf(input.place), input.status ?? null, input.before_id ?? null, input.limit];
  const rows = await db.call<{ invitation: InvitationRow }>(
    'select invitation from app.list_invitations($1, $2, $3, $4, $5, $6)',
    params,
  );
  return rows.map(({ invitation }) => invitation);
}

/** Pending ones by which this person can join, the newest first; at most `limit` (101). */
export async function listMyInvitations(
  db: Queryable,
  { user_id, before_id, limit }: { user_id: string; before_id?: string; limit: number },
): Promise<MyInvitationRow[]> {
  const rows = await db.call<{ invitation: MyInvitationRow }>(
    'select invitation from app.list_my_invitations($1, $2, $3)',
    [user_id, before_id ?? null, limit],
  );
  return rows.map(({ invitation }) => invitation);
}

/** Throws `invitation.not_found`, `invitation.expired`, `invitation.not_pending`. */
export async function previewInvitation(
  db: Queryable,
  token_hash: string,
): Promise<{ workspace_name: string; inviter_name: string }> {
  const { preview } = await callOne<{ preview: { workspace_name: string; inviter_name: string } }>(
    db,
    'select app.preview_invitation($1) as preview',
    [token_hash],
  );
  return preview;
}

export interface RespondInput {
  user_id: string;
  kind: 'workspace' | 'canvas';
  /** One of the two names the invitation. */
  token_hash: string | null;
  invitation_id: string | null;
  response: 'accept' | 'reject';
  request_id: string;
  traceparent?: string | undefined;
}

/**
 * All or nothing. Throws `invitation.not_found`, `invitation.wrong_address`, `invitation.expired`,
 * `invitation.not_pending`, `invitation.already_member`, `workspace.seats_full`.
 */
export async function respondToInvitation(db: Queryable, input: RespondInput): Promise<InvitationAnswerRow> {
  const { answer } = await callOne<{ answer: InvitationAnswerRow }>(
    db,
    'select app.respond_to_invitation($1, $2, $3, $4, $5, $6, $7) as answer',
    [
      input.user_id,
      input.kind,
      input.token_hash,
      input.invitation_id,
      input.response,
      input.request_id,
      input.traceparent ?? null,
    ],
  );
  return answer;
}

export interface InvitationMailRow extends MyInvitationRow {
  to: string;
  locale: string;
}

/** What the mail of an invitation says; null when it was answered, revoked, sent anew or ran out meanwhile. As job_user. */
export async function getInvitationMail(
  db: Queryable,
  { invitation_id, token_hash }: { invitation_id: string; token_hash: string },
): Promise<InvitationMailRow | null> {
  const { mail } = await callOne<{ mail: InvitationMailRow | null }>(
    db,
    'select app.get_invitation_mail($1, $2) as mail',
    [invitation_id, token_hash],
  );
  return mail;
}

/** Marks what ran out, at most `limit`; how many it was. As job_user. */
export async function expireInvitations(db: Queryable, limit: number): Promise<number> {
  const { count } = await callOne<{ count: number }>(db, 'select app.expire_invitations($1) as count', [limit]);
  return count;
}
