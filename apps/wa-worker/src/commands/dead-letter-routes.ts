import { listDeadEvents, redriveEvents } from '@potentia/db/wa/event-queries';
import { decodeCursor, encodeCursor } from '@potentia/domain/platform/cursor';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { parseInput } from '@potentia/domain/platform/parse';
import {
  type DeadLetterPage,
  listDeadLettersQuery,
  MAX_REDRIVEN,
  redriveBody,
  type Redriven,
} from '@potentia/domain/whatsapp/dead-letter-schemas';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Commands } from './command-server.ts';

const position = z.tuple([z.iso.datetime({ offset: true }), z.uuid()]);

/** What the API would not take, of all workers: any of them answers. */
export function deadLetterRoutes(server: FastifyInstance, { context: { db } }: Commands): void {
  server.get('/dead-letters', async (request): Promise<DeadLetterPage> => {
    const { cursor, limit } = parseInput(listDeadLettersQuery, request.query);
    const [dead_at, event_id] = cursor === undefined ? [] : decodeCursor(position, cursor);
    const after = dead_at !== undefined && event_id !== undefined ? { dead_at, event_id } : null;
    const rows = await fromDb(() => listDeadEvents(db, { after, limit: limit + 1 }));
    const items = rows.slice(0, limit) as DeadLetterPage['items'];
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next_cursor: last ? encodeCursor([last.dead_at, last.event_id]) : null };
  });

  server.post('/dead-letters/redrive', async (request): Promise<Redriven> => {
    const { event_ids = null } = parseInput(redriveBody, request.body ?? {});
    return { count: await fromDb(() => redriveEvents(db, { event_ids, limit: MAX_REDRIVEN })) };
  });
}
