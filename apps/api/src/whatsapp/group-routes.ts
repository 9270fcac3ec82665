import { changeParticipants } from '@potentia/domain/whatsapp/change-participants';
import { createGroup } from '@potentia/domain/whatsapp/create-group';
import {
  changedParticipants,
  changeParticipantsBody,
  createGroupBody,
  groupList,
  groupRef,
  updateGroupBody,
  whatsappGroup,
} from '@potentia/domain/whatsapp/door-schemas';
import { getGroup } from '@potentia/domain/whatsapp/get-group';
import { leaveGroup } from '@potentia/domain/whatsapp/leave-group';
import { listGroups } from '@potentia/domain/whatsapp/list-groups';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import { updateGroup } from '@potentia/domain/whatsapp/update-group';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { LIVE_DEADLINE_MS, SESSION } from './paths.ts';

const tags = ['whatsapp'];
const GROUPS = `${SESSION}/groups`;
const GROUP = `${GROUPS}/:group_id`;
const asReader = { tags, access: { session: 'member' }, scope: 'whatsapp:read' } as const;
const asWriter = { tags, access: { session: 'member' }, scope: 'whatsapp:write' } as const;
const config = { deadline_ms: LIVE_DEADLINE_MS };
const problems = [404, 409];

/** Groups, as WhatsApp has them now. */
export function groupRoutes(app: App, context: ApiContext): void {
  readRoutes(app, context);
  writeRoutes(app, context);
}

function readRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    ...asReader,
    operationId: 'listWhatsappGroups',
    summary: 'The groups that a session is in',
    params: sessionRef,
    ok: { 200: groupList },
    problems,
  });
  app.get(GROUPS, { schema: listSchema, config }, (request) => listGroups(userCtx(context, request), request.params));

  const getSchema = operation({
    ...asReader,
    operationId: 'getWhatsappGroup',
    summary: 'One group, with who is in it',
    params: groupRef,
    ok: { 200: whatsappGroup },
    problems,
  });
  app.get(GROUP, { schema: getSchema, config }, (request) => getGroup(userCtx(context, request), request.params));
}

function writeRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    ...asWriter,
    operationId: 'createWhatsappGroup',
    summary: 'Make a group',
    description: 'Asked twice, WhatsApp makes two: look before you ask again.',
    params: sessionRef,
    body: createGroupBody,
    ok: { 201: whatsappGroup },
    problems,
  });
  app.post(GROUPS, { schema: createSchema, config }, async (request, reply) => {
    const group = await createGroup(userCtx(context, request), { ...request.body, ...request.params });
    const collection = GROUPS.replace(':session_id', request.params.session_id);
    reply.code(201).header('location', `${collection}/${group.group_id}`);
    return group;
  });

  const updateSchema = operation({
    ...asWriter,
    operationId: 'updateWhatsappGroup',
    summary: 'Change the subject or the description of a group',
    params: groupRef,
    body: updateGroupBody,
    ok: { 200: whatsappGroup },
    problems,
  });
  app.patch(GROUP, { schema: updateSchema, config }, (request) =>
    updateGroup(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const participantsSchema = operation({
    ...asWriter,
    operationId: 'changeWhatsappParticipants',
    summary: 'Add, remove, promote or demote people of a group',
    params: groupRef,
    body: changeParticipantsBody,
    ok: { 200: changedParticipants },
    problems,
  });
  app.post(`${GROUP}/participants`, { schema: participantsSchema, config }, (request) =>
    changeParticipants(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const leaveSchema = operation({
    ...asWriter,
    operationId: 'leaveWhatsappGroup',
    summary: 'Leave a group',
    params: groupRef,
    ok: { 204: noContent('Left.') },
    problems,
  });
  app.post(`${GROUP}/leave`, { schema: leaveSchema, config }, async (request, reply) => {
    await leaveGroup(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}
