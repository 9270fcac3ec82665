import { setTimeout as sleep } from 'node:timers/promises';
import type { DoorSession, OpenedSession } from '@potentia/db/whatsapp/door-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { parseInput } from '../platform/parse.ts';
import { type LiveCtx, openSession } from './door-ctx.ts';
import type { LiveCode, LiveCodeKind } from './live-codes.ts';
import { STREAM_START, type SessionEvent } from './session-stream.ts';
import { sessionRef } from './session-schemas.ts';

/** How often codes and messages are looked for, in milliseconds, and how often the card, with the right to see it. */
const POLL_MS = 400;
const LOOK_MS = 2_000;

export type FollowCtx = UserCtx & Pick<LiveCtx, 'live_codes' | 'session_stream'>;

export interface FollowSession {
  /** Go on after this message; null: from now on. */
  after: string | null;
  /** The reader has gone. */
  signal: AbortSignal;
}

/** One thing that a reader is told. `id`: of a message, to go on after. */
export type FollowedEvent = SessionEvent & { id: string | null };

/**
 * What happens in a session, for as long as somebody reads and may: `whatsapp.session` when its card changes and at the beginning,
 * `whatsapp.message`, `whatsapp.message_status`, and for admins `whatsapp.qr` and `whatsapp.pairing_code`, null when there is none
 * any more. Works on any replica. Throws `whatsapp.session_not_found`, also in the middle.
 */
export async function followSession(
  ctx: FollowCtx,
  input: z.input<typeof sessionRef>,
  follow: FollowSession,
): Promise<AsyncGenerator<FollowedEvent>> {
  const { session_id } = parseInput(sessionRef, input);
  // Before anything is sent: whoever may not see it is told 404.
  return tell(ctx, await openSession(ctx, session_id, 'member'), follow);
}

async function* tell(ctx: FollowCtx, first: OpenedSession, follow: FollowSession): AsyncGenerator<FollowedEvent> {
  const { signal } = follow;
  const { id: session_id } = first.session;
  let opened = first;
  let told = '';
  let after = follow.after ?? (await ctx.session_stream.last(session_id)) ?? STREAM_START;
  let looked_at = performance.now();
  const codes = createCodeWatch(ctx, session_id);
  while (!signal.aborted) {
    const card = JSON.stringify(cardOf(opened.session));
    if (card !== told) yield { id: null, type: 'whatsapp.session', json: card };
    told = card;
    if (opened.role !== 'member') yield* codes.changes();
    for (const event of (await ctx.session_stream.read(session_id, after)) ?? []) {
      after = event.id;
      yield event;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (performance.now() - looked_at < LOOK_MS) continue;
    opened = await openSession(ctx, session_id, 'member');
    looked_at = performance.now();
  }
}

function cardOf(session: DoorSession): object {
  const { id: session_id, workspace_id, name, status, status_reason, close_code, status_at } = session;
  const { phone, lid, profile_name, desired_state } = session;
  const of_status = { status, reason: status_reason, close_code, at: status_at, desired_state };
  return { type: 'whatsapp.session', session_id, workspace_id, name, ...of_status, phone, lid, profile_name };
}

/** Tells each code once, and when it is gone. While Redis is away nothing is known of codes. */
function createCodeWatch({ live_codes }: FollowCtx, session_id: string) {
  const told: Record<LiveCodeKind, string | null> = { qr: null, pairing: null };

  const change = async (kind: LiveCodeKind): Promise<FollowedEvent[]> => {
    const code = await live_codes.read(kind, session_id).catch(() => undefined);
    if (code === undefined || (code?.text ?? null) === told[kind]) return [];
    told[kind] = code?.text ?? null;
    return [codeEvent(session_id, kind, code)];
  };

  return {
    async *changes(): AsyncGenerator<FollowedEvent> {
      for (const events of await Promise.all([change('qr'), change('pairing')])) yield* events;
    },
  };
}

function codeEvent(session_id: string, kind: LiveCodeKind, code: LiveCode | null): FollowedEvent {
  const type = kind === 'qr' ? 'whatsapp.qr' : 'whatsapp.pairing_code';
  const { text = null, serial = null, expires_at = null } = code ?? {};
  const data = { type, session_id, [kind === 'qr' ? 'qr' : 'code']: text, serial, expires_at };
  return { id: null, type, json: JSON.stringify(data) };
}
