import { invalid } from './errors.ts';
import { roundsOf, signatureOf, SKIP_SIGNATURE, type Content, type GenerateBody } from './wire.ts';

const KNOWN = new Set([
  ...['contents', 'systemInstruction', 'generationConfig', 'safetySettings', 'tools', 'toolConfig', 'cachedContent'],
  ...['system_instruction', 'generation_config', 'safety_settings', 'tool_config', 'cached_content'],
]);

/** What a schema may say where the API takes its own subset of OpenAPI instead of JSON Schema. */
const SCHEMA_KEYS = new Set([
  ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'items', 'properties', 'required', 'example'],
  ...['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties', 'pattern', 'anyOf'],
  ...['propertyOrdering', 'default', 'minimum', 'maximum'],
]);

/** What the API answers with 400. */
export function checkGenerate(body: GenerateBody): void {
  for (const key of Object.keys(body)) {
    if (!KNOWN.has(key)) throw invalid(`Invalid JSON payload received. Unknown name "${key}": Cannot find field.`);
  }
  const contents = body.contents ?? [];
  if (contents.length === 0) throw invalid('* GenerateContentRequest.contents: contents is not specified');
  for (const [index, { role, parts = [] }] of contents.entries()) {
    if (role !== undefined && !['user', 'model', 'function'].includes(role)) {
      throw invalid('Please use a valid role: user, model.');
    }
    if (parts.length === 0) throw invalid(`* GenerateContentRequest.contents[${index}].parts: must not be empty`);
  }
  checkSchema(body.generationConfig?.responseSchema, 'generation_config.response_schema');
  for (const tool of body.tools ?? []) {
    for (const { name, parameters } of tool.functionDeclarations ?? []) {
      if (!/^[\w.-]{1,64}$/.test(name)) throw invalid(`Invalid function name: ${name}`);
      checkSchema(parameters, `tools[0].function_declarations[${name}].parameters`);
    }
  }
  checkRounds(body, contents);
}

function checkSchema(schema: unknown, at: string): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [key, value] of Object.entries(schema as Record<string, unknown>)) {
    if (!SCHEMA_KEYS.has(key)) {
      throw invalid(`Invalid JSON payload received. Unknown name "${key}" at '${at}': Cannot find field.`);
    }
    if (key === 'items') checkSchema(value, `${at}.items`);
    if (key === 'properties') {
      for (const [name, inner] of Object.entries(value as object)) checkSchema(inner, `${at}.properties[${name}]`);
    }
  }
}

/** Calls come back as they were made, with the signature of the thoughts behind them, each with what it gave. */
function checkRounds(body: GenerateBody, contents: Content[]): void {
  const rounds = roundsOf(body);
  const offset = contents.length - rounds.length;
  for (const [index, { role, parts = [] }] of rounds.entries()) {
    if (role !== 'model') continue;
    const made = parts.filter((part) => part.functionCall);
    const first = made[0];
    if (!first?.functionCall) continue;
    const { name, args } = first.functionCall;
    const at = `function call \`default_api:${name}\`, position ${offset + index + 1}`;
    if (first.thoughtSignature === undefined) {
      throw invalid(
        `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, ${at}.`,
      );
    }
    if (first.thoughtSignature !== SKIP_SIGNATURE && first.thoughtSignature !== signatureOf(name, args)) {
      throw invalid(`Thought signature is not valid. Additional data, ${at}.`);
    }
    const given = (rounds[index + 1]?.parts ?? []).filter((part) => part.functionResponse);
    if (given.length !== made.length) {
      throw invalid(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    }
  }
}
