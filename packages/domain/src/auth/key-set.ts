import { importJWK, type CryptoKey, type JWK } from 'jose';
import { keysUnavailable } from './errors.ts';

/** A public key and the one algorithm that tokens signed with it may name. */
export interface VerificationKey {
  kid: string;
  alg: string;
  key: CryptoKey;
}

export interface KeySetOptions {
  jwks_url: string;
  /** Called after a fetch that added, removed or replaced a key. */
  onChanged: () => void;
  clock: () => Date;
}

/** After a fetch that was in vain, the least time before an unknown key causes another: invented ids must not become load on the issuer. */
const COOLDOWN_MS = 2_000;
/** Age after which a use refreshes the keys in the background: how long a revoked key lives on. */
const REFRESH_AFTER_MS = 300_000;
const TIMEOUT_MS = 2_000;

export interface KeySet {
  /** The key, after a fetch if it is unknown. `undefined`: the issuer does not know it. Throws `unavailable`. */
  find(kid: string): Promise<VerificationKey | undefined>;
  /** Starts a background refresh when the keys have grown old. Costs a comparison otherwise. */
  keepFresh(): void;
}

/** The algorithm a key may be used with: what it declares, else what its type implies (RFC 7518 3.1). Only the two that Supabase signs with. */
function algorithmOf(jwk: JWK): string | undefined {
  if (jwk.kty === 'EC' && jwk.crv === 'P-256' && (jwk.alg ?? 'ES256') === 'ES256') return 'ES256';
  if (jwk.kty === 'RSA' && (jwk.alg ?? 'RS256') === 'RS256') return 'RS256';
  return undefined;
}

async function importKey(jwk: JWK): Promise<VerificationKey | undefined> {
  const alg = algorithmOf(jwk);
  if (!alg || !jwk.kid || (jwk.use ?? 'sig') !== 'sig') return undefined;
  // Only public members: a set that leaks private ones must not make a verifier fail on `key_ops`.
  const { kty, crv, x, y, n, e } = jwk;
  const key = await importJWK({ kty, crv, x, y, n, e }, alg).catch(() => undefined);
  return key ? { kid: jwk.kid, alg, key: key as CryptoKey } : undefined;
}

async function fetchKeys(url: string): Promise<{ keys: Map<string, VerificationKey>; id: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  if (!response.ok) throw new Error(`The key set answered ${String(response.status)}`);
  const body = (await response.json()) as { keys?: unknown };
  if (!Array.isArray(body.keys)) throw new Error('The key set has no keys');
  const jwks = body.keys as JWK[];
  const imported = await Promise.all(jwks.map(importKey));
  return {
    keys: new Map(imported.filter((key) => key !== undefined).map((key) => [key.kid, key])),
    id: JSON.stringify(jwks),
  };
}

/**
 * The issuer's published keys (RFC 7517). Fetched on first need, again when a token names an unknown key (with a
 * cooldown), and in the background as they age. While the issuer is away the last known keys go on working.
 */
export function createKeySet({ jwks_url, onChanged, clock }: KeySetOptions): KeySet {
  let keys: Map<string, VerificationKey> | undefined;
  let id = '';
  let tried_at = -Infinity;
  let in_vain_at = -Infinity;
  let failure: unknown;
  let in_flight: Promise<void> | undefined;

  const since = (time: number): number => clock().getTime() - time;

  async function load(): Promise<void> {
    try {
      const fetched = await fetchKeys(jwks_url);
      const changed = keys !== undefined && fetched.id !== id;
      keys = fetched.keys;
      id = fetched.id;
      failure = undefined;
      if (changed) onChanged();
    } catch (error) {
      failure = error;
    } finally {
      tried_at = clock().getTime();
      in_flight = undefined;
    }
  }

  const refresh = (): Promise<void> => (in_flight ??= load());

  return {
    async find(kid) {
      const known = keys?.get(kid);
      if (known) return known;
      if (in_flight || since(in_vain_at) >= COOLDOWN_MS) await refresh();
      const found = keys?.get(kid);
      if (found) return found;
      if (since(in_vain_at) >= COOLDOWN_MS) in_vain_at = tried_at;
      // A key that could not be looked up may be a new one: its owner is told to retry, not to sign in again.
      if (failure !== undefined) throw keysUnavailable(COOLDOWN_MS, failure);
      return undefined;
    },
    keepFresh() {
      if (keys && since(tried_at) >= REFRESH_AFTER_MS) void refresh();
    },
  };
}
