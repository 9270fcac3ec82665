import type { Db } from '@potentia/db/client';
import { findContacts } from '@potentia/db/wa/people-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { parseInput } from '@potentia/domain/platform/parse';
import { changeParticipantsBody, createGroupBody, updateGroupBody } from '@potentia/domain/whatsapp/door-schemas';
import { groupJid, personJid, personOf, personOfAll } from '@potentia/domain/whatsapp/rules/jid';
import type { WASocket } from '@whiskeysockets/baileys';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { viewGroup, viewGroups } from '../outbound/group-view.ts';
import { livePaceOf } from '../outbound/live-pace.ts';
import type { HeldSession } from '../session/parts.ts';
import type { Commands } from './command-server.ts';
import { connected } from './connected.ts';

const ref = z.object({ session_id: z.uuid(), group_id: z.string().regex(/^[0-9-]{5,64}$/) });

/** What a session does with groups. */
export function groupRoutes(server: FastifyInstance, commands: Commands): void {
  const { db } = commands.context;

  server.get('/sessions/:session_id/groups', async (request) => {
    const session = commands.held(request);
    const { sock } = connected(session);
    const found = await fromWhatsApp(() => sock.groupFetchAllParticipating());
    return { items: await viewGroups(db, session, Object.values(found)) };
  });

  server.get('/sessions/:session_id/groups/:group_id', async (request) => {
    const session = commands.held(request);
    const { group_id } = parseInput(ref, request.params);
    const { sock } = connected(session);
    return viewGroup(db, session, await fromWhatsApp(() => sock.groupMetadata(groupJid(group_id))));
  });

  server.post('/sessions/:session_id/groups', async (request, reply) => {
    const session = commands.held(request);
    const { subject, phones } = parseInput(createGroupBody, request.body);
    const { sock } = connected(session);
    charge(session, phones.length);
    const people = await addressesOf(db, session, phones);
    const created = await fromWhatsApp(() => sock.groupCreate(subject, people));
    return reply.code(201).send(await viewGroup(db, session, created));
  });

  server.patch('/sessions/:session_id/groups/:group_id', async (request) => {
    const session = commands.held(request);
    const { group_id } = parseInput(ref, request.params);
    const { subject, description } = parseInput(updateGroupBody, request.body);
    const { sock } = connected(session);
    charge(session);
    const jid = groupJid(group_id);
    if (subject !== undefined) await fromWhatsApp(() => sock.groupUpdateSubject(jid, subject));
    if (description !== undefined) await fromWhatsApp(() => sock.groupUpdateDescription(jid, description));
    return viewGroup(db, session, await fromWhatsApp(() => sock.groupMetadata(jid)));
  });

  server.post('/sessions/:session_id/groups/:group_id/participants', async (request) => {
    const session = commands.held(request);
    const { group_id } = parseInput(ref, request.params);
    const { action, phones } = parseInput(changeParticipantsBody, request.body);
    const { sock } = connected(session);
    charge(session, action === 'add' ? phones.length : 0);
    const people = await addressesOf(db, session, phones);
    const answers = await fromWhatsApp(() => sock.groupParticipantsUpdate(groupJid(group_id), people, action));
    await refresh(db, session, sock, group_id);
    return { items: phones.map((phone, at) => outcomeOf(phone, people[at] ?? '', answers)) };
  });

  server.post('/sessions/:session_id/groups/:group_id/leave', async (request, reply) => {
    const session = commands.held(request);
    const { group_id } = parseInput(ref, request.params);
    const { sock } = connected(session);
    charge(session);
    await fromWhatsApp(() => sock.groupLeave(groupJid(group_id)));
    return reply.code(204).send();
  });
}

/** One change of a group, by which so many people are added to it. Throws `whatsapp.too_fast`. */
function charge(session: HeldSession, members = 0): void {
  const pace = livePaceOf(session);
  pace.take('members', members);
  pace.take('groups', 1);
}

/** Everybody's address, by LID where it is known. */
async function addressesOf(db: Db, { session_id }: HeldSession, phones: readonly string[]): Promise<string[]> {
  const known = await fromDb(() => findContacts(db, session_id, phones));
  const lids = new Map(known.map(({ contact }) => [contact.phone, contact.lid]));
  return phones.map((phone) => personJid({ phone, lid: lids.get(phone) ?? null }));
}

/** What became of one of those who were named; whom WhatsApp does not mention, it has done. */
function outcomeOf(phone: string, address: string, answers: Awaited<ReturnType<WASocket['groupParticipantsUpdate']>>) {
  const { lid } = personOf(address);
  const answer = answers.find(({ jid, content }) => {
    const found = personOfAll(jid, content.attrs.phone_number);
    return found.phone === phone || (lid !== undefined && found.lid === lid);
  });
  const is_done = answer === undefined || answer.status === '200';
  return { phone, status: is_done ? 'done' : 'refused', reason: is_done ? null : answer.status };
}

/** What is known here of the group follows; should that not work now, its next change brings it. */
async function refresh(db: Db, session: HeldSession, sock: WASocket, group_id: string): Promise<void> {
  try {
    await viewGroup(db, session, await sock.groupMetadata(groupJid(group_id)));
  } catch {
    session.log.warn({ group_id }, 'a group could not be read again');
  }
}

const REFUSALS: Record<number, AppError> = {
  403: new AppError(
    'forbidden',
    'whatsapp.not_group_admin',
    'WhatsApp does not let this session do that in the group.',
  ),
  401: new AppError(
    'forbidden',
    'whatsapp.not_group_admin',
    'WhatsApp does not let this session do that in the group.',
  ),
  404: new AppError('not_found', 'whatsapp.group_not_found', 'There is no such group.'),
};

/** Throws what WhatsApp refused as an AppError. */
async function fromWhatsApp<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { data, output } = error as { data?: unknown; output?: { statusCode?: unknown } };
    const refusal = typeof data === 'number' ? REFUSALS[data] : undefined;
    if (refusal) throw new AppError(refusal.kind, refusal.code, refusal.message, {}, { cause: error });
    if (typeof data === 'number')
      throw new AppError('conflict', 'whatsapp.refused', `WhatsApp refused it (${data}).`, { reason: String(data) });
    if (output)
      throw new AppError('unavailable', 'whatsapp.no_answer', 'WhatsApp does not answer.', {}, { cause: error });
    throw error;
  }
}
