import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { runRoutes } from './run-routes.ts';

/** What is done for a person's turns: turns themselves, their ledger, tools, role prompts. */
export function agentRoutes(app: App, context: ApiContext): void {
  runRoutes(app, context);
}
