import type { SigningKeys } from './keys.ts';
import type { Sessions } from './sessions.ts';
import type { AuthStore } from './store.ts';

export interface ApiKeys {
  anon_key: string;
  service_role_key: string;
}

/** What the routes share. */
export interface AuthDeps {
  store: AuthStore;
  keys: SigningKeys;
  sessions: Sessions;
  api_keys: ApiKeys;
}
