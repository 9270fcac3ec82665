import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';

export function workspaceRoutes(_app: App, _context: ApiContext): void {
  // Its operations follow.
}
