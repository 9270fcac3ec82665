import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { apiKeyRoutes } from './api-key-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { invitationRoutes } from './invitation-routes.ts';
import { settingsRoutes } from './settings-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { workspaceRoutes as ownRoutes } from './workspace-routes.ts';

/** Everything under `/api/v1/workspaces`, and invitations wherever they lead. */
export function workspaceRoutes(app: App, context: ApiContext): void {
  ownRoutes(app, context);
  settingsRoutes(app, context);
  invitationRoutes(app, context);
  apiKeyRoutes(app, context);
  auditRoutes(app, context);
  transferRoutes(app, context);
}
