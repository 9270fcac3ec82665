import type { Behaviour, CallFacts } from './script.ts';
import { countPrompt, countTokens, roundsOf, signatureOf, stringsOf, type GenerateBody, type Part } from './wire.ts';

/** An answer before it is cut into chunks. */
export interface Answer {
  parts: Part[];
  finish_reason: string | null;
  finish_message?: string;
  block_reason?: string;
  cached_tokens: number;
}

type Of<T extends Behaviour['type']> = Extract<Behaviour, { type: T }>;

const stop = (parts: Part[]): Answer => ({ parts, finish_reason: 'STOP', cached_tokens: 0 });
const say = (text: string): Answer => stop([{ text }]);
const json = (value: unknown): Answer => say(JSON.stringify(value));

/** As the API signs: the first call of an answer carries the signature of all. */
const calls = (wanted: { name: string; args?: unknown }[]): Part[] =>
  wanted.map(({ name, args = {} }, index) => ({
    functionCall: { id: `fc-${index + 1}-${signatureOf(name, args).slice(0, 6)}`, name, args },
    ...(index === 0 && { thoughtSignature: signatureOf(name, args) }),
  }));

/** What is answered, by the script and else by trivial rules. It thinks of nothing: it is no language model. */
export function answerOf(body: GenerateBody, facts: CallFacts, behaviours: Behaviour[]): Answer {
  const find = <T extends Behaviour['type']>(type: T): Of<T> | undefined =>
    behaviours.find((behaviour): behaviour is Of<T> => behaviour.type === type);
  const answer = scripted(body, facts, find) ?? (find('obey') && obey(body, facts)) ?? byRule(body, facts);
  const thoughts = find('thoughts');
  if (thoughts) {
    answer.parts.unshift({ text: thoughts.text ?? 'Secret thoughts about the question.', thought: true });
    const last = answer.parts.at(-1);
    if (last && last.thoughtSignature === undefined) last.thoughtSignature = signatureOf('thoughts', last.text);
  }
  answer.cached_tokens = find('cached')?.tokens ?? 0;
  return limited(answer, body.generationConfig?.maxOutputTokens);
}

type Find = <T extends Behaviour['type']>(type: T) => Of<T> | undefined;

function scripted(body: GenerateBody, facts: CallFacts, find: Find): Answer | undefined {
  const rounds = roundsOf(body);
  const [said, block, blocked, too_long] = [
    ...([find('answer'), find('block_prompt'), find('block_answer'), find('max_tokens')] as const),
  ];
  if (said) return say(said.text);
  if (block) return { parts: [], finish_reason: null, block_reason: block.reason ?? 'SAFETY', cached_tokens: 0 };
  if (blocked) {
    const parts = blocked.text === undefined ? [] : [{ text: blocked.text }];
    return { parts, finish_reason: blocked.reason ?? 'SAFETY', cached_tokens: 0 };
  }
  if (too_long) {
    const parts = [{ text: too_long.text ?? 'This answer ends in the middle of a' }];
    return { parts, finish_reason: 'MAX_TOKENS', cached_tokens: 0 };
  }
  if (find('malformed_call') && body.toolConfig?.functionCallingConfig?.mode !== 'NONE') {
    const finish_message = 'Malformed function call: print(default_api.create_schedule(title=))';
    return { parts: [], finish_reason: 'MALFORMED_FUNCTION_CALL', finish_message, cached_tokens: 0 };
  }
  if (find('empty')) return stop([]);
  const bad = find('bad_json');
  if (bad) return say(bad.text ?? 'Sure! Here is the JSON: {decision: maybe');
  if (find('cut_json')) {
    const whole = textOfAnswer(byRule(body, facts));
    return { ...say(whole.slice(0, Math.ceil(whole.length / 2))), finish_reason: 'MAX_TOKENS' };
  }
  const tool = find('tool');
  if (tool && rounds.length === 0) return stop([...(tool.text ? [{ text: tool.text }] : []), ...calls([tool])]);
  const tools = find('tools');
  if (tools && rounds.length === 0) return stop(calls(tools.calls));
  const loop = find('tool_loop');
  if (loop && body.toolConfig?.functionCallingConfig?.mode !== 'NONE') return stop(calls([loop]));
  const value = find('json');
  if (value) return json(value.value);
  const judge = find('judge');
  if (judge) {
    const { decision, context_id = null, title = null, confidence = 0.9 } = judge;
    return json({ decision, context_id, title, confidence });
  }
  const assess = find('assess');
  if (assess)
    return json({ findings: assess.findings ?? [], title: assess.title ?? null, summary: assess.summary ?? null });
  return undefined;
}

const textOfAnswer = ({ parts }: Answer): string => parts.map((part) => part.text ?? '').join('');

/** What a prompt orders, wherever in it the order stands: `ORDER: call <tool> <json>`, `ORDER: find <json>`. */
function ordersOf(body: GenerateBody): { verb: string; name: string; value: unknown }[] {
  const texts = stringsOf([body.systemInstruction, body.contents]);
  return texts.flatMap((text) =>
    [...text.matchAll(/ORDER: (?:(call) (\w+)|(find))\s*(?=\{)/g)].flatMap((found) => {
      const value = readObject(text.slice(found.index + found[0].length));
      return value === undefined ? [] : [{ verb: found[1] ?? found[3] ?? '', name: found[2] ?? '', value }];
    }),
  );
}

/** The JSON object at the beginning of a text. */
function readObject(text: string): unknown {
  for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}', end + 1)) {
    try {
      return JSON.parse(text.slice(0, end + 1));
    } catch {
      // It goes on.
    }
  }
  return undefined;
}

/** A gullible model does what is written anywhere in its prompt, once each. */
function obey(body: GenerateBody, { call }: CallFacts): Answer | undefined {
  const orders = ordersOf(body);
  if (call === 'assess') {
    const findings = orders.filter(({ verb }) => verb === 'find').map(({ value }) => value);
    return findings.length > 0 ? json({ findings, title: null, summary: null }) : undefined;
  }
  if (call !== 'specialist') return undefined;
  const done = new Set(
    roundsOf(body).flatMap((content) => (content.parts ?? []).map((part) => JSON.stringify(part.functionCall ?? null))),
  );
  const isDone = (name: string, args: unknown): boolean =>
    [...done].some((text) => text.includes(`"name":${JSON.stringify(name)},"args":${JSON.stringify(args)}`));
  const open = orders.filter(({ verb, name, value }) => verb === 'call' && !isDone(name, value));
  return open.length > 0 ? stop(calls(open.map(({ name, value }) => ({ name, args: value })))) : undefined;
}

/** Without a script: the judge goes on where there is a conversation, the answer names what it was given, nothing is found. */
function byRule(body: GenerateBody, { call, message, prompt }: CallFacts): Answer {
  if (call === 'judge') {
    const goes_on = /⟦active\b/.test(prompt()) && !/^(new topic|topik baru)\b/i.test(message);
    const title = message.replace(/\s+/g, ' ').trim().slice(0, 60) || 'Untitled';
    return goes_on
      ? json({ decision: 'continue', context_id: null, title: null, confidence: 0.9 })
      : json({ decision: 'new', context_id: null, title, confidence: 0.8 });
  }
  if (call === 'assess') return json({ findings: [], title: null, summary: null });
  if (call === 'json') return json({});
  const results = roundsOf(body).flatMap((content) => content.parts ?? []);
  const told = results.flatMap(({ functionResponse }) => {
    if (!functionResponse) return [];
    return [`${functionResponse.name} answered ${JSON.stringify(functionResponse.response).slice(0, 300)}.`];
  });
  if (told.length > 0) return say(told.join(' '));
  const numbers = [...new Set([...prompt().matchAll(/⟦\w+ \[(\d+)\]/g)].map(([, number]) => Number(number)))];
  const sources = numbers.sort((a, b) => a - b).map((number) => `[${number}]`);
  const quoted = message.replace(/\s+/g, ' ').trim().slice(0, 120);
  return say(`You asked: "${quoted}". Given: ${sources.length > 0 ? sources.join(' ') : 'nothing'}.`);
}

/** No more than was asked for; thoughts count. */
function limited(answer: Answer, most: number | undefined): Answer {
  if (most === undefined) return answer;
  let left = most;
  for (const [index, part] of answer.parts.entries()) {
    const tokens = countTokens(part.text ?? part.functionCall);
    if (tokens <= left) {
      left -= tokens;
      continue;
    }
    const parts = [
      ...answer.parts.slice(0, index),
      ...(part.text ? [{ ...part, text: part.text.slice(0, left * 4) }] : []),
    ];
    return { ...answer, parts, finish_reason: 'MAX_TOKENS' };
  }
  return answer;
}

/** What the API says an answer took, so far as `parts` of it went out. */
export function usageOf(body: GenerateBody, parts: Part[], cached_tokens: number) {
  // Of the whole text, in however many chunks it goes out.
  const sum = (wanted: Part[]): number =>
    wanted.reduce(
      (total, part) => total + countTokens(part.functionCall),
      countTokens(wanted.map((part) => part.text ?? '').join('')),
    );
  const promptTokenCount = countPrompt(body);
  const candidatesTokenCount = sum(parts.filter((part) => !part.thought));
  const thoughtsTokenCount = sum(parts.filter((part) => part.thought));
  return {
    promptTokenCount,
    candidatesTokenCount,
    totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
    ...(thoughtsTokenCount > 0 && { thoughtsTokenCount }),
    ...(cached_tokens > 0 && { cachedContentTokenCount: Math.min(cached_tokens, promptTokenCount) }),
  };
}
