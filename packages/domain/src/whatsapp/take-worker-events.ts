import { takeWhatsappEvents, type WorkerEventsAnswer } from '@potentia/db/whatsapp/worker-event-queries';
import { meChannel } from '../platform/bus.ts';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import type { LiveCodes } from './live-codes.ts';
import type { SessionStream } from './session-stream.ts';
import type { WorkerEventKind, WorkerEventsTaken } from './worker-events.ts';

export type WorkerEventsCtx = Pick<Ctx, 'db' | 'bus' | 'log'> & {
  live_codes: Pick<LiveCodes, 'read'>;
  session_stream: Pick<SessionStream, 'append'>;
};

/** A request of a worker whose signature and shape were checked. */
export interface WorkerEventsInput {
  kind: WorkerEventKind;
  worker_id: string;
  items: readonly object[];
}

/**
 * Takes what a worker says of one session, each event once however often it comes. Throws `whatsapp.generation_unknown` for a
 * placement that never was.
 */
export async function takeWorkerEvents(ctx: WorkerEventsCtx, input: WorkerEventsInput): Promise<WorkerEventsTaken> {
  const { qr, ...counts } = await fromDb(() => takeWhatsappEvents(ctx.db, input));
  if (counts.taken > 0) {
    publishOutboxHint(ctx);
    streamEvents(ctx, input);
  }
  // Whoever looks at the session meanwhile reads the code by themselves: nobody waits for this.
  if (qr) showQr(ctx, qr).catch((err: unknown) => ctx.log.warn({ err }, 'a QR code could not be shown'));
  return counts;
}

const STREAMED: Partial<Record<WorkerEventKind, string>> = {
  'message-inbound': 'whatsapp.message',
  'message-status': 'whatsapp.message_status',
};

/** For those who look at the session now. What came before, in part, comes to them again. */
function streamEvents({ session_stream }: WorkerEventsCtx, { kind, items }: WorkerEventsInput): void {
  const type = STREAMED[kind];
  if (type === undefined) return;
  const events = (items as { data: { session_id: string; generation: number } }[]).map(({ data }) => data);
  const [first] = events;
  if (!first) return;
  session_stream.append(
    first.session_id,
    events.map(({ generation: _, ...data }) => ({ type, json: JSON.stringify({ type, ...data }) })),
  );
}

/** Shows the code of now, which is in no event, to those who may link the session and are connected. */
async function showQr(
  { bus, live_codes }: WorkerEventsCtx,
  { session_id, user_ids }: NonNullable<WorkerEventsAnswer['qr']>,
): Promise<void> {
  const code = await live_codes.read('qr', session_id);
  if (code === null) return;
  const { text: qr, serial, expires_at } = code;
  const frame = JSON.stringify({ type: 'whatsapp.qr', session_id, qr, serial, expires_at });
  for (const user_id of user_ids) bus.publish(meChannel(user_id), { kind: 'whatsapp', user_id, frame });
}
