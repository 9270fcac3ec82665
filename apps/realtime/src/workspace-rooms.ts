import { type BusMessage, workspaceChannel } from '@potentia/domain/platform/bus';
import type { Room } from './room.ts';

/** The open rooms of one workspace on this replica: what concerns all its canvases reaches them at once. */
export class WorkspaceRooms {
  readonly channel: string;
  readonly #rooms = new Set<Room>();
  readonly #onEmpty: () => void;

  constructor(workspace_id: string, { onEmpty }: { onEmpty: () => void }) {
    this.channel = workspaceChannel(workspace_id);
    this.#onEmpty = onEmpty;
  }

  add(room: Room): void {
    this.#rooms.add(room);
  }

  remove(room: Room): void {
    if (this.#rooms.delete(room) && this.#rooms.size === 0) this.#onEmpty();
  }

  /** A change of access of one person, or without `user_id` of everybody; or the workspace is deleted. */
  receive({ kind, user_id }: BusMessage): void {
    // A copy: a room that closes leaves.
    for (const room of [...this.#rooms]) {
      if (kind === 'access') void room.recheck(user_id);
      else if (kind === 'deleted') room.closeDeleted();
    }
  }
}
