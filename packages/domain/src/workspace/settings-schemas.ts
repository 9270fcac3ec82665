import { z } from 'zod';
import { id } from '../platform/schemas.ts';
import { asciiDomainName, isDomainName } from './rules/domain-name.ts';
import { FEATURES } from './rules/features.ts';

const MAX_ITEMS = 50;
/** Characters of an origin; no longer one is in any settings. */
export const MAX_ORIGIN = 255;
const DAY_MS = 86_400_000;

/** Names that were asked for before, as they were found: to ask costs a tenth of a millisecond, and every request names one. */
const found_zones = new Map<string, string>();
const MAX_ZONES = 1_000;

function findTimeZone(name: string): string | null {
  const known = found_zones.get(name);
  if (known !== undefined) return known;
  try {
    const found = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    if (found_zones.size < MAX_ZONES) found_zones.set(name, found);
    return found;
  } catch {
    return null;
  }
}

/** As IANA writes it: names are found in any case, but whoever reads them elsewhere compares them. A link stays what it is. */
function spellTimeZone(name: string): string {
  const found = findTimeZone(name);
  return found?.toLowerCase() === name.toLowerCase() || /^[a-z]/.test(name) ? (found ?? name) : name;
}

/** An IANA zone by its name, not an offset, which knows nothing of summer. */
export const timeZone = z
  .string()
  .max(64)
  .overwrite(spellTimeZone)
  .refine(
    (name) => /^[A-Za-z]/.test(name) && findTimeZone(name) !== null,
    'Not an IANA time zone, such as Asia/Jakarta',
  );
export const locale = z.enum(['en', 'id']).meta({ id: 'Locale' });

const origin = z
  .string()
  .max(MAX_ORIGIN)
  .refine(
    (text) => /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text,
    'Not an origin, such as https://app.example.com',
  );
const domain = z
  .string()
  .max(253)
  .overwrite(asciiDomainName)
  .refine(isDomainName, 'Not a domain name, such as example.com');

const unique = (items: readonly string[]): string[] => [...new Set(items)];

export const rateLimitSetting = z
  .strictObject({
    method: z.enum(['GET', 'POST', 'PATCH', 'PUT', 'DELETE']).optional(),
    route: z.string().min(1).max(200).optional().describe('A path of this document, such as /api/v1/search'),
    event: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('Of a WebSocket, such as mutate; then neither method nor route'),
    limit: z.int().min(1).max(1_000_000_000),
    window_ms: z.int().min(1).max(DAY_MS),
    burst: z.int().min(1).max(1_000_000_000).optional(),
  })
  .refine((rule) => rule.event === undefined || (rule.method ?? rule.route) === undefined, {
    error: 'A limit is either of an event or of HTTP requests',
    path: ['event'],
  })
  .meta({
    id: 'RateLimitSetting',
    description:
      'At most limit per window_ms (and burst at once). It counts where it is stricter than what the operator set.',
  });

const feature_flags = z.partialRecord(z.enum(Object.keys(FEATURES) as [keyof typeof FEATURES]), z.boolean());

const fields = {
  cors_origins: z
    .array(origin)
    .max(MAX_ITEMS)
    .overwrite(unique)
    .describe('Browser origins that may call for this workspace'),
  rate_limits: z.array(rateLimitSetting).max(MAX_ITEMS),
  locale: locale.describe('Of mails to people whose own locale is not known'),
  time_zone: timeZone,
  invite_domains: z
    .array(domain)
    .max(MAX_ITEMS)
    .overwrite(unique)
    .describe('Only addresses of these domains may be invited; empty: any'),
  features: feature_flags,
};

export const settings = z
  .strictObject({
    ...fields,
    features: z.record(z.enum(Object.keys(FEATURES) as [keyof typeof FEATURES]), z.boolean()),
    version: z.int().min(0),
    updated_at: z.iso.datetime({ precision: null }).nullable(),
  })
  .meta({ id: 'WorkspaceSettings' });
export type Settings = z.infer<typeof settings>;

export const updateSettingsBody = z
  .strictObject(fields)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Give at least one setting')
  .meta({
    id: 'UpdateWorkspaceSettings',
    description: 'Each field that is given takes the place of what was there; of features, each that is named.',
  });

export const settingsRef = z.strictObject({ workspace_id: id });
export const updateSettingsInput = updateSettingsBody.safeExtend({
  workspace_id: id,
  expected_version: z.int().min(0).optional().describe('From If-Match'),
});
