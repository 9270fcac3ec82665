import { currentTraceparent } from '@potentia/config/telemetry';
import { canvasChannel } from '../platform/bus.ts';
import type { Ctx } from '../platform/ctx.ts';

/** An accepted change as Postgres wrote it: `frame` is what a hub would read from `canvas_events` to fill a gap. */
export interface CanvasEvent {
  canvas_id: string;
  seq: number;
  frame: string;
}

/** Tells every hub of an event. Called after commit; whoever misses it finds it in `canvas_events`. */
export function publishEvent(ctx: Ctx, { canvas_id, seq, frame }: CanvasEvent): void {
  ctx.bus.publish(canvasChannel(canvas_id), { kind: 'event', seq, traceparent: currentTraceparent(), frame });
}

/** Makes every hub read the access of one person on this canvas again. */
export function publishAccess(ctx: Ctx, canvas_id: string, user_id: string): void {
  ctx.bus.publish(canvasChannel(canvas_id), { kind: 'access', user_id, frame: '' });
}

/** Makes every hub close its sockets on this canvas. */
export function publishDeleted(ctx: Ctx, canvas_id: string): void {
  ctx.bus.publish(canvasChannel(canvas_id), { kind: 'deleted', frame: '' });
}

/** Sends a presence frame; it may be lost. */
export function publishPresenceFrame(ctx: Ctx, canvas_id: string, frame: object): void {
  ctx.bus.publish(canvasChannel(canvas_id), { kind: 'presence', frame: JSON.stringify(frame) });
}
