import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { chatRoutes } from './chat-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { mediaRoutes } from './media-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { qrPageRoutes } from './qr-page-routes.ts';
import { qrRoutes } from './qr-routes.ts';
import { sessionEventsRoutes } from './session-events-routes.ts';

/** What one asks of one session: to link it, to look at it, to send and to read. */
export function doorRoutes(app: App, context: ApiContext): void {
  qrRoutes(app, context);
  qrPageRoutes(app, context);
  sessionEventsRoutes(app, context);
  messageRoutes(app, context);
  mediaRoutes(app, context);
  chatRoutes(app, context);
  groupRoutes(app, context);
}
