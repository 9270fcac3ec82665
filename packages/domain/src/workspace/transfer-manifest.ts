import { z } from 'zod';

export const MANIFEST = 'manifest.json';
/** Bytes of a manifest. */
export const MAX_MANIFEST = 32 * 1024 * 1024;

const path = z.string().min(1).max(1_024);

/** A file of a canvas, and where the zip has it. */
export const manifestAttachment = z.object({
  id: z.string(),
  path,
  name: z.string().min(1).max(255),
  media_type: z.string().min(1).max(255),
  size: z.number(),
});
export type ManifestAttachment = z.infer<typeof manifestAttachment>;

/** A canvas, and where the zip has its Markdown. */
export const manifestCanvas = z.object({
  id: z.string(),
  path,
  title: z.string(),
  icon: z.string().nullable().default(null),
  archived: z.boolean().default(false),
  /** A line that parts the document, which is too long to be read at once. */
  part_mark: z.string().max(100).optional(),
  attachments: z.array(manifestAttachment).default([]),
});
export type ManifestCanvas = z.infer<typeof manifestCanvas>;

/** A calendar, and where the zip has its schedules: iCalendar. What that has no place for stands here. */
export const manifestCalendar = z.object({
  id: z.string(),
  path,
  /** The files that it goes on in, where it is too large for one. */
  continued: z.array(path).default([]),
  name: z.string(),
  description: z.string().nullable().default(null),
  color: z.string().nullable().default(null),
  time_zone: z.string().nullable().default(null),
  is_exclusive: z.boolean().default(false),
});
export type ManifestCalendar = z.infer<typeof manifestCalendar>;

/** What `manifest.json` in a zip says of the rest. Unknown fields are of a later version. */
export const manifest = z.object({
  format: z.literal('potentia-workspace'),
  version: z.literal(1),
  exported_at: z.string(),
  canvases: z.array(manifestCanvas),
  /** None in a zip of a version that knew no calendars. */
  calendars: z.array(manifestCalendar).default([]),
});
export type Manifest = z.infer<typeof manifest>;
