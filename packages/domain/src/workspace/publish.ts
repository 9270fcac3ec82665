import { workspaceChannel } from '../platform/bus.ts';
import type { Ctx } from '../platform/ctx.ts';

/**
 * Makes every hub read again what a person (or, without one, everybody) may do in the rooms of a workspace. Called after
 * commit; whoever misses it finds the change by the poll of `access_version`.
 */
export function publishWorkspaceAccess({ bus }: Pick<Ctx, 'bus'>, workspace_id: string, user_id?: string): void {
  bus.publish(workspaceChannel(workspace_id), {
    kind: 'access',
    ...(user_id === undefined ? {} : { user_id }),
    frame: '',
  });
}

/** Makes every hub close its sockets on the canvases of a workspace. */
export function publishWorkspaceDeleted({ bus }: Pick<Ctx, 'bus'>, workspace_id: string): void {
  bus.publish(workspaceChannel(workspace_id), { kind: 'deleted', frame: '' });
}
