/** All in milliseconds. */
export interface Timings {
  /** A lease lasts so long, is renewed so often, and nothing is sent when that has not worked for so long. */
  lease_ms: number;
  renew_ms: number;
  stop_sending_ms: number;
  /** From the first byte to the end of the handshake, and of each write. */
  connect_ms: number;
  /** Between two pings, and until one that got no answer counts. */
  ping_ms: number;
  ping_timeout_ms: number;
  /** Until a message that got no acknowledgement counts. */
  ack_timeout_ms: number;
  /** Until a session counts as caught up though WhatsApp did not say so. */
  catch_up_ms: number;
  /** What the parts of a session get to settle when it is given up. */
  settle_ms: number;
  /** The first wait of a reconnection; the policy of close codes multiplies it. */
  backoff_ms: number;
  /** Of a QR code; WhatsApp's own times when 0: 60 s for the first and 20 s for each that follows. */
  qr_ms: number;
}

export const TIMINGS: Timings = {
  lease_ms: 15_000,
  renew_ms: 5_000,
  stop_sending_ms: 10_000,
  connect_ms: 20_000,
  ping_ms: 20_000,
  ping_timeout_ms: 10_000,
  ack_timeout_ms: 30_000,
  catch_up_ms: 10_000,
  settle_ms: 5_000,
  backoff_ms: 1_000,
  qr_ms: 0,
};
