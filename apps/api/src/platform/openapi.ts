import type { Scope } from '@potentia/domain/auth/rules/scopes';
import type { CalendarRole, ScheduleRole } from '@potentia/domain/calendar/rules/roles';
import type { CanvasRole } from '@potentia/domain/canvas/rules/roles';
import { PROBLEM_TYPE, problemSchema } from '@potentia/domain/platform/problem';
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

const PROBLEMS: Record<number, string> = {
  400: 'The request is not valid; `errors` names the fields.',
  401: 'No access token, or one that is not valid.',
  403: 'The caller sees this but may not do it.',
  404: 'There is no such thing, or the caller may not see it.',
  409: 'It stands otherwise than the request assumes; `current` says how.',
  412: 'If-Match names another version; `current` is the row as it stands.',
  413: 'The body is too large.',
  415: 'The content type is not accepted.',
  422: 'The Idempotency-Key was used with another body.',
  426: 'This path speaks WebSocket, on another service.',
  429: 'Too many requests; Retry-After says when.',
  500: 'Something went wrong on our side.',
  503: 'Something that is needed cannot be reached; Retry-After says when.',
};

type Response = z.ZodType | { description: string; content: Record<string, { schema: z.ZodType }> };

/** The application as routes see it: what their zod schemas say is what their handlers get. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/**
 * The least role that an operation needs, on what its path names (`session`: in the workspace of a WhatsApp session, of which guests
 * know nothing); `oneself`: where its `user_id` is the caller's own;
 * `person`: everybody with a token, for themselves.
 */
export type Access =
  | { canvas: CanvasRole; oneself?: CanvasRole }
  | { calendar: CalendarRole; oneself?: CalendarRole }
  | { schedule: ScheduleRole }
  | { workspace: 'guest' | 'member' | 'admin' | 'owner' }
  | { session: 'member' | 'admin' }
  | 'person';

interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  /** `false`: anyone may call. `service`: our own services, with a token of theirs. */
  auth?: false | 'service';
  /** Told in the document as `x-potentia-access`, to which the authorisation matrix holds the answers. */
  access?: Access;
  /** Told as `x-potentia-scope`. Without it no API key may call. */
  scope?: Scope;
  params?: z.ZodType;
  querystring?: z.ZodType;
  body?: z.ZodType;
  consumes?: string[];
  /** Request headers that mean something here, beside those that a refusal names. */
  headers?: { name: string; description: string }[];
  /** What success looks like, by status. */
  ok: Record<number, Response>;
  /** Refusals beyond those that every operation can answer. */
  problems?: number[];
}

const NO_QUERY = z.strictObject({});

/** Refusals that stand in front of every route: bad input, limits, failures. */
const ALWAYS = [400, 429, 500, 503];

const problem = (status: number): Response => ({
  description: PROBLEMS[status] ?? 'A problem.',
  content: { [PROBLEM_TYPE]: { schema: problemSchema } },
});

const securityOf = (auth: Operation['auth']): Record<string, string[]>[] =>
  auth === false ? [] : [auth === 'service' ? { service: [] } : { bearer: [] }];

/** The schema of a route: what it takes, what it answers, and every way in which it can refuse (RFC 9457). */
export function operation<const O extends Operation>(o: O) {
  const { auth, access, scope, ok, headers, problems = [], ...rest } = o;
  // What takes no query refuses one like any other unknown field. Probes and their kind are asked by whatever there is.
  const querystring = o.querystring ?? (o.tags.includes('service') ? undefined : NO_QUERY);
  const refusals = new Set([
    ...ALWAYS,
    ...(auth === false ? [] : [401, 403]),
    ...(o.body ? [413, 415] : []),
    ...problems,
  ]);
  // Fastify would type replies by this map, but hot routes answer JSON text that Postgres wrote: it is the contract test
  // that holds the answers to it.
  const response: Record<string, unknown> = { ...ok };
  for (const status of [...refusals].sort()) response[status] = problem(status);
  return {
    ...rest,
    ...(querystring && { querystring }),
    security: securityOf(auth),
    ...(access && { 'x-potentia-access': access }),
    ...(scope && { 'x-potentia-scope': scope }),
    ...(headers && { 'x-potentia-headers': headers }),
    response,
  };
}

/** An answer without a body. */
export const noContent = (description: string): Response => z.null().meta({ description });

interface OpenApiOperation {
  requestBody?: { content: Record<string, { schema: object }> };
  parameters?: object[];
  responses?: Record<string, unknown>;
  'x-potentia-headers'?: { name: string; description: string }[];
}
interface OpenApiDocument {
  paths?: Record<string, Record<string, OpenApiOperation>>;
}

/** Request headers by the refusal that only they can meet. */
const HEADERS: Record<string, { name: string; description: string }> = {
  412: { name: 'If-Match', description: 'The ETag that you hold: done only while it is still the newest.' },
  422: {
    name: 'Idempotency-Key',
    description: 'Of your choice: the same key with the same body is done once, and answered the same for a day.',
  },
};

function nameHeaders<T extends OpenApiDocument>(document: T): T {
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    const { 'x-potentia-headers': own = [] } = operation;
    delete operation['x-potentia-headers'];
    const headers = [...Object.keys(operation.responses ?? {}).flatMap((status) => HEADERS[status] ?? []), ...own];
    if (headers.length === 0) continue;
    const parameters = headers.map((header) => ({
      in: 'header',
      ...header,
      required: false,
      schema: { type: 'string' },
    }));
    operation.parameters = [...(operation.parameters ?? []), ...parameters];
  }
  return document;
}

/** A body that may also come as text has one schema in Fastify, that of its JSON form: here the text gets its own. */
function nameTextBodies<T extends OpenApiDocument>(document: T): T {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { requestBody } of Object.values(operations)) {
      for (const [type, body] of Object.entries(requestBody?.content ?? {})) {
        if (type.startsWith('text/')) body.schema = { type: 'string' };
      }
    }
  }
  return document;
}

/** The document at `/openapi.json` and the reference page at `/docs`. Register before the routes. */
export async function documentApi(app: App, options: { version: string; servers: string[] }): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Potentia',
        version: options.version,
        description:
          'The backend of a proactive partner. Every refusal is `application/problem+json` (RFC 9457) with a stable ' +
          '`code`; every answer carries `x-request-id`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: options.servers.map((url) => ({ url })),
      tags: [
        { name: 'canvases', description: 'Canvases: titled trees of blocks.' },
        { name: 'blocks', description: 'The blocks of a canvas, and how they change.' },
        { name: 'members', description: 'Who has access to a canvas.' },
        { name: 'markdown', description: 'Import and export.' },
        { name: 'history', description: 'Earlier versions of blocks, and the trash.' },
        { name: 'comments', description: 'Threads on a canvas or on one block.' },
        { name: 'attachments', description: 'Files, uploaded straight to object storage.' },
        { name: 'share links', description: 'A canvas for anybody who has the link, to read.' },
        { name: 'search', description: 'Everything that you may see, by words.' },
        { name: 'calendars', description: 'Calendars, who reads and writes them, their ICS.' },
        { name: 'schedules', description: 'What stands in calendars: once or recurring, with guests and reminders.' },
        { name: 'views', description: 'Occurrences of everything that you may see; synchronisation.' },
        { name: 'free/busy', description: 'When people are busy, and when they are all free.' },
        { name: 'chat', description: 'Turns, contexts and messages of a conversation; its import and export.' },
        { name: 'memory', description: 'What is remembered of a person, and search over what was said.' },
        { name: 'agent', description: 'Roles, runs, what tools did, and what it took.' },
        { name: 'whatsapp', description: 'Sessions of WhatsApp accounts: linking them, messages, groups, contacts.' },
        { name: 'workers', description: 'The processes that hold WhatsApp sessions; for services and operators.' },
        { name: 'workspaces', description: 'Workspaces, their members and settings.' },
        { name: 'invitations', description: 'How people join a workspace or a canvas.' },
        { name: 'transfers', description: 'A whole workspace, out and in.' },
        { name: 'api keys', description: 'Programs that act for a workspace.' },
        { name: 'webhooks', description: 'What happens, told to your servers (Standard Webhooks).' },
        { name: 'audit', description: 'Who did what to what.' },
        { name: 'auth', description: 'The signed-in person.' },
        { name: 'service', description: 'For operators.' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          service: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'Of our own services and operators: signed with `SERVICE_JWT_SECRETS` for `potentia-api`, good for a minute.',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => nameHeaders(nameTextBodies(jsonSchemaTransformObject(document) as OpenApiDocument)),
  });
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, auth: 'none' };
    });
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, theme: { title: 'Potentia API' } });
  });

  let document: string | undefined;
  app.get('/openapi.json', { schema: { hide: true }, config: { auth: 'none' } }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}
