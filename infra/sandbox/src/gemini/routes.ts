import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { registerScriptRoutes, type Gemini } from './admin-routes.ts';
import { checkGenerate } from './checks.ts';
import { embed } from './embeddings.ts';
import { ApiError, failure, invalid, noKey, wrongKey } from './errors.ts';
import { RequestLog, type LoggedRequest } from './request-log.ts';
import { Script, type CallFacts, type CallKind } from './script.ts';
import { finder, sendStream, sendWhole, stumble } from './serve.ts';
import { countPrompt, messageOf, stringsOf, textOf, type EmbedRequest, type GenerateBody } from './wire.ts';

const BODY_LIMIT = 20 * 1024 * 1024;
const VERSIONS = ['v1beta', 'v1'];
const DEFAULT_DIMENSIONS = 3072;
const MAX_BATCH = 100;

/**
 * The Gemini API on its real wire, below `/v1beta` and `/v1`, behaving as it is told: by `POST /gemini/script`, by markers in what
 * the person says, else by trivial rules. It is no language model and imitates none.
 */
export function registerGemini(app: FastifyInstance, options: { api_key?: string | undefined } = {}): Gemini {
  const gemini: Gemini = { script: new Script(), log: new RequestLog() };
  const api_key = options.api_key ?? 'sandbox';
  registerScriptRoutes(app, gemini);
  void app.register((scope, _options, done) => {
    scope.setErrorHandler((error, request, reply) => sendError(error, request, reply));
    scope.addHook('onRequest', (request, _reply, next) => {
      checkKey(request, api_key);
      next();
    });
    for (const version of VERSIONS) {
      scope.post<{ Params: { '*': string } }>(`/${version}/models/*`, { bodyLimit: BODY_LIMIT }, (request, reply) =>
        serve(gemini, request, reply),
      );
    }
    done();
  });
  return gemini;
}

function checkKey(request: FastifyRequest, api_key: string): void {
  const given = request.headers['x-goog-api-key'] ?? (request.query as { key?: string }).key;
  if (given === undefined || given === '') throw noKey();
  if (given !== api_key) throw wrongKey();
}

const entries = new WeakMap<FastifyRequest, LoggedRequest>();

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (!(error instanceof ApiError) && statusCode >= 500) request.log.error(error);
  const shown = error instanceof ApiError ? error : statusCode < 500 ? invalid(message) : failure(500);
  const entry = entries.get(request);
  if (entry) Object.assign(entry, { status: shown.status, outcome: 'failed' });
  return reply.code(shown.status).send(shown.body());
}

async function serve(gemini: Gemini, request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply) {
  const [, model = '', method = ''] = /^([\w.-]+):(\w+)$/.exec(request.params['*']) ?? [];
  const body = (request.body ?? {}) as GenerateBody & { requests?: EmbedRequest[] } & EmbedRequest;
  const facts = factsOf(model, method, body);
  const behaviours = gemini.script.take(facts);
  const { call, message } = facts;
  const entry = gemini.log.add(
    { method, model, call, message, body, behaviours: behaviours.map(({ type }) => type) },
    Number(request.headers['content-length'] ?? 0),
  );
  entries.set(request, entry);
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished && entry.outcome !== 'cut') entry.outcome = 'aborted';
    gone.abort();
  });
  if (!/^gemini-[\w.-]+$/.test(model)) throw failure(404);
  const { settings } = gemini.script;
  await stumble(finder(behaviours), settings.latency_ms[call] ?? 0, gone.signal);
  if (gone.signal.aborted) return reply;
  const answered = <T>(value: T): T => {
    entry.outcome = 'answered';
    return value;
  };
  switch (method) {
    case 'countTokens': {
      const counted = (body as { generateContentRequest?: GenerateBody }).generateContentRequest ?? body;
      return answered({ totalTokens: countPrompt(counted) });
    }
    case 'embedContent':
      return answered({ embedding: embeddingOf(body) });
    case 'batchEmbedContents': {
      const { requests = [] } = body;
      if (requests.length > MAX_BATCH)
        throw invalid('BatchEmbedContentsRequest: at most 100 requests can be in one batch');
      return answered({ embeddings: requests.map(embeddingOf) });
    }
    case 'generateContent':
    case 'streamGenerateContent': {
      checkGenerate(body);
      const response_id = `sandbox-${entry.id}`;
      const served = { body, facts, behaviours, settings, entry, gone: gone.signal, response_id };
      if (method === 'generateContent') return sendWhole(served, reply);
      await sendStream(served, reply);
      return reply;
    }
    default:
      throw failure(404);
  }
}

function embeddingOf({ content, outputDimensionality = DEFAULT_DIMENSIONS }: EmbedRequest): { values: number[] } {
  const text = textOf(content);
  if (text === '') throw invalid('EmbedContentRequest.content contains an empty Part.');
  return { values: embed(text, outputDimensionality) };
}

/** Which call it is shows in what it asks for: JSON with a decision, JSON with findings, an answer. */
function kindOf(method: string, body: GenerateBody): CallKind {
  if (method === 'embedContent' || method === 'batchEmbedContents') return 'embed';
  if (method === 'countTokens') return 'count';
  const wanted = body.generationConfig?.responseSchema?.properties;
  if (!wanted) return body.generationConfig?.responseMimeType === 'application/json' ? 'json' : 'specialist';
  return 'decision' in wanted ? 'judge' : 'findings' in wanted ? 'assess' : 'json';
}

function factsOf(
  model: string,
  method: string,
  body: GenerateBody & { requests?: EmbedRequest[] } & EmbedRequest,
): CallFacts {
  const call = kindOf(method, body);
  const texts = [...(body.requests ?? []), body].map(({ content }) => textOf(content)).filter((text) => text !== '');
  let prompt: string | undefined;
  return {
    call,
    model,
    message: call === 'embed' ? texts.join('\n') : messageOf(body),
    prompt: () => (prompt ??= stringsOf(body).join('\n')),
  };
}
