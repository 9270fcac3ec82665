import type { FastifyInstance } from 'fastify';
import type { LogFilter, RequestLog } from './request-log.ts';
import { BEHAVIOURS, type GeminiSettings, type Script, type ScriptItem } from './script.ts';

export interface Gemini {
  script: Script;
  log: RequestLog;
}

const CALLS = ['judge', 'specialist', 'assess', 'json', 'embed', 'count'];

const scriptItem = {
  type: 'object',
  required: ['behaviour'],
  additionalProperties: false,
  properties: {
    behaviour: { type: 'object', required: ['type'], properties: { type: { enum: BEHAVIOURS } } },
    match: { type: 'string' },
    in: { enum: ['message', 'prompt'] },
    call: { enum: CALLS },
    model: { type: 'string' },
    times: { type: 'integer', minimum: 1 },
  },
};

const ms = { type: 'integer', minimum: 0, maximum: 600_000 };
const settingsBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    is_obedient: { type: 'boolean' },
    latency_ms: { type: 'object', propertyNames: { enum: CALLS }, additionalProperties: ms },
    chunks: { type: 'integer', minimum: 1, maximum: 1_000 },
    chunk_ms: ms,
  },
};

const query = {
  type: 'object',
  properties: {
    call: { enum: CALLS },
    model: { type: 'string' },
    contains: { type: 'string' },
    after: { type: 'integer' },
    limit: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
  },
};

/** What tests and the console tell the endpoint, and what they read of it: `/gemini/script`, `/gemini/settings`, `/gemini/requests`. */
export function registerScriptRoutes(app: FastifyInstance, { script, log }: Gemini): void {
  app.get('/gemini/script', () => ({ items: script.list() }));
  app.post<{ Body: ScriptItem }>('/gemini/script', { schema: { body: scriptItem } }, (request, reply) =>
    reply.code(201).send({ id: script.add(request.body) }),
  );
  app.delete<{ Params: { id: string } }>('/gemini/script/:id', (request, reply) => {
    script.remove(Number(request.params.id));
    return reply.code(204).send();
  });
  // The settings too.
  app.delete('/gemini/script', (_request, reply) => {
    script.clear();
    return reply.code(204).send();
  });

  app.get('/gemini/settings', () => script.settings);
  app.patch<{ Body: Partial<GeminiSettings> }>('/gemini/settings', { schema: { body: settingsBody } }, (request) => {
    script.settings = { ...script.settings, ...request.body };
    return script.settings;
  });

  app.get<{ Querystring: LogFilter & { limit: number } }>(
    '/gemini/requests',
    { schema: { querystring: query } },
    (request) => {
      const { limit, ...filter } = request.query;
      return { items: log.list(filter).slice(-limit) };
    },
  );
  app.delete('/gemini/requests', (_request, reply) => {
    log.clear();
    return reply.code(204).send();
  });
}
