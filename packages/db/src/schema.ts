import { bigint, pgSchema, timestamp } from 'drizzle-orm/pg-core';

/** Every table of ours lives in the schema `app`, but what a WhatsApp worker owns. */
export const app = pgSchema('app');

/** What a WhatsApp worker owns: of `wa_user` alone. */
export const wa = pgSchema('wa');

/** Text in ISO 8601, as everywhere. */
export const instant = () => timestamp({ withTimezone: true, mode: 'string' });

export const counter = () => bigint({ mode: 'number' });
