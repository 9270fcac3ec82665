import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { contextRoutes } from './context-routes.ts';
import { importRoutes } from './import-routes.ts';
import { memoryRoutes } from './memory-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { memorySearchRoutes } from './search-routes.ts';
import { settingsRoutes } from './settings-routes.ts';

/** A person's chat: its contexts and messages, import and export, what is remembered of them, what they chose. */
export function chatRoutes(app: App, context: ApiContext): void {
  contextRoutes(app, context);
  messageRoutes(app, context);
  importRoutes(app, context);
  memoryRoutes(app, context);
  settingsRoutes(app, context);
  memorySearchRoutes(app, context);
}
