import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { proto } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import type { MessageLog } from './message-log.ts';
import type { PhoneMessage } from './phone.ts';
import { lidJid, numberJid } from './nodes.ts';
import type { State } from './state.ts';

/** A message as phones hand it on, with what it was sent under. */
function webMessage(state: State, message: PhoneMessage): proto.IWebMessageInfo {
  const { id, chat, is_from_me: fromMe, content, at, from } = message;
  const other = state.accounts.get(chat);
  const participant = other || fromMe ? undefined : lidJid(state.accounts.get(from)?.lid ?? '');
  const key = { remoteJid: other ? numberJid(other.number) : chat, fromMe, id, participant };
  return { key, participant, message: content, messageTimestamp: Math.floor(Date.parse(at) / 1000) };
}

function history(state: State, account: Account, log: MessageLog): Uint8Array {
  const by_chat = Map.groupBy(log.all(), ({ chat }) => chat);
  const conversations = [...by_chat].map(([chat, shown]) => {
    const other = state.accounts.get(chat);
    const id = other ? numberJid(other.number) : chat;
    const messages = shown.map((message) => ({ message: webMessage(state, message) }));
    const name = other?.name ?? state.groups.get(chat)?.subject;
    return { id, name, lidJid: other && lidJid(other.lid), messages: messages.reverse() };
  });
  const others = [account, ...state.accounts.values()].filter(
    ({ number }) => number === account.number || by_chat.has(number),
  );
  return proto.HistorySync.encode({
    syncType: proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP,
    conversations,
    pushnames: others.map(({ number, name }) => ({ id: numberJid(number), pushname: name })),
    phoneNumberToLidMappings: others.map(({ number, lid }) => ({ pnJid: numberJid(number), lidJid: lidJid(lid) })),
    progress: 100,
    chunkOrder: 1,
  }).finish();
}

/** What a device that has just been linked is told: the history, and the key of the chats' settings. */
export function syncMessages(state: State, account: Account, log: MessageLog): proto.Message.IProtocolMessage[] {
  const { HISTORY_SYNC_NOTIFICATION, APP_STATE_SYNC_KEY_SHARE } = proto.Message.ProtocolMessage.Type;
  const fingerprint = { rawId: 1, currentIndex: 0, deviceIndexes: [0] };
  const keyData = { keyData: randomBytes(32), fingerprint, timestamp: Date.now() };
  const historySyncNotification = {
    syncType: proto.Message.HistorySyncType.INITIAL_BOOTSTRAP,
    chunkOrder: 1,
    progress: 100,
    initialHistBootstrapInlinePayload: deflateSync(history(state, account, log)),
  };
  const keys = [{ keyId: { keyId: randomBytes(6) }, keyData }];
  return [
    { type: APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: { keys } },
    { type: HISTORY_SYNC_NOTIFICATION, historySyncNotification },
  ];
}

/** The messages for which a linked device asks, as far as the phone has them; undefined when it asks for none. */
export function resendAnswer(
  state: State,
  log: MessageLog,
  stanzaId: string,
  message: proto.IMessage,
): proto.Message.IProtocolMessage | undefined {
  const asked = message.protocolMessage?.peerDataOperationRequestMessage?.placeholderMessageResendRequest ?? [];
  if (asked.length === 0) return undefined;
  const { PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE } = proto.Message.ProtocolMessage.Type;
  const found = asked.flatMap(({ messageKey }) => log.all().find(({ id }) => id === messageKey?.id) ?? []);
  const peerDataOperationResult = found.map((one) => {
    const webMessageInfoBytes = proto.WebMessageInfo.encode(webMessage(state, one)).finish();
    return { placeholderMessageResendResponse: { webMessageInfoBytes } };
  });
  return {
    type: PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
    peerDataOperationRequestResponseMessage: {
      peerDataOperationRequestType: proto.Message.PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND,
      stanzaId,
      peerDataOperationResult,
    },
  };
}
