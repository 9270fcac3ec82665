import { accepts } from './ports.ts';
import type { Endpoint } from './state.ts';

const TIMEOUT_MS = 3000;

export interface Readiness {
  ready: boolean;
  /** What it answered when it is not. */
  detail: string;
}

/** Asks an endpoint whether it is ready. */
export async function askReady({ port, ready_url }: Endpoint): Promise<Readiness> {
  if (!ready_url) {
    const ready = await accepts(port);
    return { ready, detail: ready ? '' : 'nothing listens' };
  }
  try {
    const response = await fetch(ready_url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await response.text();
    return { ready: response.status === 200, detail: response.status === 200 ? '' : notReady(response.status, body) };
  } catch (error) {
    const cause =
      error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error);
    return { ready: false, detail: cause };
  }
}

/** The names of the checks that fail, out of a `/ready` body; else the body's beginning. */
function notReady(status: number, body: string): string {
  try {
    const { checks } = JSON.parse(body) as { checks?: Record<string, { ok: boolean; error?: string }> };
    const failing = Object.entries(checks ?? {}).filter(([, check]) => !check.ok);
    if (failing.length > 0) {
      return failing.map(([name, { error = 'not ok' }]) => `${name}: ${error.replaceAll('_', ' ')}`).join('; ');
    }
  } catch {
    // Not ours, then.
  }
  return `${status} ${body.slice(0, 100)}`;
}
