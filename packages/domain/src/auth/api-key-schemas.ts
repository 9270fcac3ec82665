import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { api_key_scopes } from './rules/scopes.ts';

export const apiKeyScope = z.enum(api_key_scopes).meta({
  id: 'ApiKeyScope',
  description:
    '`canvas:write` includes `canvas:read`, `calendar:write` `calendar:read`, `whatsapp:write` `whatsapp:read`, and `workspace:admin` `workspace:read`.',
});

// Outputs

export const apiKey = z
  .strictObject({
    id: id.describe('Also who it is as an actor: in audit logs, events and created_by'),
    workspace_id: id,
    name: z.string(),
    scopes: z.array(apiKeyScope),
    prefix: z.string().describe('How the key begins'),
    last_four: z.string().describe('How it ends'),
    created_by: id,
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    last_used_at: timestamp.nullable().describe('To the minute'),
    revoked_at: timestamp.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKey>;

export const createdApiKey = z
  .strictObject({ ...apiKey.shape, key: z.string().describe('Shown this once: keep it where secrets are kept') })
  .meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof createdApiKey>;

export const apiKeyPage = pageOf(apiKey).meta({ id: 'ApiKeyPage' });
export type ApiKeyPage = z.infer<typeof apiKeyPage>;

// Inputs

export const createApiKeyBody = z
  .strictObject({
    name: safeText(100).min(1).describe('What it is for'),
    scopes: z
      .array(apiKeyScope)
      .min(1)
      .max(api_key_scopes.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, 'Names a scope twice'),
    expires_at: z.iso.datetime({ offset: true }).nullable().default(null).describe('Never, when null'),
  })
  .meta({ id: 'CreateApiKey' });

export const listApiKeysQuery = z.strictObject({
  cursor,
  limit: pageLimit(),
});

const inWorkspace = { workspace_id: id };
export const createApiKeyInput = createApiKeyBody.extend(inWorkspace);
export const listApiKeysInput = listApiKeysQuery.extend(inWorkspace);
export const apiKeyRef = z.strictObject({ ...inWorkspace, api_key_id: id });
