import { createHash } from 'node:crypto';

/* The shapes of the Gemini API, as far as they matter here. */

export interface Part {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  functionCall?: { id?: string; name: string; args?: unknown };
  functionResponse?: { id?: string; name: string; response?: unknown };
}

export interface Content {
  role?: string;
  parts?: Part[];
}

interface Schema {
  properties?: Record<string, unknown>;
}

export interface GenerateBody {
  systemInstruction?: Content;
  contents?: Content[];
  generationConfig?: { maxOutputTokens?: number; responseMimeType?: string; responseSchema?: Schema };
  tools?: { functionDeclarations?: { name: string; parameters?: unknown; parametersJsonSchema?: unknown }[] }[];
  toolConfig?: { functionCallingConfig?: { mode?: string } };
}

export interface EmbedRequest {
  model?: string;
  content?: Content;
  taskType?: string;
  outputDimensionality?: number;
}

/** Every string of a value, however deep. */
export function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsOf);
}

export const textOf = (content: Content | undefined): string =>
  (content?.parts ?? []).map((part) => part.text ?? '').join('');

const isSaid = (content: Content): boolean =>
  content.role !== 'model' && (content.parts ?? []).some((part) => part.text !== undefined);

/**
 * What the person said: the last text part of the last content that is theirs. In a call for JSON the first one counts, because
 * what comes after it is about the shape of an answer.
 */
export function messageOf(body: GenerateBody): string {
  const said = (body.contents ?? []).filter(isSaid);
  const content = body.generationConfig?.responseSchema ? said[0] : said.at(-1);
  return content?.parts?.findLast((part) => part.text !== undefined)?.text ?? '';
}

/** The contents since the person last said something: tool calls, and what they gave. */
export function roundsOf(body: GenerateBody): Content[] {
  const contents = body.contents ?? [];
  return contents.slice(contents.findLastIndex(isSaid) + 1);
}

/** The fixed rule of this stand-in: four UTF-16 units of every text, and of what is no text as JSON, are a token. */
export function countTokens(value: unknown): number {
  if (typeof value === 'string') return Math.ceil(value.length / 4);
  return value === undefined ? 0 : Math.ceil(JSON.stringify(value).length / 4);
}

export function countPrompt(body: GenerateBody): number {
  const contents = [...(body.systemInstruction ? [body.systemInstruction] : []), ...(body.contents ?? [])];
  const parts = contents.flatMap((content) => content.parts ?? []);
  const said = parts.map((part) => countTokens(part.text ?? part.functionCall ?? part.functionResponse));
  return said.reduce((sum, tokens) => sum + tokens, countTokens(body.tools));
}

/** What the API calls a signature of its thoughts: here it says which call it was made for. */
export const signatureOf = (name: string, args: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([name, args ?? {}]))
    .digest('base64');

/** What the documentation lets a client send in place of a signature that another model made. */
export const SKIP_SIGNATURE = 'skip_thought_signature_validator';
