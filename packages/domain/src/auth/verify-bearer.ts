import { API_KEY_PREFIX } from './api-key-text.ts';
import { type ApiKeyVerifierOptions, createApiKeyVerifier } from './verify-api-key.ts';
import { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from './verify-token.ts';

/** Takes whatever a bearer is: a person's access token, or an API key, which its first letters tell. */
export function createBearerVerifier(options: TokenVerifierOptions & ApiKeyVerifierOptions): TokenVerifier {
  const tokens = createTokenVerifier(options);
  const api_keys = createApiKeyVerifier(options);
  return {
    verify: (bearer) => (bearer?.startsWith(API_KEY_PREFIX) ? api_keys.verify(bearer) : tokens.verify(bearer)),
  };
}
