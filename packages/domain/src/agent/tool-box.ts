import { z } from 'zod';
import type { ToolDeclaration } from './model.ts';
import { TOOL_NAMES, TOOLS } from './tool-schemas.ts';

/** What models take of a schema: a subset of OpenAPI, beyond which some refuse the whole request. Lengths are checked here, later. */
const KEPT = ['type', 'description', 'enum', 'items', 'properties', 'required', 'minimum', 'maximum', 'maxItems'];

type Schema = Record<string, unknown>;

/** Every tool as a model is told of it: the same objects each time, since they stand in every prompt. */
export const toolDeclarations = (): ToolDeclaration[] => DECLARATIONS;

const DECLARATIONS: ToolDeclaration[] = TOOL_NAMES.map((name) => ({
  name,
  description: TOOLS[name].description,
  parameters: trim(z.toJSONSchema(TOOLS[name].arguments, { io: 'input', unrepresentable: 'any' }) as Schema),
}));

function trim(schema: Schema): Schema {
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => KEPT.includes(key)));
  const properties = schema['properties'] as Record<string, Schema> | undefined;
  const items = schema['items'] as Schema | undefined;
  return {
    ...kept,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, trim(value)])),
    }),
    ...(items && { items: trim(items) }),
  };
}
