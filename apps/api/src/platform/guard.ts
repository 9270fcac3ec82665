import { AppError } from '@potentia/domain/platform/errors';
import { createIpBucket, subscriberAddress } from '@potentia/domain/platform/ip-bucket';
import { invalidField } from '@potentia/domain/platform/parse';
import { REQUEST_ID_HEADER } from '@potentia/domain/platform/request-id';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiMetrics } from './metrics.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked by an orchestrator, which must get its answer however many others ask. */
    probe?: true;
    /** Asked by services of ours, of which one address asks for many. */
    service?: true;
  }
  interface FastifyRequest {
    /** By which the caller is counted. */
    address: string;
  }
}

/** How many times the requests of a person's address a service's may be. */
const SERVICE_FACTOR = 10;

/*
 * Fixed, so written here once instead of being worked out by a library on every request. An API answers data: nothing
 * of it is to be framed, sniffed, embedded or kept by a shared cache. The reference page brings its own policy.
 */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-site',
  'cache-control': 'private, no-cache',
};

/** Two Host headers are how a request is smuggled past whatever routes by host; Node takes the first and says nothing. */
function hasTwoHosts(request: FastifyRequest): boolean {
  const { rawHeaders } = request.raw;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** Nothing here unpacks bodies; one that is packed would be read as what it is not. */
const encodedBody = (encoding = 'identity'): AppError | null =>
  encoding.toLowerCase() === 'identity'
    ? null
    : new AppError('invalid', 'http.unsupported_encoding', 'Bodies are taken without Content-Encoding.');

/** A NUL character anywhere in the URL: no id, cursor or name holds one, and Postgres refuses it. */
const nulInUrl = (url: string): AppError | null =>
  url.includes('%00') ? invalidField('', 'The URL contains a NUL character') : null;

/**
 * What stands in front of everything: the headers that every answer carries, the per-address bucket, and the shapes of
 * request that no route should have to think about.
 */
export function guard(app: FastifyInstance, options: { ip_rate_limit: number; metrics: ApiMetrics }): void {
  const { metrics } = options;
  const bucket = createIpBucket({ per_second: options.ip_rate_limit });
  const service_bucket = createIpBucket({ per_second: options.ip_rate_limit * SERVICE_FACTOR });

  const refusal = (request: FastifyRequest): AppError | null => {
    const { probe, service } = request.routeOptions.config;
    const wait = probe ? 0 : (service ? service_bucket : bucket).take(request.address);
    if (wait > 0) {
      metrics.ip_refused.inc();
      const meta = { retry_after_ms: wait };
      return new AppError('limit', 'http.ip_rate_limited', 'Too many requests from this address.', meta);
    }
    if (hasTwoHosts(request)) return new AppError('invalid', 'http.two_hosts', 'More than one Host header.');
    return encodedBody(request.headers['content-encoding']) ?? nulInUrl(request.originalUrl);
  };

  app.decorateRequest('address', '');
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    reply.header(REQUEST_ID_HEADER, request.id);
    request.address = subscriberAddress(request.ip);
    const refused = refusal(request);
    if (refused) done(refused);
    else done();
  });
}
