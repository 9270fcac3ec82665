import type { FastifyInstance } from 'fastify';
import type { PhoneGroup } from '../server.ts';
import { type Admin, PHONE, withoutBody } from './admin.ts';
import { badField, doing, notFound } from './refusal.ts';
import { groupBody, memberBody, subjectBody } from './schemas.ts';

const GROUP = `${PHONE}/groups/:group_id`;
const MEMBER = `${GROUP}/members/:member`;

interface GroupParams {
  number: string;
  group_id: string;
}
type MemberParams = GroupParams & { member: string };

/** The groups of a phone, and what it may do in them. */
export function registerGroupRoutes(app: FastifyInstance, { running, phoneOf }: Admin): void {
  const groupsOf = (number: string): PhoneGroup[] => running().server.groups(number);

  /** The phone in the hand, and the group. Throws a 404 when the phone is not in it. */
  function open(request: { params: GroupParams }) {
    const phone = phoneOf(request);
    const { group_id } = request.params;
    const find = (): PhoneGroup | undefined => groupsOf(phone.number).find(({ id }) => id === group_id);
    if (!find()) throw notFound('The phone is in no such group.');
    return { phone, group_id, find };
  }
  function known(field: string, number: string): string {
    const phone = running().server.phone(number);
    if (!phone) throw badField(field, `Nobody has the number ${number}`);
    return phone.number;
  }

  app.get(`${PHONE}/groups`, (request) => ({ items: groupsOf(phoneOf(request).number) }));

  app.post<{ Body: { subject: string; members: string[] } }>(
    `${PHONE}/groups`,
    { schema: { body: groupBody } },
    (request, reply) => {
      const phone = phoneOf(request);
      const { subject } = request.body;
      const members = request.body.members.map((number, index) => known(`body/members/${index}`, number));
      const { id } = phone.createGroup({ subject, members: members.filter((number) => number !== phone.number) });
      return reply.code(201).send(groupsOf(phone.number).find((group) => group.id === id));
    },
  );

  app.patch<{ Params: GroupParams; Body: { subject: string } }>(GROUP, { schema: { body: subjectBody } }, (request) => {
    const { phone, group_id, find } = open(request);
    phone.setSubject(group_id, request.body.subject);
    return find();
  });

  app.put<{ Params: MemberParams; Body: { is_admin?: boolean } }>(
    MEMBER,
    { schema: { body: memberBody }, preValidation: withoutBody },
    async (request) => {
      const { phone, group_id, find } = open(request);
      const number = known('params/member', request.params.member);
      const is_admin = request.body.is_admin;
      await doing('params/member', () => {
        if (!find()?.members.some((member) => member.number === number)) phone.addMember(group_id, number);
        if (is_admin !== undefined) phone[is_admin ? 'promote' : 'demote'](group_id, number);
      });
      return find();
    },
  );

  /** One's own number leaves. */
  app.delete<{ Params: MemberParams }>(MEMBER, async (request, reply) => {
    const { phone, group_id } = open(request);
    const number = known('params/member', request.params.member);
    await doing('params/member', () => phone.removeMember(group_id, number));
    return reply.code(204).send();
  });
}
