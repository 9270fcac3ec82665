import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { content } from '../canvas/schemas.ts';
import { id, timestamp } from '../platform/schemas.ts';

// Outputs

export const shareLink = z
  .strictObject({
    id,
    canvas_id: id,
    last_four: z.string().describe('The end of its token, to tell links apart'),
    has_password: z.boolean(),
    expires_at: timestamp.nullable(),
    expired: z.boolean(),
    created_by: id,
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
    use_count: z.int().min(0).describe('Exact up to 100, then a sample'),
  })
  .meta({ id: 'ShareLink' });
export type ShareLink = z.infer<typeof shareLink>;

export const createdShareLink = shareLink
  .extend({ token: z.string().describe('Shown this once; it is kept nowhere') })
  .meta({ id: 'CreatedShareLink' });
export type CreatedShareLink = z.infer<typeof createdShareLink>;

export const shareLinkList = z.strictObject({ items: z.array(shareLink) }).meta({ id: 'ShareLinkList' });

const sharedBlock = z.strictObject({ id, parent_id: id.nullable(), type: z.string(), content, rank: z.string() });
const sharedAttachment = z.strictObject({
  id,
  name: z.string(),
  media_type: z.string(),
  size: z.int().min(0),
  url: z.string().describe('Signed, for some minutes'),
});

export const sharedCanvas = z
  .strictObject({
    title: z.string(),
    icon: z.string().nullable(),
    blocks: z.array(sharedBlock).describe('The top level first, then by parent; siblings in their order'),
    attachments: z.array(sharedAttachment).describe('Those that blocks name by their id'),
  })
  .meta({ id: 'SharedCanvas' });

// Inputs

const password = safeText(128);

export const createShareLinkBody = z
  .strictObject({
    expires_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .default(null)
      .describe('Null: it lives until it is revoked'),
    password: password.min(4).nullable().default(null),
  })
  .meta({ id: 'CreateShareLink' });

export const openSharedBody = z.strictObject({ password: password.optional() }).meta({ id: 'OpenShared' });

export const shareLinkRef = z.strictObject({ canvas_id: id, share_link_id: id });
export const createShareLinkInput = createShareLinkBody.extend({ canvas_id: id });
export const openSharedInput = z.strictObject({ token: z.string().max(512), password: password.optional() });
