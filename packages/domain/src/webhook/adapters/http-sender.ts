import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { parseRetryAfter } from '../rules/schedule.ts';
import { hostOf } from '../rules/target.ts';
import type { WebhookAnswer, WebhookRequest, WebhookSender } from '../sender.ts';
import { ForbiddenTargetError, type TargetGuard } from '../target.ts';

/*
 * On Node's own client: its agents ask `lookup` for each new connection and connect to what it answers, which is the one
 * hook that is needed here, and it follows no redirect and reads no proxy from the environment. undici would bring the same
 * by a connector of its own, and nothing else that is wanted.
 */

export interface HttpSenderOptions {
  guard: TargetGuard;
  /** Milliseconds from the start of an attempt to the end of its answer. */
  timeout_ms: number;
}

/** Bytes of an answer that are read: more end the connection. */
const MAX_ANSWER = 65_536;
const EXCERPT_BYTES = 2_048;
const EXCERPT_CHARACTERS = 1_000;
const IDLE_MS = 15_000;
/** Connections per host that wait for the next message. Those in use have no bound here: one endpoint's would be all others' on its host. */
const FREE_SOCKETS = 4;

/** What customers are told of a connection that failed; the rest is `The connection failed`. */
const REASONS: Record<string, string> = {
  EFORBIDDENTARGET: 'The host leads to an address that is not public',
  ENOTFOUND: 'The host does not exist',
  ENODATA: 'The host has no address',
  ETIMEOUT: 'DNS did not answer in time',
  ECONNREFUSED: 'The connection was refused',
  ECONNRESET: 'The connection was closed before an answer came',
  ETIMEDOUT: 'The connection took too long',
  HPE_HEADER_OVERFLOW: 'The headers of the answer are too large',
  TIMEOUT: 'There was no whole answer in time',
};

/** The sender of production. `close` lets go of idle connections and ends what is under way. */
export function createHttpSender({ guard, timeout_ms }: HttpSenderOptions): WebhookSender {
  const lookup = guardedLookup(guard);
  const options = { keepAlive: true, keepAliveMsecs: IDLE_MS, timeout: IDLE_MS, maxFreeSockets: FREE_SOCKETS, lookup };
  const agents = {
    'http:': new http.Agent(options),
    'https:': new https.Agent({ ...options, minVersion: 'TLSv1.2' }),
  };

  return {
    async send(request) {
      const began = performance.now();
      const latency = (): number => Math.round(performance.now() - began);
      try {
        const url = new URL(request.url);
        // Node looks up no literal: this is the only door that those pass.
        if (isIP(hostOf(url)) !== 0) await guard.addressesOf(hostOf(url));
        const answer = await exchange(url, request, timeout_ms, agents);
        return { ...answer, latency_ms: latency() };
      } catch (error) {
        return { status: null, error: describe(error), excerpt: null, latency_ms: latency() };
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

type Agents = { 'http:': http.Agent; 'https:': https.Agent };

function exchange(
  url: URL,
  { headers, body }: WebhookRequest,
  timeout_ms: number,
  agents: Agents,
): Promise<Omit<WebhookAnswer, 'latency_ms'>> {
  const secure = url.protocol === 'https:';
  const options: https.RequestOptions = {
    method: 'POST',
    agent: secure ? agents['https:'] : agents['http:'],
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    maxHeaderSize: 16_384,
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, options);
    const timer = setTimeout(() => request.destroy(coded('TIMEOUT')), timeout_ms);
    const end = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    request.on('error', (error) => end(() => reject(error)));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const answer = (): Omit<WebhookAnswer, 'latency_ms'> => ({
        status: response.statusCode ?? null,
        error: null,
        excerpt: excerptOf(chunks),
        retry_after_ms: parseRetryAfter(response.headers['retry-after'], new Date()),
      });
      response.on('data', (chunk: Buffer) => {
        if (length < EXCERPT_BYTES) chunks.push(chunk);
        length += chunk.length;
        if (length <= MAX_ANSWER) return;
        end(() => resolve(answer()));
        request.destroy();
      });
      response.on('end', () => end(() => resolve(answer())));
      response.on('error', (error) => end(() => reject(error)));
    });
    request.end(body);
  });
}

/** Node connects to what this answers, and to nothing else. */
function guardedLookup(guard: TargetGuard): LookupFunction {
  return (hostname, options, done) => {
    guard.addressesOf(hostname.replace(/\.$/, '')).then(
      (addresses) => {
        const family =
          options.family === 4 || options.family === 'IPv4'
            ? 4
            : options.family === 6 || options.family === 'IPv6'
              ? 6
              : 0;
        const found = addresses
          .map((address) => ({ address, family: isIP(address) }))
          .filter((each) => family === 0 || each.family === family);
        const [first] = found;
        if (!first) done(coded('ENODATA'), '', 0);
        else if (options.all) done(null, found);
        else done(null, first.address, first.family);
      },
      (error: unknown) => done(error as NodeJS.ErrnoException, '', 0),
    );
  };
}

const coded = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

function describe(error: unknown): string {
  if (error instanceof ForbiddenTargetError) return REASONS['EFORBIDDENTARGET'] ?? '';
  // Of several addresses each has failed.
  const { code = '' } = (error instanceof AggregateError ? error.errors[0] : error) as { code?: string };
  if (code.startsWith('ERR_TLS') || /CERT|SIGNATURE|SSL/.test(code))
    return `The certificate was not accepted (${code})`;
  return REASONS[code] ?? 'The connection failed';
}

/** Text that every store takes: no control characters, no halves of a character. */
function excerptOf(chunks: Buffer[]): string | null {
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, EXCERPT_BYTES));
  // eslint-disable-next-line no-control-regex
  const clean = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '').slice(0, EXCERPT_CHARACTERS);
  return clean === '' ? null : clean.toWellFormed();
}
