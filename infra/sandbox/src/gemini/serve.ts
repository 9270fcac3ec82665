import { setTimeout as wait } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { answerOf, usageOf, type Answer } from './answers.ts';
import { failure, quotaExhausted, rateLimited } from './errors.ts';
import type { LoggedRequest } from './request-log.ts';
import type { Behaviour, CallFacts, GeminiSettings } from './script.ts';
import type { GenerateBody, Part } from './wire.ts';

type Of<T extends Behaviour['type']> = Extract<Behaviour, { type: T }>;
type Find = <T extends Behaviour['type']>(type: T) => Of<T> | undefined;

export const finder =
  (behaviours: Behaviour[]): Find =>
  <T extends Behaviour['type']>(type: T) =>
    behaviours.find((behaviour): behaviour is Of<T> => behaviour.type === type);

/** What happens before any answer, whatever was asked: waiting, refusing, saying nothing at all. Throws `ApiError`. */
export async function stumble(find: Find, latency_ms: number, gone: AbortSignal): Promise<void> {
  const ms = latency_ms + (find('slow')?.ms ?? 0);
  if (ms > 0) await wait(ms, undefined, { signal: gone }).catch(() => undefined);
  if (find('hang'))
    await new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }));
  const limit = find('rate_limit');
  if (limit) throw rateLimited(limit.retry_ms ?? 2_000);
  if (find('quota')) throw quotaExhausted();
  const error = find('error');
  if (error) throw failure(error.status);
}

export interface Served {
  body: GenerateBody;
  facts: CallFacts;
  behaviours: Behaviour[];
  settings: GeminiSettings;
  entry: LoggedRequest;
  gone: AbortSignal;
  response_id: string;
}

/** `generateContent`: all at once. */
export function sendWhole(served: Served, reply: FastifyReply): FastifyReply | ServerResponse {
  const { body, facts, behaviours, entry } = served;
  const find = finder(behaviours);
  const answer = answerOf(body, facts, behaviours);
  const broken = find('stream_error');
  if (broken) throw failure(broken.status ?? 503);
  const text = jsonOf(chunkOf(served, answer, answer.parts, answer.parts, true));
  if (find('cut') ?? find('silence')) {
    entry.outcome = find('cut') ? 'cut' : 'aborted';
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length + 64) });
    reply.raw.write(text.slice(0, text.length / 2));
    if (find('cut')) setImmediate(() => reply.raw.destroy());
    return reply.raw;
  }
  entry.outcome = 'answered';
  return reply.header('content-type', 'application/json; charset=UTF-8').send(text);
}

/** `streamGenerateContent?alt=sse`: text in as many chunks as set, the finish reason in the last. */
export async function sendStream(served: Served, reply: FastifyReply): Promise<void> {
  const { body, facts, behaviours, settings, entry, gone } = served;
  const find = finder(behaviours);
  const answer = answerOf(body, facts, behaviours);
  const groups = inChunks(answer.parts, settings.chunks);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' });
  const send = (value: unknown): boolean => raw.write(`data: ${jsonOf(value)}\r\n\r\n`);
  const ending = find('cut') ?? find('silence') ?? find('stream_error');
  const whole = ending ? Math.min(ending.after ?? 1, groups.length) : groups.length;
  const sent: Part[] = [];
  for (const [index, group] of groups.slice(0, whole).entries()) {
    if (index > 0 && settings.chunk_ms > 0) await wait(settings.chunk_ms, undefined, { signal: gone }).catch(() => 0);
    if (gone.aborted) return;
    sent.push(...group);
    send(chunkOf(served, answer, group, sent, !ending && index === groups.length - 1));
  }
  entry.outcome = ending ? 'cut' : 'answered';
  if (!ending) raw.end();
  else if (ending.type === 'cut') setImmediate(() => raw.destroy());
  else if (ending.type === 'stream_error') {
    send(failure(ending.status ?? 503).body());
    raw.end();
  }
}

/** As the API writes it: what JavaScript takes for the end of a line is escaped, and its own client would stumble over it. */
const jsonOf = (value: unknown): string =>
  JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/** Texts are cut, the text of all of them into `count` chunks or so; a call is never cut. An answer without parts is one chunk. */
function inChunks(parts: Part[], count: number): Part[][] {
  const total = parts.reduce((sum, part) => sum + (part.text?.length ?? 0), 0);
  const size = Math.max(Math.ceil(total / Math.max(count, 1)), 1);
  const groups = parts.flatMap((part): Part[][] => {
    if (part.text === undefined || part.functionCall) return [[part]];
    const { text, thoughtSignature, ...rest } = part;
    const pieces: Part[][] = [];
    for (let at = 0; at < text.length; at += size) pieces.push([{ ...rest, text: text.slice(at, at + size) }]);
    const last = pieces.at(-1)?.[0];
    if (last && thoughtSignature !== undefined) last.thoughtSignature = thoughtSignature;
    return pieces;
  });
  return groups.length > 0 ? groups : [[]];
}

function chunkOf(
  { body, facts, behaviours, response_id }: Served,
  answer: Answer,
  parts: Part[],
  sent: Part[],
  is_last: boolean,
) {
  const usageMetadata = usageOf(body, sent, answer.cached_tokens);
  const about = { usageMetadata, modelVersion: facts.model, responseId: response_id };
  if (answer.block_reason !== undefined) {
    const ratings = [{ category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH' }];
    return { promptFeedback: { blockReason: answer.block_reason, safetyRatings: ratings }, ...about };
  }
  const is_finished = is_last && !finder(behaviours)('no_finish');
  return {
    candidates: [
      {
        ...(parts.length > 0 && { content: { parts, role: 'model' } }),
        ...(is_finished && { finishReason: answer.finish_reason }),
        ...(is_finished && answer.finish_message !== undefined && { finishMessage: answer.finish_message }),
        index: 0,
      },
    ],
    ...about,
  };
}
