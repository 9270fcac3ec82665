import type { StoredAttachment } from '@potentia/db/canvas/attachment-queries';
import type { FilePorts } from '../platform/objects.ts';
import type { Attachment } from './attachment-schemas.ts';
import { safeType } from './rules/media-types.ts';

/** Seconds that a signed address works: to begin an upload, and to begin a download. */
export const UPLOAD_S = 15 * 60;
export const DOWNLOAD_S = 10 * 60;

/**
 * A file as clients get it, with an address to download it. To be called only after access was decided: whoever holds the
 * address needs nothing else.
 */
export async function presentAttachment(
  { objects }: Pick<FilePorts, 'objects'>,
  { attachment, object_key }: StoredAttachment,
): Promise<Attachment> {
  if (attachment.status !== 'ready') return { ...attachment, download: null };
  const { name, media_type } = attachment;
  const download = await objects.presignGet({
    key: object_key,
    name,
    media_type: safeType(media_type),
    expires_s: DOWNLOAD_S,
  });
  return { ...attachment, download };
}
