import { createLogger } from '@potentia/config/logger';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { observeRefusals } from './observe-refusals.ts';
import { startTestIssuer } from './testing/issuer.ts';
import { createTokenVerifier } from './verify-token.ts';

it('every refusal is counted by its code; its reason is for the log alone, which gets nothing of the token', async () => {
  await using issuer = await startTestIssuer();
  const registry = new Registry();
  let text = '';
  const log = createLogger({ service: 'test', level: 'debug' }, { write: (line) => (text += line) });
  const { verify } = createTokenVerifier({
    supabase_url: issuer.url,
    issuer: issuer.issuer,
    audience: 'authenticated',
    onRefused: observeRefusals({ registry, log }),
  });
  const foreign = await issuer.sign({ iss: 'https://elsewhere.example.com' });
  await verify(await issuer.sign());
  for (const token of [undefined, foreign, 'garbage']) await expect(verify(token)).rejects.toThrow();

  const metrics = await registry.metrics();
  expect(metrics).toContain('potentia_auth_refused_total{code="auth.token_missing"} 1');
  expect(metrics).toContain('potentia_auth_refused_total{code="auth.token_invalid"} 2');
  expect(text).toContain('"reason":"malformed header"');
  expect(text).toContain('"reason":"unexpected');
  expect(text).not.toContain(foreign.split('.')[2]);
});
