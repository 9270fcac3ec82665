import { randomInt } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import type { TestDatabase } from '@potentia/db/testing/database';
import { seedUser, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedSession, somePhone, type SeededSession } from '@potentia/db/testing/seed-whatsapp';
import { takeWhatsappEvents } from '@potentia/db/whatsapp/worker-event-queries';
import { createLocalRules } from '../../agent/adapters/local-rules.ts';
import type { ModelPort } from '../../agent/model.ts';
import { toolCtxOf } from '../../agent/testing/tool-kit.ts';
import { Turns } from '../../agent/turns.ts';
import { recordBus } from '../../platform/testing/person.ts';
import { createSealer } from '../../platform/seal.ts';
import { newId } from '../../platform/uuid.ts';
import type { PartnerCtx } from '../partner-ctx.ts';
import { openSend } from '../sealed-send.ts';
import type { WorkerRequest } from '../worker-client.ts';
import type { WhatsappContact } from '../schemas.ts';
import { batchOf, inboundEvent } from './worker-events.ts';

const sealer = createSealer([{ kid: 'test', key: Buffer.alloc(32, 9) }]);

/** A process that answers on WhatsApp, on this database. */
export interface PartnerProcess extends Disposable {
  ctx: PartnerCtx;
  /** What its worker was asked for, in order. */
  asked: WorkerRequest[];
  ended: { outcome: string; seconds: number }[];
}

export function startPartner(
  t: TestDatabase,
  overrides: Partial<PartnerCtx> & { answer?: Partial<ModelPort> } = {},
): PartnerProcess {
  const { answer, ...more } = overrides;
  const bus = recordBus();
  const log = createLogger({ service: 'test', level: 'silent' });
  const metrics = { ended: () => undefined, firstToken: () => undefined, refused: () => undefined };
  const events = { append: () => undefined, read: () => Promise.resolve(null) };
  const turns = new Turns({ db: t.db, bus, log, events, metrics });
  const asked: WorkerRequest[] = [];
  const ended: PartnerProcess['ended'] = [];
  const { busy, limiter } = toolCtxOf(t, newId());
  const ctx: PartnerCtx = {
    ...{ db: t.job_db, person_db: t.db, bus, log, busy, limiter, sealer, turns },
    clock: () => new Date(),
    request_id: newId(),
    model: { ...createLocalRules(), ...answer },
    usage_limits: { tokens_per_day: null, cost_micros_per_month: null },
    prompt_tokens: 100_000,
    worker: {
      send: (request) => Promise.resolve(void asked.push(request) as never),
      ask: () => Promise.reject(new Error('nobody asks a worker itself')),
      close: () => undefined,
    },
    routes: {
      read: (session_id) => Promise.resolve({ session_id, worker_id: newId(), url: 'http://worker', generation: 1 }),
      put: () => Promise.resolve(),
      forget: () => Promise.resolve(),
    },
    partner_metrics: { turnEnded: (turn) => void ended.push(turn), turnWaits: () => undefined },
    ...more,
  };
  return { ctx, asked, ended, [Symbol.dispose]: () => turns.close() };
}

/** Somebody whose phone is linked to a session. */
export interface LinkedPhone {
  user_id: string;
  personal_workspace_id: string;
  session: SeededSession;
  chat_id: string;
  contact: WhatsappContact;
  /** The worker tells of a message; `event_id` the same: again. */
  write(text: string, message?: { message_id?: string; event_id?: string }): Promise<string>;
}

/** A phone of the workspace's owner, or of somebody else whose link needs no membership. */
export async function linkPhone(
  t: TestDatabase,
  workspace: SeededWorkspace,
  who?: { user_id: string; personal_workspace_id: string },
): Promise<LinkedPhone> {
  const session = await seedSession(t, workspace);
  const { user_id, personal_workspace_id } = who ?? (await seedUser(t.db, { user_id: workspace.owner_user_id }));
  const [chat_id, contact_id, lid, phone] = [newId(), newId(), String(randomInt(1e12)), somePhone()];
  await t.asOwner(
    `insert into app.whatsapp_links (id, user_id, session_id, contact_id, chat_id, phone, lid, is_open)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [newId(), user_id, session.session_id, contact_id, chat_id, phone, lid, who !== undefined],
  );
  await t.asOwner(`update app.users set locale = 'id', time_zone = 'Asia/Jakarta' where id = $1`, [user_id]);
  const contact = { contact_id, lid, phone, name: 'Ana', is_business: false, is_on_whatsapp: true };
  const chat = { chat_id, kind: 'person' as const, contact, group_id: null, subject: null };
  return {
    ...{ user_id, personal_workspace_id, session, chat_id, contact },
    async write(text, { message_id = `IN${newId()}`, event_id } = {}) {
      const { items } = batchOf(newId(), [
        inboundEvent(session, text, { message: { chat, sender: contact, message_id } }),
      ]);
      const [item] = items;
      await takeWhatsappEvents(t.db, {
        kind: 'message-inbound',
        worker_id: newId(),
        items: [{ ...item, event_id: event_id ?? newId() }],
      });
      return message_id;
    },
  };
}

/** What the house has said to a session's chats, in order: to whom, under which key, and the words. */
export async function saidIn(
  t: TestDatabase,
  { session_id }: { session_id: string },
): Promise<{ key: string; to: object; text: string; requested_by: string }[]> {
  const rows = await t.asOwner<{ request: string; requested_by: string }>(
    'select request, requested_by from app.whatsapp_sends where session_id = $1 order by seq',
    [session_id],
  );
  return rows.map(({ request, requested_by }) => {
    const { idempotency_key: key, message } = openSend(sealer, { session_id, request });
    const { to, content } = message;
    return { key, to, text: content.type === 'text' ? content.text : content.type, requested_by };
  });
}
