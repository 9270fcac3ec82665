import { z } from 'zod';
import { cursor, pageLimit, pageOf, timestamp } from './schemas.ts';

const id = z.uuid().toLowerCase();
/** Ids as what is audited writes them: UUIDs, and whatever else names a thing. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(
      (value) => !value.includes('\0') && value.isWellFormed(),
      'Contains a NUL character or half of a character',
    );

export const auditEntry = z
  .strictObject({
    id,
    created_at: timestamp,
    actor: z.strictObject({
      type: z.enum(['user', 'api_key', 'system']),
      user_id: id.nullable().describe('Of a key its id; of the system null'),
      name: z.string().nullable().describe('Of the person, of the key, or what the system did it for'),
    }),
    action: z.string().meta({ examples: ['canvas.create', 'member.remove'] }),
    target_type: z.string(),
    target_id: z.string(),
    canvas_id: id.nullable(),
    before: z.unknown().describe('In short; null for what was made'),
    after: z.unknown().describe('In short; null for what is gone'),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' });

export const auditPage = pageOf(auditEntry).meta({ id: 'AuditPage' });
export type AuditPage = z.infer<typeof auditPage>;

export const auditFilter = z.strictObject({
  actor_user_id: id.optional().describe('A person or an API key'),
  action: z
    .string()
    .regex(/^[a-z][a-z_.]{0,63}$/, 'Lower-case letters, "_" and "."')
    .optional()
    .describe('An action, or how it begins: `canvas.` is all that is done to canvases'),
  target_type: z
    .string()
    .regex(/^[a-z][a-z_]{0,63}$/, 'Lower-case letters and "_"')
    .optional(),
  target_id: text(200).optional(),
  canvas_id: id.optional(),
  from: z.iso.datetime({ offset: true }).optional().describe('Inclusive'),
  to: z.iso.datetime({ offset: true }).optional().describe('Exclusive'),
});

export const listAuditLogsQuery = auditFilter.extend({
  cursor,
  limit: pageLimit(),
});

export const listAuditLogsInput = listAuditLogsQuery.extend({ workspace_id: id });
export const exportAuditLogsInput = auditFilter.extend({ workspace_id: id });
