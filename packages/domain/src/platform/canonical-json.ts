import { createHash } from 'node:crypto';
import { canonicalJson } from './rules/canonical-json.ts';

/** SHA-256 of a value's canonical JSON, hex. */
export function hashJson(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
