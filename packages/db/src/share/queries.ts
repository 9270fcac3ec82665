import type { CanvasScope } from '../canvas/queries.ts';
import { callOne, type Queryable } from '../client.ts';

export interface ShareLinkRow {
  id: string;
  canvas_id: string;
  /** Of the token. */
  last_four: string;
  has_password: boolean;
  expires_at: string | null;
  expired: boolean;
  created_by: string;
  created_at: string;
  last_used_at: string | null;
  /** Exact up to 100, then a sample. */
  use_count: number;
}

export interface NewShareLink extends CanvasScope {
  share_link_id: string;
  /** SHA-256 of the token, in hex. */
  token_hash: string;
  last_four: string;
  password_hash: string | null;
  expires_at: string | null;
  request_id: string;
}

/** Throws `canvas.forbidden`, `canvas.archived`, `share_link.expired`, `share_link.too_many`, `feature.disabled`. */
export async function createShareLink(db: Queryable, input: NewShareLink): Promise<ShareLinkRow> {
  const { link } = await callOne<{ link: ShareLinkRow }>(
    db,
    `select app.create_share_link($1, $2, $3, decode($4, 'hex'), $5, $6, $7, $8) as link`,
    [
      input.user_id,
      input.canvas_id,
      input.share_link_id,
      input.token_hash,
      input.last_four,
      input.password_hash,
      input.expires_at,
      input.request_id,
    ],
  );
  return link;
}

/** Newest first. Throws `canvas.forbidden` below admin. */
export async function listShareLinks(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<ShareLinkRow[]> {
  const rows = await db.call<{ link: ShareLinkRow }>('select link from app.list_share_links($1, $2)', [
    user_id,
    canvas_id,
  ]);
  return rows.map(({ link }) => link);
}

/** Throws `share_link.not_found`, `canvas.forbidden`. */
export async function revokeShareLink(
  db: Queryable,
  input: CanvasScope & { share_link_id: string; request_id: string },
): Promise<void> {
  const params = [input.user_id, input.canvas_id, input.share_link_id, input.request_id];
  await db.call('select app.revoke_share_link($1, $2, $3, $4)', params);
}

export interface OpenedLink {
  link_id: string;
  password_hash: string | null;
  /** Null: it has a password, and `unlocked` was not its hash. */
  canvas: SharedCanvas | null;
}

export interface SharedCanvas {
  /** JSON text `{"title":…,"icon":…,"blocks":[…]`, to be closed by whoever adds the files. */
  text: string;
  /** Every file of the canvas that is ready, named in the text or not. */
  attachments: { id: string; name: string; media_type: string; size: number; object_key: string }[];
}

/** For anybody with the token. Null: no such link, expired, or its canvas is not to be seen. Counts the use. */
export async function openShareLink(
  db: Queryable,
  { token_hash, unlocked }: { token_hash: string; unlocked: string | null },
): Promise<OpenedLink | null> {
  const [row] = await db.call<
    Omit<OpenedLink, 'canvas'> & { shared: string | null; attachments: SharedCanvas['attachments'] }
  >(`select * from app.open_share_link(decode($1, 'hex'), $2)`, [token_hash, unlocked]);
  if (!row) return null;
  const { link_id, password_hash, shared, attachments } = row;
  return { link_id, password_hash, canvas: shared === null ? null : { text: shared, attachments } };
}
