import { openShareLink, type OpenedLink, type SharedCanvas } from '@potentia/db/share/queries';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { safeType } from '../canvas/rules/media-types.ts';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { Limit, Limiter } from '../platform/limiter.ts';
import type { Objects } from '../platform/objects.ts';
import { parseInput } from '../platform/parse.ts';
import { verifyPassword } from './password.ts';
import { openSharedInput } from './schemas.ts';
import { hashLinkToken } from '../platform/link-token.ts';

/** Guesses at the password of one link, from one address and from all. */
const GUESSES: Limit = { limit: 10, window_ms: 600_000 };
const GUESSES_OF_ALL: Limit = { limit: 300, window_ms: 600_000 };

/** Seconds for which the address of a file is signed; an answer that is still fresh by its tag has at least half of it. */
const URL_LIFE_S = 900;

/** Addresses that a process remembers; each has about a kilobyte. */
const MAX_SIGNED = 20_000;
const signedOf = new WeakMap<Objects, LRUCache<string, string>>();
/** Files that are seen to before others have their turn. */
const TURN = 20;

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What opening needs of the world: there is no actor. */
export type OpenCtx = Pick<Ctx, 'db' | 'clock'> & { limiter: Limiter; objects: Objects; address: string };

export interface OpenedCanvas {
  /** JSON text of a `SharedCanvas`. */
  text: string;
  /** Changes with what the text says, and before addresses in it expire. */
  tag: string;
}

/**
 * What anybody who has the token reads. Whatever does not let them answers the same `share_link.not_found`: no such token,
 * expired, revoked, canvas archived or deleted, workspace gone, sharing switched off. A link with a password throws
 * `share_link.password_required` or `share_link.password_wrong`, and `share_link.too_many_guesses` from one address.
 */
export async function openShared(ctx: OpenCtx, input: z.input<typeof openSharedInput>): Promise<OpenedCanvas> {
  const { token, password } = parseInput(openSharedInput, input);
  const token_hash = hashLinkToken(token);
  if (token_hash === undefined) throw notFound();
  const opened = await open(ctx, token_hash, null);
  if (opened.canvas) return present(ctx, opened.canvas);
  const { canvas } = await open(ctx, token_hash, await unlock(ctx, opened, password));
  if (!canvas) throw notFound();
  return present(ctx, canvas);
}

async function open(ctx: OpenCtx, token_hash: string, unlocked: string | null): Promise<OpenedLink> {
  const opened = await fromDb(() => openShareLink(ctx.db, { token_hash, unlocked }));
  if (!opened) throw notFound();
  return opened;
}

const notFound = (): AppError => new AppError('not_found', 'share_link.not_found', 'There is nothing to see here.');

async function unlock(ctx: OpenCtx, link: OpenedLink, password: string | undefined): Promise<string> {
  if (password === undefined) {
    throw new AppError('forbidden', 'share_link.password_required', 'This link needs a password.');
  }
  const key = `share|${link.link_id}`;
  for (const [counted, limit] of [
    [`${key}|${ctx.address}`, GUESSES],
    [key, GUESSES_OF_ALL],
  ] as const) {
    const { allowed, retry_after_ms } = await ctx.limiter.take(counted, limit);
    if (!allowed) {
      throw new AppError('limit', 'share_link.too_many_guesses', 'Too many passwords were tried.', { retry_after_ms });
    }
  }
  if (link.password_hash === null || !(await verifyPassword(password, link.password_hash))) {
    throw new AppError('forbidden', 'share_link.password_wrong', 'This is not the password.');
  }
  return link.password_hash;
}

/**
 * Signing is work, a third of a millisecond for each, and anybody may ask: so it lets others have their turn, and what was
 * signed is handed out for as long as it has half of its life.
 */
async function signAll(
  { objects }: OpenCtx,
  files: SharedCanvas['attachments'],
  half_life: number,
): Promise<{ id: string; name: string; media_type: string; size: number; url: string }[]> {
  const signed = signedOf.get(objects) ?? new LRUCache<string, string>({ max: MAX_SIGNED });
  signedOf.set(objects, signed);
  const found = [];
  for (const [number, { object_key: key, id, name, media_type, size }] of files.entries()) {
    const known_by = JSON.stringify([half_life, key, name, media_type]);
    let url = signed.get(known_by);
    if (url === undefined) {
      const asked = { key, name, media_type: safeType(media_type), expires_s: URL_LIFE_S };
      ({ url } = await objects.presignGet(asked));
      signed.set(known_by, url);
    }
    found.push({ id, name, media_type, size, url });
    if (number % TURN === TURN - 1) await setImmediate();
  }
  return found;
}

async function present(ctx: OpenCtx, { text, attachments }: SharedCanvas): Promise<OpenedCanvas> {
  // A file that no block shows any more is nobody's business here. One pass, however many files there are.
  const named = new Set(attachments.length > 0 ? text.match(UUID) : []);
  const shown = attachments.filter(({ id }) => named.has(id));
  const half_life = Math.floor(ctx.clock().getTime() / (URL_LIFE_S * 500));
  const files = await signAll(ctx, shown, half_life);
  const names = shown.map(({ id }) => id).join();
  const hash = createHash('sha256')
    .update(text)
    .update(shown.length > 0 ? `${names}|${half_life}` : '');
  return { text: `${text},"attachments":${JSON.stringify(files)}}`, tag: `"${hash.digest('base64url')}"` };
}
