import { randomInt } from 'node:crypto';
import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account, Group } from './account.ts';
import { bytes, child, childBytes, children, lidJid, node, now, numberJid, parseJid } from './nodes.ts';
import type { Query } from './query.ts';
import type { State } from './state.ts';

type MemberChange = 'add' | 'remove' | 'promote' | 'demote';
const MEMBER_CHANGES: MemberChange[] = ['add', 'remove', 'promote', 'demote'];

function memberNode(account: Account, is_admin: boolean): BinaryNode {
  return node('participant', {
    jid: lidJid(account.lid),
    phone_number: numberJid(account.number),
    type: is_admin ? 'admin' : undefined,
  });
}

function groupNode(group: Group): BinaryNode {
  const { id, subject, subject_at, description, created_at, creator, members } = group;
  const attrs = {
    id: parseJid(id)?.user,
    subject,
    s_t: subject_at,
    s_o: lidJid(creator.lid),
    s_o_pn: numberJid(creator.number),
    creation: created_at,
    creator: lidJid(creator.lid),
    creator_pn: numberJid(creator.number),
    addressing_mode: 'lid',
    size: String(members.size),
  };
  const body = node('body', {}, Buffer.from(description));
  return node('group', attrs, [
    ...(description ? [node('description', { id: `d${id}`, t: subject_at }, [body])] : []),
    ...[...members].map(([account, is_admin]) => memberNode(account, is_admin)),
  ]);
}

/** Tells the members' linked devices, and those who have just left. */
function announce(state: State, group: Group, by: Account, change: BinaryNode, also: Account[] = []): void {
  const attrs = {
    from: group.id,
    type: 'w:gp2',
    participant: lidJid(by.lid),
    participant_pn: numberJid(by.number),
    addressing_mode: 'lid',
    notify: by.name,
  };
  for (const account of new Set([...group.members.keys(), ...also])) state.notify(account, attrs, [change]);
}

export function createGroup(state: State, creator: Account, subject: string, members: Account[]): Group {
  const id = `1203630${String(randomInt(1_000_000_000, 9_999_999_999))}@g.us`;
  const invite_code = `Invite${String(randomInt(1_000_000_000, 9_999_999_999))}`;
  const group: Group = {
    id,
    subject,
    subject_at: now(),
    description: '',
    created_at: now(),
    creator,
    members: new Map([[creator, true], ...members.map((account) => [account, false] as const)]),
    invite_code,
  };
  state.groups.set(id, group);
  announce(state, group, creator, node('create', { type: 'new', key: id }, [groupNode(group)]));
  return group;
}

/** Throws when somebody who is no admin tries. One may always remove oneself. */
export function changeMembers(state: State, group: Group, by: Account, change: MemberChange, whom: Account[]): void {
  const is_leaving = change === 'remove' && whom.every((account) => account === by);
  if (!group.members.get(by) && !is_leaving) throw new Error('Only admins may do that');
  for (const account of whom) {
    if (change === 'remove') group.members.delete(account);
    else if (change === 'add') group.members.set(account, group.members.get(account) ?? false);
    else if (group.members.has(account)) group.members.set(account, change === 'promote');
  }
  // Who is left has new keys from here on, so that those who went cannot read on.
  if (change === 'remove') for (const account of group.members.keys()) account.phone.rotateSenderKey(group.id);
  const affected = whom.map((account) => memberNode(account, group.members.get(account) ?? false));
  announce(state, group, by, node(change, {}, affected), whom);
}

export function setSubject(state: State, group: Group, by: Account, subject: string): void {
  group.subject = subject;
  group.subject_at = now();
  announce(state, group, by, node('subject', { subject, s_t: group.subject_at, s_o: lidJid(by.lid) }));
}

function accountsOf(state: State, parent: BinaryNode): Account[] {
  return children(parent, 'participant').flatMap(({ attrs }) => state.account(attrs.jid) ?? []);
}

function answerAboutAll({ state, connection, account, request }: Query): void {
  const creation = child(request, 'create');
  const leaving = child(request, 'leave');
  const invite = child(request, 'invite');
  if (creation) {
    const members = accountsOf(state, creation).filter((member) => member !== account);
    const group = createGroup(state, account, creation.attrs.subject ?? '', members);
    return connection.reply(request, [groupNode(group)]);
  }
  if (leaving) {
    for (const { attrs } of children(leaving, 'group')) {
      const group = state.groups.get(attrs.id ?? '');
      if (group) changeMembers(state, group, account, 'remove', [account]);
    }
    return connection.reply(request, [node('leave', {}, children(leaving, 'group'))]);
  }
  if (invite) {
    const group = [...state.groups.values()].find(({ invite_code }) => invite_code === invite.attrs.code);
    if (!group) return connection.replyError(request, 404, 'item-not-found');
    if (request.attrs.type === 'get') return connection.reply(request, [groupNode(group)]);
    group.members.set(account, false);
    announce(state, group, account, node('add', {}, [memberNode(account, false)]));
    return connection.reply(request, [node('group', { jid: group.id })]);
  }
  const groups = [...state.groups.values()].filter(({ members }) => members.has(account)).map(groupNode);
  connection.reply(request, [node('groups', {}, groups)]);
}

function changeByQuery({ state, connection, account, request }: Query, group: Group): void {
  const subject = child(request, 'subject');
  const description = child(request, 'description');
  if (subject) setSubject(state, group, account, bytes(subject).toString());
  if (description) {
    group.description = childBytes(description, 'body').toString();
    announce(state, group, account, node('description', {}, [node('body', {}, Buffer.from(group.description))]));
  }
  for (const change of MEMBER_CHANGES) {
    const asked = child(request, change);
    if (!asked) continue;
    const whom = accountsOf(state, asked);
    changeMembers(state, group, account, change, whom);
    return connection.reply(request, [
      node(
        change,
        {},
        whom.map((member) => memberNode(member, false)),
      ),
    ]);
  }
  if (child(request, 'invite')) return connection.reply(request, [node('invite', { code: group.invite_code })]);
  connection.reply(request);
}

/** Answers what linked devices ask about groups, and does what they want done. */
export function answerGroupQuery(query: Query): void {
  const { state, connection, account, request } = query;
  if (!parseJid(request.attrs.to)?.user) return answerAboutAll(query);
  const group = state.groups.get(request.attrs.to ?? '');
  if (!group) return connection.replyError(request, 404, 'item-not-found');
  if (!group.members.has(account)) return connection.replyError(request, 403, 'forbidden');
  if (child(request, 'query')) return connection.reply(request, [groupNode(group)]);
  try {
    changeByQuery(query, group);
  } catch {
    connection.replyError(request, 403, 'forbidden');
  }
}
