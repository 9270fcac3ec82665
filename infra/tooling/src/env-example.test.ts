import { expect, test } from 'vitest';
import { z } from 'zod';
import { configurationTable, envExample, generatedFiles } from './env-example.ts';

const port = z.coerce.number().meta({ description: 'Port' });
const key = z.string().meta({ description: 'Key', secret: true, aliases: ['OLD_KEY'], example: 'k' });
const services = {
  a: z.object({ PORT: port.default(1).meta({ description: 'Port' }), KEY: key }),
  b: z.object({ PORT: port.default(2).meta({ description: 'Port' }) }),
};

test.each(generatedFiles())('$path is what the schemas say (if not: npm run env:example)', ({ current, expected }) => {
  expect(current).toBe(expected);
});

test('a variable stands once, with its readers, default, aliases and whether it is required', () => {
  expect(envExample(services).split('\n\n').slice(1)).toEqual([
    '# ==== a, b ====',
    '# Port. Defaults: a 1, b 2.\n# PORT=1',
    '# ==== a ====',
    '# Key. Secret. Also read as OLD_KEY.\nKEY=k\n',
  ]);
});

test('the table of the README has a row for each variable', () => {
  expect(configurationTable(services).trim().split('\n').slice(2)).toEqual([
    '| `PORT` | a, b | `1` | Port. Defaults: a 1, b 2. |',
    '| `KEY` | a | **required** | Key. Secret. Also read as OLD_KEY. |',
  ]);
});
