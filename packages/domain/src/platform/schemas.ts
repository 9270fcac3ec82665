import { z } from 'zod';

/** Lower-cased, since ids are compared as text in channels and keys. */
export const id = z.uuid().toLowerCase();
export const timestamp = z.iso.datetime({ precision: null }).describe('ISO 8601, UTC');

/** Where a list goes on, as the page before said. */
export const cursor = z.string().min(1).max(1_024).optional();
/** How many items of a list one page has at most. */
export const pageLimit = (max = 200, unasked = 50) => z.coerce.number().int().min(1).max(max).default(unasked);
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() });
