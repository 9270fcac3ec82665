import { AppError } from '@potentia/domain/platform/errors';
import { z } from 'zod';
import { type App, operation } from './openapi.ts';

/** Clients that look for the sockets here are told where they are: the hub is a service of its own. */
export function websocketPointer(app: App, realtime_url: string | undefined): void {
  const schema = operation({
    operationId: 'openCanvasSocket',
    tags: ['blocks'],
    summary: 'Live edits and presence, over WebSocket, on the realtime service',
    description: realtime_url ? `Connect to ${realtime_url}/ws/canvas/{canvas_id}.` : 'See docs/protocol.md.',
    params: z.strictObject({ canvas_id: z.string() }),
    auth: false,
    ok: {},
    problems: [426],
  });
  app.get('/ws/canvas/:canvas_id', { schema, config: { auth: 'none' } }, () => {
    const where = realtime_url ?? 'the realtime service';
    throw new AppError('invalid', 'http.websocket_elsewhere', `WebSockets are served by ${where}.`);
  });
}
