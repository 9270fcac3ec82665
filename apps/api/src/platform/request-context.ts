import type { Logger } from '@potentia/config/logger';
import type { ModelPort } from '@potentia/domain/agent/model';
import type { RunEraser } from '@potentia/domain/agent/run-eraser';
import type { ToolMetrics } from '@potentia/domain/agent/tool-ctx';
import type { Turns } from '@potentia/domain/agent/turns';
import type { UsageLimits } from '@potentia/domain/agent/ledger';
import type { IcsReader } from '@potentia/domain/calendar/ics';
import type { BusyCache } from '@potentia/domain/calendar/busy-cache';
import type { MarkdownCtx } from '@potentia/domain/canvas/markdown';
import type { ImportMetrics } from '@potentia/domain/chat/import-messages';
import type { Cache } from '@potentia/domain/platform/cache';
import type { Limiter } from '@potentia/domain/platform/limiter';
import type { FilePorts } from '@potentia/domain/platform/objects';
import type { Sealer } from '@potentia/domain/platform/seal';
import type { TargetGuard } from '@potentia/domain/webhook/target';
import type { LiveCtx } from '@potentia/domain/whatsapp/door-ctx';
import type { GatewayPorts } from '@potentia/domain/whatsapp/session-route';
import type { FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { idempotencyKey } from './idempotency.ts';

/** The signed-in caller. Only for routes that need a token. */
function callerOf(request: FastifyRequest): { user_id: string } {
  if (!request.claims) throw new Error(`${request.routeOptions.url ?? 'a route'} asks who calls, but lets anyone call`);
  return request.claims;
}

/** The ports that some verbs need beside what all have. */
export interface ApiCtx extends MarkdownCtx, FilePorts, GatewayPorts, LiveCtx {
  limiter: Limiter;
  cache: Cache;
  busy: BusyCache;
  sealer: Sealer;
  targets: TargetGuard;
  ics: IcsReader;
  model: ModelPort;
  usage_limits: UsageLimits;
  prompt_tokens: number;
  turns: Turns;
  run_eraser: RunEraser;
  tool_metrics: ToolMetrics;
  import_metrics: ImportMetrics;
}

/** What a verb gets of this request. */
export const userCtx = (context: ApiContext, request: FastifyRequest): ApiCtx => new RequestCtx(context, request);

/*
 * A class because of its getter: one in an object literal is a hidden class of its own for each object, which V8 makes in
 * old space, where it holds the request and all that belongs to it until a full collection.
 */
class RequestCtx implements ApiCtx {
  readonly db: ApiContext['db'];
  readonly bus: ApiContext['bus'];
  readonly clock: ApiContext['clock'];
  readonly markdown: ApiContext['markdown'];
  readonly limiter: ApiContext['limiter'];
  readonly cache: ApiContext['cache'];
  readonly busy: ApiContext['busy'];
  readonly sealer: ApiContext['sealer'];
  readonly targets: ApiContext['targets'];
  readonly ics: ApiContext['ics'];
  readonly model: ApiContext['model'];
  readonly usage_limits: ApiContext['usage_limits'];
  readonly prompt_tokens: number;
  readonly turns: ApiContext['turns'];
  readonly run_eraser: ApiContext['run_eraser'];
  readonly tool_metrics: ApiContext['tool_metrics'];
  readonly import_metrics: ApiContext['import_metrics'];
  readonly objects: ApiContext['objects'];
  readonly file_limits: ApiContext['file_limits'];
  readonly worker: ApiContext['worker'];
  readonly live_codes: ApiContext['live_codes'];
  readonly qr_pages: ApiContext['qr_pages'];
  readonly session_stream: ApiContext['session_stream'];
  readonly routes: ApiContext['routes'];
  readonly actor: MarkdownCtx['actor'];
  readonly request_id: string;
  readonly idempotency_key: string | undefined;
  readonly #log: Logger;

  constructor(context: ApiContext, request: FastifyRequest) {
    this.db = context.db;
    this.bus = context.bus;
    this.clock = context.clock;
    this.markdown = context.markdown;
    this.limiter = context.limiter;
    this.cache = context.cache;
    this.busy = context.busy;
    this.sealer = context.sealer;
    this.targets = context.targets;
    this.ics = context.ics;
    this.model = context.model;
    this.usage_limits = context.usage_limits;
    this.prompt_tokens = context.config.PROMPT_TOKENS;
    this.turns = context.turns;
    this.run_eraser = context.run_eraser;
    this.tool_metrics = context.tool_metrics;
    this.import_metrics = context.import_metrics;
    this.objects = context.objects;
    this.file_limits = context.file_limits;
    this.worker = context.worker;
    this.live_codes = context.live_codes;
    this.qr_pages = context.qr_pages;
    this.session_stream = context.session_stream;
    this.routes = context.routes;
    this.actor = { type: 'user', user_id: callerOf(request).user_id };
    this.request_id = request.id;
    this.idempotency_key = idempotencyKey(request);
    this.#log = context.log;
  }

  /** Made when it is asked for: most requests log nothing, and a log of their own is not free. */
  get log(): Logger {
    return this.#log.child({ request_id: this.request_id });
  }
}
