import fc from 'fast-check';

/** As much of JSON Schema as zod writes. */
interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** What no schema means, and what a hostile or broken client sends all the same. */
const junk = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constantFrom<unknown>(null, true, -1, 1e308, '', 'a\0b', '\ud800', '__proto__', [], {}, '../..', "' or 1=1--"),
    fc.jsonValue({ maxDepth: 2 }),
  );

const DEPTH = 4;

/**
 * Values that the schema describes, for the most part; `hostile` mixes in values that it does not. `ids` are UUIDs that
 * mean something to the service, which a random one never does.
 */
export function fromJsonSchema(
  root: { components?: { schemas?: Record<string, unknown> } },
  schema: object,
  options: { ids: string[]; hostile: boolean },
): fc.Arbitrary<unknown> {
  const build = (node: JsonSchema, depth: number): fc.Arbitrary<unknown> => {
    if (depth > DEPTH) return fc.constant(null);
    const meant = buildMeant(node, depth);
    return options.hostile ? fc.oneof({ arbitrary: meant, weight: 12 }, { arbitrary: junk(), weight: 1 }) : meant;
  };

  const buildMeant = (node: JsonSchema, depth: number): fc.Arbitrary<unknown> => {
    if (node.$ref !== undefined) {
      const name = node.$ref.split('/').at(-1) ?? '';
      return build(root.components?.schemas?.[name] ?? {}, depth + 1);
    }
    if ('const' in node) return fc.constant(node.const);
    if (node.enum) return fc.constantFrom(...node.enum);
    const choices = node.anyOf ?? node.oneOf;
    if (choices?.length) return fc.oneof(...choices.map((choice) => build(choice, depth)));
    const type = Array.isArray(node.type) ? node.type[0] : node.type;
    if (type === 'object') return buildObject(node, depth);
    if (type === 'array') {
      const [minLength, maxLength] = [node.minItems ?? 0, Math.min(node.maxItems ?? 3, 3)];
      return fc.array(build(node.items ?? {}, depth + 1), { minLength, maxLength: Math.max(minLength, maxLength) });
    }
    return buildScalar(node, type, options.ids);
  };

  const buildObject = (node: JsonSchema, depth: number): fc.Arbitrary<unknown> => {
    const properties = Object.entries(node.properties ?? {});
    if (properties.length === 0)
      return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
    const record = Object.fromEntries(properties.map(([name, child]) => [name, build(child, depth + 1)]));
    return fc.record(record, { requiredKeys: options.hostile ? [] : (node.required ?? []) });
  };

  return build(schema, 0);
}

function buildScalar(node: JsonSchema, type: string | undefined, ids: string[]): fc.Arbitrary<unknown> {
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'integer' || type === 'number') {
    const [min, max] = [Math.max(node.minimum ?? -3, -1_000), Math.min(node.maximum ?? 1_000, 1_000)];
    return fc.integer({ min, max });
  }
  if (type !== 'string') return fc.jsonValue({ maxDepth: 2 });
  if (node.format === 'uuid') return fc.oneof(fc.constantFrom(...ids), fc.uuid());
  if (node.pattern !== undefined) return fc.stringMatching(new RegExp(node.pattern));
  return fc.string({ minLength: node.minLength ?? 0, maxLength: Math.min(node.maxLength ?? 30, 30), unit: 'grapheme' });
}
