import type { GenerateContentRequest } from '@google/generative-ai';
import type { ModelUsage, ToolDeclaration, ToolRound } from '../model.ts';
import type { Rendered } from '../rules/render-prompt.ts';

/*
 * The API's answers as they are on the wire. The library's own readings of them are not used: they merge parts, and lose signatures
 * and what is a thought.
 */

export interface RawPart {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  functionCall?: { id?: string; name: string; args?: unknown };
  functionResponse?: { id?: string; name: string; response: object };
}

export interface RawContent {
  role: string;
  parts: RawPart[];
}

export interface RawAnswer {
  candidates?: { content?: { parts?: RawPart[] }; finishReason?: string; finishMessage?: string }[];
  promptFeedback?: { blockReason?: string };
  usageMetadata?: {
    promptTokenCount?: number;
    toolUsePromptTokenCount?: number;
    candidatesTokenCount?: number;
    thoughtsTokenCount?: number;
    cachedContentTokenCount?: number;
  };
  /** In the middle of a stream: what would have been a status. */
  error?: { code?: number; message?: string; status?: string; details?: unknown[] };
}

export interface RawRequest {
  system: string;
  contents: RawContent[];
  config: Record<string, unknown>;
  tools?: ToolDeclaration[];
  /** Answers in words alone, although there are tools. */
  without_calls?: boolean;
}

/** Opaque to everybody else: what a model said when it asked for tools. */
export interface RawTurn {
  model: string;
  parts: RawPart[];
}

/** A block of the prompt, or of the answer. */
const BLOCKS = new Set(['SAFETY', 'RECITATION', 'PROHIBITED_CONTENT', 'SPII', 'BLOCKLIST', 'LANGUAGE', 'IMAGE_SAFETY']);
export const isBlock = (finish_reason: string): boolean => BLOCKS.has(finish_reason);

/** The model wanted a tool and could not say so. */
const MISCALLS = new Set(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS']);
export const isMiscall = (finish_reason: string): boolean => MISCALLS.has(finish_reason);

/** What the documentation gives for the parts of another model, whose signature this one cannot read. */
const FOREIGN_SIGNATURE = 'skip_thought_signature_validator';

export const contentsOf = ({ contents }: Rendered): RawContent[] =>
  // An empty part is refused.
  contents.map(({ role, texts }) => ({ role, parts: texts.filter((text) => text !== '').map((text) => ({ text })) }));

/** What was asked of tools and what they gave, as `model` wants it back: its own parts word for word. */
export function roundContents(rounds: ToolRound[], model: string): RawContent[] {
  return rounds.flatMap(({ raw, results }) => {
    const turn = raw as RawTurn;
    const isOwn = turn.model === model;
    const parts = isOwn
      ? turn.parts
      : turn.parts.map((part) =>
          part.thoughtSignature === undefined ? part : { ...part, thoughtSignature: FOREIGN_SIGNATURE },
        );
    const given = results.map(({ request, response }) => {
      const id = turn.parts.find(({ functionCall }) => functionCall?.id === request.id)?.functionCall?.id;
      return { functionResponse: { ...(id !== undefined && { id }), name: request.name, response } };
    });
    return [
      { role: 'model', parts },
      { role: 'function', parts: given },
    ];
  });
}

/** The body of a request. The library passes on what it does not know: JSON Schema for tools, how much to think. */
export function requestBody({
  system,
  contents,
  config,
  tools = [],
  without_calls,
}: RawRequest): GenerateContentRequest {
  const declarations = tools.map(({ name, description, parameters }) => ({
    name,
    description,
    parametersJsonSchema: parameters,
  }));
  const body = {
    systemInstruction: { role: 'system', parts: [{ text: system }] },
    contents,
    generationConfig: config,
    ...(declarations.length > 0 && { tools: [{ functionDeclarations: declarations }] }),
    ...(declarations.length > 0 && without_calls && { toolConfig: { functionCallingConfig: { mode: 'NONE' } } }),
  };
  return body as unknown as GenerateContentRequest;
}

/** Thoughts cost like output and are no part of it. */
export function usageOf({ usageMetadata }: RawAnswer): ModelUsage | null {
  if (!usageMetadata) return null;
  return {
    prompt_tokens: (usageMetadata.promptTokenCount ?? 0) + (usageMetadata.toolUsePromptTokenCount ?? 0),
    output_tokens: usageMetadata.candidatesTokenCount ?? 0,
    thought_tokens: usageMetadata.thoughtsTokenCount ?? 0,
    cached_tokens: usageMetadata.cachedContentTokenCount ?? 0,
  };
}

/** What was said, without thoughts. */
export const saidIn = (parts: RawPart[]): string =>
  parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join('');

/** Little thinking for what is decided at a glance; null where a model takes no such setting. */
export function littleThinking(model: string): Record<string, unknown> | null {
  if (/^gemini-(?:[3-9]|\d\d)/.test(model)) return { thinkingLevel: 'low' };
  return /^gemini-2\.5-flash/.test(model) ? { thinkingBudget: 0 } : null;
}
