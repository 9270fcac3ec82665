import { REQUEST_ID_HEADER } from '@potentia/domain/platform/request-id';
import type { RecentSettings } from '@potentia/domain/workspace/recent-settings';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply } from 'fastify';

const EXPOSED_HEADERS = [
  'etag',
  'location',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'idempotency-replayed',
  REQUEST_ID_HEADER,
];

interface Origins {
  config: { CORS_ORIGINS: string[] };
  settings: RecentSettings;
}

/**
 * CORS for the origins that the operator lists and those that any workspace has in its settings; to any other the API
 * looks as if it knew no CORS at all. A preflight does not say who will call, so what it may learn is no more than that
 * some workspace knows its origin; for whose data the answer counts is the part of `keepOriginsApart`.
 */
export async function allowOrigins(app: FastifyInstance, { config, settings }: Origins): Promise<void> {
  const listed = new Set(config.CORS_ORIGINS);
  await app.register(cors, {
    origin(origin, decide) {
      const known = origin !== undefined && (listed.has(origin) || settings.knowsOrigin(origin));
      if (typeof known === 'boolean') {
        decide(null, known);
        return;
      }
      known.then(
        (answer) => decide(null, answer),
        (error: unknown) => decide(error as Error, false),
      );
    },
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'if-match',
      'if-none-match',
      REQUEST_ID_HEADER,
    ],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    strictPreflight: false,
  });
}

/**
 * An origin of one workspace does not read another's: once it is known what a request is about, an answer to an origin
 * that neither the operator nor that workspace lists is kept from the page. Register it behind what finds the workspace.
 */
export function keepOriginsApart(app: FastifyInstance, { config, settings }: Origins): void {
  const listed = new Set(config.CORS_ORIGINS);
  const decide = async (reply: FastifyReply, workspace_id: string, origin: string): Promise<void> => {
    const { cors_origins } = await settings.of(workspace_id);
    if (!cors_origins.includes(origin)) reply.removeHeader('access-control-allow-origin');
  };
  app.addHook('onRequest', (request, reply, done) => {
    const { workspace_id } = request;
    const { origin } = request.headers;
    if (workspace_id === null || origin === undefined || listed.has(origin)) return done();
    decide(reply, workspace_id, origin).then(() => done(), done);
  });
}
