import { inSpan } from '@potentia/config/telemetry';
import { requireScope } from '@potentia/domain/auth/require-scope';
import { grantsScope } from '@potentia/domain/auth/rules/scopes';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import { type CanvasRole, canWrite, hasRole } from '@potentia/domain/canvas/rules/roles';
import { MAX_OPS } from '@potentia/domain/canvas/schemas';
import { AppError } from '@potentia/domain/platform/errors';
import { newId } from '@potentia/domain/platform/uuid';
import type { Opening } from './feed.ts';
import {
  type CanvasFrame,
  canvasFrameSchema,
  MAX_FRAME_BYTES,
  mutationErrorFrame,
  type MutateFrame,
  type PresenceInput,
  PROTOCOL_VERSION,
} from './frames.ts';
import type { Room, RoomSnapshot } from './room.ts';
import { type Connection, type Identity, Session, type SessionDeps } from './session.ts';

/** Presence frames that one call to the limiter pays for: a cursor must not cost a round trip to Redis each time it moves. */
const PRESENCE_LEASE = 20;

/** A client of `/ws/canvas/{id}`. */
export class CanvasSession extends Session {
  protected readonly schema = canvasFrameSchema;
  protected readonly workspace_id: string;
  readonly #room: Room;
  #role: CanvasRole | undefined;
  #presence_left = 0;

  constructor(room: Room, deps: SessionDeps, identity: Identity, connection: Connection) {
    super(deps, identity, connection);
    this.#room = room;
    this.workspace_id = room.workspace_id;
  }

  /** Reads the snapshot that this client starts from; the client that has just come is greeted first. */
  async open(first: boolean): Promise<Opening> {
    const { rechecks } = this.#room;
    const snapshot = await this.#room.readSnapshot(this.user_id);
    this.#role = this.#usable(snapshot.role);
    // Access changed while the snapshot was read: its role may be the old one.
    if (rechecks !== this.#room.rechecks) void this.#room.recheck(this.user_id);
    const frames = [this.#room.snapshotFrame(snapshot)];
    if (first) frames.unshift(this.#hello({ ...snapshot, role: this.#role }));
    if (this.state === 'joining') this.state = 'live';
    return { epoch: snapshot.epoch, seq: snapshot.seq, frames };
  }

  override onFailed(error: unknown): void {
    if (error instanceof AppError && error.kind === 'not_found') return this.close('access_lost');
    super.onFailed(error);
  }

  /** Tells the client of another role, or closes it. */
  applyAccess({ role, archived_at }: { role: CanvasRole | null; archived_at: string | null }): void {
    if (role === null) return this.close('access_lost');
    if (this.#role === undefined || role === this.#role) return;
    this.#role = role;
    this.socket.send(JSON.stringify({ type: 'access', role, can_write: canWrite(role, archived_at) }));
  }

  protected async handle(frame: CanvasFrame): Promise<void> {
    switch (frame.type) {
      case 'mutate':
        return this.#mutate(frame);
      case 'presence':
        return this.#move(frame);
      case 'snapshot':
        await this.take('snapshot');
        return this.#room.feed.restart(this);
      default:
        return this.handleCommon(frame);
    }
  }

  protected onClosed(): void {
    this.#room.leave(this);
  }

  /** An API key that was not made for writing is no more than a viewer here, whatever its role. */
  #usable(role: CanvasRole): CanvasRole {
    const { api_key } = this.claims;
    return api_key && !grantsScope(api_key.scopes, 'canvas:write') ? 'viewer' : role;
  }

  async #mutate({ mutation_id, ops, request_id = newId() }: MutateFrame): Promise<void> {
    const { canvas_id } = this.#room;
    try {
      await this.take('mutate');
      requireScope(this.claims, 'canvas:write');
      if (this.#role !== undefined && !hasRole(this.#role, 'editor')) {
        throw new AppError('forbidden', 'canvas.forbidden', 'Your role on this canvas does not allow this');
      }
      const result = await inSpan('ws.mutate', { canvas_id, mutation_id, request_id }, () =>
        mutateBlocks(this.#ctx(request_id), { canvas_id, mutation_id, ops } as Parameters<typeof mutateBlocks>[1]),
      );
      this.socket.send(JSON.stringify({ type: 'ack', ...result }));
      // A replayed mutation publishes nothing: if its event never came here, it is read now.
      this.#room.feed.observe(result.epoch, result.seq);
    } catch (error) {
      if (!(error instanceof AppError)) this.log.error({ err: error, mutation_id }, 'a mutation failed');
      this.socket.send(mutationErrorFrame(error, mutation_id));
      const access =
        error instanceof AppError && (error.code === 'canvas.not_found' || error.code === 'canvas.forbidden');
      if (access) void this.#room.recheck(this.user_id);
    }
  }

  async #move({ cursor, selection, name }: PresenceInput): Promise<void> {
    if (this.#presence_left === 0) {
      await this.take('presence', PRESENCE_LEASE);
      this.#presence_left = PRESENCE_LEASE;
    }
    this.#presence_left -= 1;
    this.#room.move(this.session_id, {
      type: 'presence',
      session_id: this.session_id,
      user_id: this.user_id,
      name: name ?? this.name,
      cursor: cursor ?? null,
      selection: selection ?? null,
    });
  }

  #hello({ canvas_id, epoch, seq, role, archived_at }: RoomSnapshot): string {
    return JSON.stringify({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      session_id: this.session_id,
      server_time: new Date().toISOString(),
      canvas_id,
      epoch,
      seq,
      role,
      can_write: canWrite(role, archived_at),
      limits: { max_frame_bytes: MAX_FRAME_BYTES, max_ops: MAX_OPS },
      ping_interval_ms: this.deps.ping_interval_ms,
    });
  }

  #ctx(request_id: string) {
    return this.deps.createCtx(this.user_id, request_id);
  }
}
