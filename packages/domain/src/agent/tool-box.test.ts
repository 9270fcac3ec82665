import { expect, it } from 'vitest';
import { toolDeclarations } from './tool-box.ts';
import { TOOL_NAMES } from './tool-schemas.ts';

it('tells a model of every tool, in the subset of JSON Schema that models take', () => {
  const declared = toolDeclarations();
  expect(declared.map(({ name }) => name)).toEqual(TOOL_NAMES);
  const keys = new Set<string>();
  const walk = (schema: object): void => {
    for (const [key, value] of Object.entries(schema)) {
      keys.add(key);
      if (key === 'properties') Object.values(value as object).forEach((one) => walk(one as object));
      else if (key === 'items') walk(value as object);
    }
  };
  declared.forEach(({ parameters }) => walk(parameters));
  expect([...keys].toSorted()).toEqual(
    ['description', 'enum', 'items', 'maxItems', 'maximum', 'minimum', 'properties', 'required', 'type'].toSorted(),
  );
});
