import type { BinaryNode } from '@whiskeysockets/baileys';
import { takeBundle } from './account.ts';
import { answerGroupQuery } from './groups.ts';
import { activate } from './login.ts';
import {
  bytes,
  child,
  childBytes,
  childInteger,
  children,
  integerBytes,
  lidJid,
  node,
  numberJid,
  parseJid,
} from './nodes.ts';
import type { Bundle } from './party.ts';
import type { Query } from './query.ts';

type Answer = (query: Query) => void | Promise<void>;

const MEDIA_TTL_S = 3600;
const KEY_TYPE = Buffer.from([5]);

function usyncUser({ state, account: asker }: Query, user: BinaryNode, asked: BinaryNode): BinaryNode {
  const dialled = bytes(child(user, 'contact')).toString().replace(/\D/g, '');
  const jid = user.attrs.jid ?? numberJid(dialled);
  const account = state.account(jid);
  const answers: BinaryNode[] = [];
  if (child(asked, 'contact'))
    answers.push(node('contact', { type: account ? 'in' : 'out' }, bytes(child(user, 'contact'))));
  if (child(asked, 'devices') && account) {
    account.askers.add(asker);
    const ids = [0, ...account.companions.keys()];
    const devices = ids.map((id) => node('device', { id: String(id), 'key-index': id === 0 ? undefined : String(id) }));
    answers.push(node('devices', {}, [node('device-list', {}, devices)]));
  }
  // Who asks under the lid knows it already; clients take an answer for a second name of the number.
  const has_lid = account?.phone.settings.supports_lid && parseJid(jid)?.server !== 'lid';
  if (child(asked, 'lid') && has_lid) answers.push(node('lid', { val: lidJid(account.lid) }));
  if (child(asked, 'status')) answers.push(node('status', {}, Buffer.from('')));
  return node('user', { jid }, answers);
}

function answerUsync(query: Query): void {
  const { state, connection, account, companion, request } = query;
  if (state.faults.take('refuse_usync', account.number, companion.id)) {
    return connection.replyError(request, 429, 'rate-overlimit');
  }
  const usync = child(request, 'usync');
  const asked = child(usync, 'query');
  if (!usync || !asked) return connection.replyError(request, 400, 'bad-request');
  const users = children(child(usync, 'list'), 'user').map((user) => usyncUser(query, user, asked));
  const { sid, index, last, mode, context } = usync.attrs;
  connection.reply(request, [
    node('usync', { sid, index, last, mode, context }, [node('result'), node('list', {}, users)]),
  ]);
}

function bundleNode(jid: string, bundle: Bundle): BinaryNode {
  const { registration_id, identity_key, signed_pre_key, pre_key } = bundle;
  const key = (tag: string, of: { id: number; value: Uint8Array }, signature?: Uint8Array): BinaryNode =>
    node(tag, {}, [
      node('id', {}, integerBytes(of.id, 3)),
      node('value', {}, of.value),
      ...(signature ? [node('signature', {}, signature)] : []),
    ]);
  return node('user', { jid }, [
    node('registration', {}, integerBytes(registration_id, 4)),
    node('type', {}, KEY_TYPE),
    node('identity', {}, identity_key),
    key('skey', signed_pre_key, signed_pre_key.signature),
    ...(pre_key ? [key('key', pre_key)] : []),
  ]);
}

function answerKeys({ state, connection, account, companion, request }: Query, key: BinaryNode): void {
  if (state.faults.take('refuse_keys', account.number, companion.id)) {
    return connection.replyError(request, 500, 'internal-server-error');
  }
  const users = children(key, 'user').flatMap(({ attrs: { jid } }) => {
    const device = state.device(jid);
    // A device that is gone is left out: an error in the place of one fails the whole message at the client.
    if (!jid || !device) return [];
    return bundleNode(jid, device.companion ? takeBundle(device.companion) : device.account.phone.party.bundle());
  });
  connection.reply(request, [node('list', {}, users)]);
}

function answerEncrypt(query: Query): void {
  const { connection, companion, request, state } = query;
  const key = child(request, 'key');
  const uploaded = child(request, 'list');
  if (key) return answerKeys(query, key);
  if (child(request, 'count')) {
    return connection.reply(request, [node('count', { value: String(companion.pre_keys.length) })]);
  }
  if (child(request, 'digest')) return connection.reply(request, [node('digest')]);
  const signed = child(request, 'skey') ?? child(child(request, 'rotate'), 'skey');
  if (signed) {
    companion.signed_pre_key = {
      id: childInteger(signed, 'id'),
      value: childBytes(signed, 'value'),
      signature: childBytes(signed, 'signature'),
    };
  }
  for (const one of children(uploaded, 'key')) {
    companion.pre_keys.push({ id: childInteger(one, 'id'), value: childBytes(one, 'value') });
  }
  state.changed();
  connection.reply(request);
}

function answerMediaConnection({ state, connection, request }: Query): void {
  const hosts = state.media
    ? [node('host', { hostname: new URL(state.media.url).host, maxContentLengthBytes: '104857600' })]
    : [];
  connection.reply(request, [node('media_conn', { auth: 'sandbox', ttl: String(MEDIA_TTL_S) }, hosts)]);
}

async function answerPassive({ state, connection, account, companion, request }: Query): Promise<void> {
  connection.reply(request);
  if (child(request, 'active')) await activate(state, account, companion);
}

/** Chats' settings (archived, muted, …) are taken and never change by themselves. */
function answerAppState({ connection, request }: Query): void {
  const collections = children(child(request, 'sync'), 'collection').map(({ attrs: { name, version }, content }) => {
    const has_patch = Array.isArray(content) && content.length > 0;
    return node('collection', { name, version: String(Number(version ?? 0) + (has_patch ? 1 : 0)), type: 'result' });
  });
  connection.reply(request, [node('sync', {}, collections)]);
}

function answerPrivacy({ connection, request }: Query): void {
  if (!child(request, 'privacy') || request.attrs.type !== 'get') return connection.reply(request);
  const names = ['readreceipts', 'profile', 'status', 'online', 'last', 'groupadd', 'calladd', 'messages'];
  const categories = names.map((name) => node('category', { name, value: 'all' }));
  connection.reply(request, [node('privacy', {}, categories)]);
}

function answerDevices({ state, connection, account, companion, request }: Query): void {
  connection.reply(request);
  if (child(request, 'remove-companion-device')) account.phone.unlink(companion.id);
  state.changed();
}

function answerBusiness({ state, connection, request }: Query): void {
  const jid = child(child(request, 'business_profile'), 'profile')?.attrs.jid;
  const account = state.account(jid);
  const profiles = account?.is_business
    ? [node('profile', { jid }, [node('description', {}, Buffer.from(account.name))])]
    : [];
  connection.reply(request, [node('business_profile', {}, profiles)]);
}

function answerMex({ connection, request }: Query): void {
  const data = { xwa2_fetch_account_reachout_timelock: { is_active: false }, xwa2_message_capping_info: {} };
  connection.reply(request, [node('result', {}, Buffer.from(JSON.stringify({ data })))]);
}

const ANSWERS: Record<string, Answer> = {
  usync: answerUsync,
  encrypt: answerEncrypt,
  passive: answerPassive,
  privacy: answerPrivacy,
  md: answerDevices,
  'w:m': answerMediaConnection,
  'w:g2': answerGroupQuery,
  'w:biz': answerBusiness,
  'w:mex': answerMex,
  'w:sync:app:state': answerAppState,
  'w:profile:picture': ({ connection, request }) => connection.replyError(request, 404, 'item-not-found'),
  abt: ({ connection, request }) => connection.reply(request, [node('props', {}, [])]),
  blocklist: ({ connection, request }) => connection.reply(request, [node('list', {}, [])]),
};

/** Answers a client's question; those that nobody has an answer for get an empty one, or the client waits for a minute. */
export async function answerQuery(query: Query): Promise<void> {
  const { request, connection } = query;
  if (request.attrs.type === 'result' || request.attrs.type === 'error') return;
  const answer = ANSWERS[request.attrs.xmlns ?? ''];
  if (answer) await answer(query);
  else connection.reply(request);
}
