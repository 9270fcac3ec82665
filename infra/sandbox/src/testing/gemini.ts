import Fastify from 'fastify';
import { registerGemini } from '../gemini/routes.ts';
import type { LoggedRequest, LogFilter } from '../gemini/request-log.ts';
import type { Behaviour, GeminiSettings, ScriptItem } from '../gemini/script.ts';

export interface TestGemini extends AsyncDisposable {
  url: string;
  /** What a service needs to know of it. */
  env: Record<string, string>;
  /** From here on it behaves like this, for the calls that match. */
  script(behaviour: Behaviour, options?: Omit<ScriptItem, 'behaviour'>): void;
  set(settings: Partial<GeminiSettings>): void;
  /** What was asked, oldest first. */
  requests(filter?: LogFilter): LoggedRequest[];
  /** Forgets script, settings and requests. */
  clear(): void;
}

/** The sandbox's Gemini endpoint, of a test file's own. */
export async function startGemini(): Promise<TestGemini> {
  const app = Fastify({ forceCloseConnections: true });
  const { script, log } = registerGemini(app, { api_key: 'test-key' });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    env: { GEMINI_API_KEY: 'test-key', GEMINI_BASE_URL: url },
    script: (behaviour, options = {}) => {
      script.add({ ...options, behaviour });
    },
    set: (settings) => {
      script.settings = { ...script.settings, ...settings };
    },
    requests: (filter) => log.list(filter),
    clear() {
      script.clear();
      log.clear();
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}
