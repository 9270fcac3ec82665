import type { ImportMetrics } from '@potentia/domain/chat/import-messages';
import { Counter, type Registry } from 'prom-client';

/** What operators see of imported histories. */
export function observeImports(registry: Registry): ImportMetrics {
  const messages = new Counter({
    name: 'potentia_chat_imported_messages_total',
    help: 'Messages of imports, by what became of them: imported, duplicate, conflict',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return { countMessages: (outcome, count) => messages.inc({ outcome }, count) };
}
