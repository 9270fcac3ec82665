import type { Logger } from '@potentia/config/logger';
import type { SessionSettings, SessionStatus } from '@potentia/domain/whatsapp/schemas';
import type { UserFacingSocketConfig, WASocket } from '@whiskeysockets/baileys';
import type { OutputGate } from '../state/output-gate.ts';
import type { SessionState } from '../state/session-state.ts';

/** A session that this process holds, from the command that placed it here until it is released, lost or deleted. */
export interface HeldSession {
  readonly session_id: string;
  readonly worker_id: string;
  readonly generation: number;
  /** As commanded last. */
  readonly settings: SessionSettings;
  /** Credentials, keys and the log. Another one after the memory of a session had to be dropped: read it anew for each use. */
  readonly state: SessionState;
  readonly status: SessionStatus;
  /** The socket of now; null between two, and when none is wanted. */
  readonly sock: WASocket | null;
  /** Of that socket. */
  readonly gate: OutputGate | null;
  /**
   * Whether something may go out now: the socket is open, the lease was renewed lately, and nobody is releasing the session.
   * A send asks before each message; what has passed the gate is on the wire.
   */
  readonly is_sending: boolean;
  /** With the session's id. Nothing of a message, and no secret, is ever passed to it. */
  readonly log: Logger;
  /** A message has left: when WhatsApp acknowledges nothing within 30 s, the socket counts as deaf and is made anew. */
  expectAck(message_id: string): void;
}

/**
 * What a part of the gateway (inbound, outbound, media, receipts) does for a session. What a part keeps for one, it keeps in a
 * WeakMap by `held`. Hooks must not throw; one that does is logged, and the others go on.
 */
export interface SessionPart {
  /** For the error log. */
  readonly name: string;
  /** Options of Baileys beside those of the connection. Two parts must not set the same one. */
  socketOptions?(held: HeldSession): Partial<UserFacingSocketConfig>;
  /** A socket was made and has received nothing yet: the time to add listeners. They go with the socket. */
  onSocket?(sock: WASocket, held: HeldSession): void;
  /** Logged in; what was queued while it was away is still coming. */
  onOpen?(held: HeldSession): void;
  /** What was queued while it was away has come in: once for each socket, after `onOpen`. */
  onCaughtUp?(held: HeldSession): void;
  /** The socket is gone, for whatever reason. Another may follow. */
  onClosed?(held: HeldSession): void;
  /**
   * The session is given up in order, and `is_sending` is false: settle what is under way, such as acknowledgements that are still
   * to come. The socket is closed when all parts have settled, or after 5 s. Not called when the lease was lost.
   */
  stop?(held: HeldSession): Promise<void>;
  /** The session is not this process's any more. The last call for `held`: timers must have ended when it returns. */
  onDropped?(held: HeldSession): void;
}

/** The sessions of this process. */
export interface HeldSessions {
  /** Undefined when this process does not hold it. */
  get(session_id: string): HeldSession | undefined;
  all(): Iterable<HeldSession>;
}
