import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { attachmentRoutes } from './attachment-routes.ts';
import { blockRoutes } from './block-routes.ts';
import { canvasRoutes as ownRoutes } from './canvas-routes.ts';
import { historyRoutes } from './history-routes.ts';
import { markdownRoutes } from './markdown-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { transferRoutes } from './transfer-routes.ts';

/** Everything under `/api/v1/canvases`. */
export function canvasRoutes(app: App, context: ApiContext): void {
  ownRoutes(app, context);
  blockRoutes(app, context);
  historyRoutes(app, context);
  transferRoutes(app, context);
  memberRoutes(app, context);
  attachmentRoutes(app, context);
  void app.register((scope: App, _options, done) => {
    markdownRoutes(scope, context);
    done();
  });
}
