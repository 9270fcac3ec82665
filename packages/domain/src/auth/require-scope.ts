import { AppError } from '../platform/errors.ts';
import { grantsScope, type Scope } from './rules/scopes.ts';
import type { Claims } from './verify-token.ts';

/** Refuses an API key that was not made for what needs `needed`; persons pass. Throws `api_key.scope_missing`. */
export function requireScope({ api_key }: Pick<Claims, 'api_key'>, needed: Scope | undefined): void {
  if (!api_key || grantsScope(api_key.scopes, needed)) return;
  const message = needed === undefined ? 'API keys cannot do this.' : `The API key lacks the scope ${needed}.`;
  throw new AppError('forbidden', 'api_key.scope_missing', message);
}
