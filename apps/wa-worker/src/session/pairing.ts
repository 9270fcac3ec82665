import { AppError } from '@potentia/domain/platform/errors';
import type { LiveCodeKind, LiveCodes } from '@potentia/domain/whatsapp/live-codes';
import type { AuthenticationCreds } from '@whiskeysockets/baileys';
import { z } from 'zod';
import { phone } from '@potentia/domain/whatsapp/schemas';

/** How a session that is not linked yet is to be linked. */
export const loginInput = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('qr') }),
  z.strictObject({ by: z.literal('pairing_code'), phone }),
]);
export type Login = z.output<typeof loginInput>;

/** Milliseconds that WhatsApp takes a code for: its first QR code, each that follows, and a pairing code as long as all of those together. */
const FIRST_QR_MS = 60_000;
const NEXT_QR_MS = 20_000;
const PAIRING_CODE_MS = FIRST_QR_MS + 5 * NEXT_QR_MS;
/** How long a command waits for a code. */
const CODE_MS = 12_000;

/** That there is a code, and for how long. */
export interface CodeNotice {
  serial: number;
  expires_at: string;
}

/** The codes of one session, one after the other. */
export class Pairing {
  readonly #options: { live_codes: LiveCodes; session_id: string; qr_ms: number };
  #serial = 0;
  /** On this socket. */
  #shown = 0;
  #shown_by: Login['by'] | null = null;
  /** The pairing code of this socket. */
  #code: string | null = null;
  #waiting: PromiseWithResolvers<CodeNotice> | null = null;

  constructor(options: { live_codes: LiveCodes; session_id: string; qr_ms: number }) {
    this.#options = options;
  }

  /** A new socket begins with a QR code that lives longer. */
  newSocket(): void {
    this.#shown = 0;
    this.#shown_by = null;
    this.#code = null;
  }

  /** What was shown on this socket to link with. */
  get shown(): Login['by'] | null {
    return this.#shown_by;
  }

  /** The next pairing code. Rejects with `worker.no_code` when none comes; who waited before waits no more. */
  nextCode(): Promise<CodeNotice> {
    this.giveUp();
    const waiting = Promise.withResolvers<CodeNotice>();
    waiting.promise.catch(() => undefined);
    this.#waiting = waiting;
    const timer = setTimeout(() => waiting.reject(noCode()), CODE_MS);
    return waiting.promise.finally(() => clearTimeout(timer));
  }

  giveUp(): void {
    this.#waiting?.reject(noCode());
    this.#waiting = null;
  }

  /** A socket that logs in by `login` has a QR code to show: what is shown for it; null: nothing new. Throws when it cannot be. */
  async offer(
    login: Login,
    qr: string,
    sock: { requestPairingCode(phone: string): Promise<string> },
  ): Promise<CodeNotice | null> {
    // A pairing code lives as long as the socket, whatever QR codes pass meanwhile.
    if (login.by === 'pairing_code' && this.#shown_by) return null;
    const before = this.#shown_by;
    this.#shown_by = login.by;
    try {
      if (login.by === 'qr') return await this.#show('qr', qr);
      // Asked for once: when it could not be shown, it is shown later.
      this.#code ??= await sock.requestPairingCode(login.phone);
      const notice = await this.#show('pairing', this.#code);
      this.#waiting?.resolve(notice);
      return notice;
    } catch (error) {
      this.#shown_by = before;
      throw error;
    }
  }

  /** Puts the code where the API finds it. Throws when Redis is away. */
  async #show(kind: LiveCodeKind, text: string): Promise<CodeNotice> {
    const { live_codes, session_id, qr_ms } = this.#options;
    const own_ms = this.#shown === 0 ? FIRST_QR_MS : NEXT_QR_MS;
    const life_ms = kind === 'pairing' ? PAIRING_CODE_MS : qr_ms || own_ms;
    this.#serial += 1;
    const notice = { serial: this.#serial, expires_at: new Date(Date.now() + life_ms).toISOString() };
    await live_codes.put(kind, session_id, { text, ...notice });
    this.#shown += 1;
    return notice;
  }

  async forget(): Promise<void> {
    await this.#options.live_codes.forget(this.#options.session_id);
  }
}

const noCode = () =>
  new AppError('unavailable', 'worker.no_code', 'WhatsApp gave no code to link with.', { retry_after_ms: 5_000 });

/** Linked: good for logging in. Until then `me` stands for no more than the number that a pairing code was asked for. */
export const isLinked = (creds: AuthenticationCreds | null): boolean => creds?.account !== undefined;

/** What an attempt to link has left, by which the next would log in instead of registering. */
export function clearAttempt(creds: AuthenticationCreds): void {
  if (isLinked(creds)) return;
  creds.me = undefined;
  creds.pairingCode = undefined;
  creds.registered = false;
}
