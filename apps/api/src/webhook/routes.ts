import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { endpointRoutes } from './webhook-routes.ts';

/** Everything under `/api/v1/workspaces/{workspace_id}/webhooks`. */
export function webhookRoutes(app: App, context: ApiContext): void {
  endpointRoutes(app, context);
  deliveryRoutes(app, context);
}
