import { expect, test } from 'vitest';
import { z } from 'zod';
import { currentEnvExample, envExample } from './env-example.ts';

test('.env.example is what the schemas say (if not: pnpm env:example)', () => {
  expect(currentEnvExample()).toBe(envExample());
});

test('a variable stands once, with its readers, default, aliases and whether it is required', () => {
  const port = z.coerce.number().meta({ description: 'Port' });
  const key = z.string().meta({ description: 'Key', secret: true, aliases: ['OLD_KEY'], example: 'k' });
  const text = envExample({
    a: z.object({ PORT: port.default(1).meta({ description: 'Port' }), KEY: key }),
    b: z.object({ PORT: port.default(2).meta({ description: 'Port' }) }),
  });
  expect(text.split('\n\n').slice(1)).toEqual([
    '# ==== a, b ====',
    '# Port. Defaults: a 1, b 2.\n# PORT=1',
    '# ==== a ====',
    '# Key. Secret. Also read as OLD_KEY.\nKEY=k\n',
  ]);
});
