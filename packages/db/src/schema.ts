import { bigint, pgSchema, timestamp } from 'drizzle-orm/pg-core';

/** Every table of ours lives in the schema `app`. */
export const app = pgSchema('app');

/** Text in ISO 8601, as everywhere. */
export const instant = () => timestamp({ withTimezone: true, mode: 'string' });

export const counter = () => bigint({ mode: 'number' });
