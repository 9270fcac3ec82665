import type { ApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';
import { rolePromptRoutes } from './role-prompt-routes.ts';
import { runRoutes } from './run-routes.ts';
import { toolCallRoutes } from './tool-call-routes.ts';
import { turnRoutes } from './turn-routes.ts';

/** What is done for a person's turns: turns themselves, their ledger, tools, role prompts. */
export function agentRoutes(app: App, context: ApiContext): void {
  turnRoutes(app, context);
  runRoutes(app, context);
  rolePromptRoutes(app, context);
  toolCallRoutes(app, context);
}
