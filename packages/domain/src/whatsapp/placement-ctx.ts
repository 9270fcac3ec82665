import type { Ctx } from '../platform/ctx.ts';
import type { GatewayPorts } from './session-route.ts';

export interface PlacementMetrics {
  /** placed: on a worker; moved: from one to another; waiting: for a worker; postponed: it could not be carried out. */
  observePlacement(outcome: 'placed' | 'moved' | 'waiting' | 'postponed'): void;
  /** Sessions of workers that have died. */
  observeTakeovers(sessions: number): void;
}

/** What jobs have that put sessions on workers. */
export type PlaceCtx = Pick<Ctx, 'db' | 'log' | 'request_id'> & GatewayPorts & { placements: PlacementMetrics };
