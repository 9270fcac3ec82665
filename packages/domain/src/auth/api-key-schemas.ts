import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { id } from '../canvas/schemas.ts';
import { api_key_scopes } from './rules/scopes.ts';

const timestamp = z.iso.datetime({ precision: null }).describe('ISO 8601, UTC');

export const apiKeyScope = z.enum(api_key_scopes).meta({
  id: 'ApiKeyScope',
  description: '`canvas:write` includes `canvas:read`, and `workspace:admin` includes `workspace:read`.',
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

export const apiKeyPage = z
  .strictObject({ items: z.array(apiKey), next_cursor: z.string().nullable() })
  .meta({ id: 'ApiKeyPage' });
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
  cursor: z.string().min(1).max(1_024).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const inWorkspace = { workspace_id: id };
export const createApiKeyInput = createApiKeyBody.extend(inWorkspace);
export const listApiKeysInput = listApiKeysQuery.extend(inWorkspace);
export const apiKeyRef = z.strictObject({ ...inWorkspace, api_key_id: id });
