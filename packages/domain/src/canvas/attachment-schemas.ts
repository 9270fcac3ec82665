import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { safeText } from './rules/content.ts';
import { MEDIA_TYPE } from './rules/media-types.ts';

export const download = z
  .strictObject({ url: z.url(), expires_at: timestamp })
  .meta({ id: 'Download', description: 'An address that is signed for this file and a short time' });

export const attachment = z
  .strictObject({
    id,
    canvas_id: id,
    name: z.string(),
    media_type: z.string(),
    size: z.int().min(0).describe('Bytes'),
    status: z.enum(['pending', 'ready']).describe('`pending` until its upload was confirmed'),
    created_by: id,
    created_at: timestamp,
    ready_at: timestamp.nullable(),
    download: download.nullable().describe('Null while it is pending'),
  })
  .meta({ id: 'Attachment' });
export type Attachment = z.infer<typeof attachment>;

export const upload = z
  .strictObject({
    method: z.literal('PUT'),
    url: z.url(),
    headers: z.record(z.string(), z.string()).describe('To be sent as they are: they are signed'),
    expires_at: timestamp,
  })
  .meta({ id: 'Upload', description: 'Where and how the content is to be sent, once' });

export const attachmentUpload = z.strictObject({ attachment, upload }).meta({ id: 'AttachmentUpload' });
export type AttachmentUpload = z.infer<typeof attachmentUpload>;

export const attachmentPage = pageOf(attachment).meta({ id: 'AttachmentPage' });
export type AttachmentPage = z.infer<typeof attachmentPage>;

export const createAttachmentBody = z
  .strictObject({
    name: safeText(255)
      .min(1)
      .refine((name) => !/[/\\\p{Cc}]/u.test(name), 'A name without slashes and control characters'),
    media_type: z.string().max(255).toLowerCase().regex(MEDIA_TYPE, 'A media type without parameters'),
    size: z.int().min(1).max(5_000_000_000).describe('Bytes, exactly'),
  })
  .meta({ id: 'CreateAttachment' });

export const listAttachmentsQuery = z.strictObject({
  cursor,
  limit: pageLimit(),
});

export const createAttachmentInput = createAttachmentBody.extend({ canvas_id: id });
export const attachmentRef = z.strictObject({ canvas_id: id, attachment_id: id });
export const listAttachmentsInput = listAttachmentsQuery.extend({ canvas_id: id });
