import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { phone, session_statuses, sessionSettings } from './schemas.ts';

/** Sessions of one workspace. */
export const MAX_SESSIONS = 200;

const name = safeText(100).min(1);
const unlinked_reply = safeText(1_000)
  .min(1)
  .nullable()
  .describe('Said once to whoever writes without being linked to a person; null: nothing');

// Outputs

export const whatsappSession = z
  .strictObject({
    id,
    workspace_id: id,
    name: z.string(),
    desired_state: z.enum(['disconnected', 'connected', 'logged_out']).describe('What was asked for last'),
    status: z.enum(session_statuses).describe('What its worker said last'),
    status_reason: z
      .string()
      .nullable()
      .describe('`worker.none_alive`: it waits for a worker; `worker.dead`, `worker.gone`: its worker is'),
    close_code: z.int().nullable().describe("WhatsApp's, of the last connection that ended"),
    status_at: timestamp,
    qr: z
      .strictObject({ serial: z.int(), expires_at: timestamp })
      .nullable()
      .describe('That there is a code to scan; `GET …/qr` shows it'),
    phone: z.string().nullable(),
    lid: z.string().nullable(),
    profile_name: z.string().nullable(),
    worker_id: id.nullable().describe('Who holds it; null: nobody needs to, or nobody can'),
    generation: z.int().min(0).describe('Counts the decisions who holds it'),
    placed_at: timestamp.nullable(),
    settings: sessionSettings,
    unlinked_reply: z.string().nullable(),
    version: z.int().min(1),
    created_by: id,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'WhatsappSession' });
export type WhatsappSession = z.infer<typeof whatsappSession>;

export const sessionPage = pageOf(whatsappSession).meta({ id: 'WhatsappSessionPage' });
export type SessionPage = z.infer<typeof sessionPage>;

export const usageList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        session_id: id,
        day: z.iso.date().describe('UTC'),
        sent: z.int(),
        received: z.int(),
        media_bytes: z.int(),
        updated_at: timestamp,
      }),
    ),
  })
  .meta({ id: 'WhatsappUsage' });
export type UsageList = z.infer<typeof usageList>;

// Bodies and queries

export const createSessionBody = z
  .strictObject({
    workspace_id: id.optional().describe('Without it: your personal space'),
    name,
    settings: sessionSettings.optional(),
    unlinked_reply: unlinked_reply.optional(),
  })
  .meta({ id: 'CreateWhatsappSession' });

export const updateSessionBody = z
  .strictObject({
    name: name.optional(),
    settings: sessionSettings.optional().describe('All of them: what is left out has its default'),
    unlinked_reply: unlinked_reply.optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, { error: 'must change something' })
  .meta({ id: 'UpdateWhatsappSession' });

export const listSessionsQuery = z.strictObject({ workspace_id: id.optional(), cursor, limit: pageLimit() });

export const sessionLogin = z
  .discriminatedUnion('by', [
    z.strictObject({ by: z.literal('qr') }),
    z.strictObject({ by: z.literal('pairing_code'), phone }),
  ])
  .describe('How it is linked, should it not be');

export const connectSessionBody = z
  .strictObject({ login: sessionLogin.default({ by: 'qr' }) })
  .meta({ id: 'ConnectWhatsappSession' });

export const migrateSessionBody = z
  .strictObject({ worker_id: id.optional().describe('Without it: whichever has most room') })
  .meta({ id: 'MigrateWhatsappSession' });

const MAX_DAYS = 366;
export const usageQuery = z
  .strictObject({
    workspace_id: id,
    from: z.iso.date().describe('First day, UTC'),
    to: z.iso.date().describe('Last day, UTC'),
  })
  .refine(({ from, to }) => daysBetween(from, to) >= 0, { error: 'must not be before from', path: ['to'] })
  .refine(({ from, to }) => daysBetween(from, to) < MAX_DAYS, { error: 'at most 366 days', path: ['to'] });

const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 86_400_000;

// Inputs of verbs

const ofSession = { session_id: id };
export const sessionRef = z.strictObject(ofSession);
export const updateSessionInput = updateSessionBody.safeExtend({
  ...ofSession,
  expected_version: z.int().min(1).optional().describe('From If-Match'),
});
export const connectSessionInput = connectSessionBody.extend(ofSession);
export const migrateSessionInput = migrateSessionBody.extend(ofSession);
