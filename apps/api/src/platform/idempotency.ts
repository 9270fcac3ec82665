import { invalidField } from '@potentia/domain/platform/parse';
import type { FastifyRequest } from 'fastify';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a POST (draft-ietf-httpapi-idempotency-key-header), bare or as the draft's quoted string.
 * Throws `request.invalid` when it is malformed. What it means is decided by `once`, in the verb's transaction.
 */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  if (request.method !== 'POST') return undefined;
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = typeof given === 'string' ? given.replace(/^"(.*)"$/, '$1') : '';
  if (VISIBLE_ASCII.test(key)) return key;
  throw invalidField('/headers/idempotency-key', 'Must be 1 to 255 visible ASCII characters');
}
