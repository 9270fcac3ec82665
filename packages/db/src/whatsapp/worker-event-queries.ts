import { callOne, type Queryable } from '../client.ts';

export interface WorkerEventsAnswer {
  taken: number;
  repeated: number;
  ignored: number;
  /** That there is a QR code now, and whom it is to be shown. */
  qr: { session_id: string; user_ids: string[] } | null;
}

/**
 * Takes events of one kind and one session, in order, each once: the card, what people and customers are told, what the partner
 * gets, in one transaction. Throws `whatsapp.generation_unknown`.
 */
export async function takeWhatsappEvents(
  db: Queryable,
  { kind, worker_id, items }: { kind: string; worker_id: string; items: readonly object[] },
): Promise<WorkerEventsAnswer> {
  const params = [kind, worker_id, items];
  const text = 'select app.take_whatsapp_events($1, $2, $3) as answer';
  return (await callOne<{ answer: WorkerEventsAnswer }>(db, text, params)).answer;
}
