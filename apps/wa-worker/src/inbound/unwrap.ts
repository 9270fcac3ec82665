import { extractMessageContent, type proto } from '@whiskeysockets/baileys';

/** A message without what it was wrapped in. */
export interface Unwrapped {
  message: proto.IMessage;
  is_view_once: boolean;
  is_ephemeral: boolean;
}

const WRAPPERS = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'editedMessage',
  'associatedChildMessage',
  'groupStatusMessage',
  'groupStatusMessageV2',
  'groupMentionedMessage',
  'lottieStickerMessage',
  'pollCreationMessageV4',
  'pollCreationOptionImageMessage',
  'botInvokeMessage',
  'botForwardedMessage',
  'questionMessage',
  'questionReplyMessage',
] as const satisfies (keyof proto.IMessage)[];

const MAX_DEPTH = 8;

/** What the own phone sent comes wrapped; its secrets may be beside it. */
export function ownMessage(message: proto.IMessage): proto.IMessage {
  const sent = message.deviceSentMessage?.message;
  if (!sent) return message;
  if (message.messageContextInfo && !sent.messageContextInfo) sent.messageContextInfo = message.messageContextInfo;
  return sent;
}

/** Takes off what only says how a message is to be shown. */
export function unwrap(wrapped: proto.IMessage): Unwrapped {
  let message = ownMessage(wrapped);
  let is_view_once = false;
  let is_ephemeral = false;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const wrapper = WRAPPERS.find((name) => message[name]?.message);
    const inner = wrapper && message[wrapper]?.message;
    if (!inner) break;
    is_view_once ||= wrapper.startsWith('viewOnce');
    is_ephemeral ||= wrapper === 'ephemeralMessage';
    message = inner;
  }
  // Of businesses' templates and buttons what people see.
  return { message: extractMessageContent(message) ?? message, is_view_once, is_ephemeral };
}
