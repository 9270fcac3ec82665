import { invalidField } from '@potentia/domain/platform/parse';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The strong ETag of a row. */
export const versionTag = (version: number): string => `"${version}"`;

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim());

/** RFC 9110 13.1.2, by weak comparison. */
export function isUnchanged(request: FastifyRequest, tag: string): boolean {
  const given = request.headers['if-none-match'];
  if (given === undefined) return false;
  const bare = tag.replace(/^W\//, '');
  return given === '*' || tagsOf(given).some((candidate) => candidate.replace(/^W\//, '') === bare);
}

/**
 * The version that `If-Match` demands (RFC 9110 13.1.1, strong comparison): `null` without the header or with `*`, and a
 * version that no row has when nothing in it can match. Throws `invalid` on several tags, of which only one could be meant.
 * `least`: the lowest version that a row of this kind has.
 */
export function expectedVersion(request: FastifyRequest, least = 1): number | null {
  const given = request.headers['if-match'];
  if (given === undefined || given.trim() === '*') return null;
  const tags = tagsOf(given);
  if (tags.length > 1) throw invalidField('/headers/if-match', 'Names more than one version');
  const version = Number(/^"(0|[1-9]\d{0,8})"$/.exec(tags[0] ?? '')?.[1]);
  return version >= least ? version : NO_VERSION;
}

/** The end of Postgres's `integer`: no row gets there, so the precondition fails with the row as it stands. */
const NO_VERSION = 2_147_483_647;

/** Sends JSON text as it came from Postgres, or 304 when the client has it. */
export function sendTagged(request: FastifyRequest, reply: FastifyReply, tag: string, text: string): FastifyReply {
  reply.header('etag', tag);
  if (isUnchanged(request, tag)) return reply.code(304).send();
  return sendJson(reply, text);
}

/** Sends JSON text without parsing it again. */
export const sendJson = (reply: FastifyReply, text: string): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(text);
