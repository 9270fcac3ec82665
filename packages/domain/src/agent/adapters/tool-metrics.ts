import type { ToolMetrics } from '../tool-ctx.ts';
import { Counter, type Registry } from 'prom-client';

/** What operators see of tools: many that wait say that a model writes what nobody asked for, or that a text makes it. */
export function observeTools(registry: Registry): ToolMetrics {
  const calls = new Counter({
    name: 'potentia_tool_calls_total',
    help: 'Calls of tools, by tool and what became of them: done, failed, needs_confirmation, declined, undone',
    labelNames: ['tool', 'status'],
    registers: [registry],
  });
  return { countCall: (tool, status) => calls.inc({ tool, status }) };
}
