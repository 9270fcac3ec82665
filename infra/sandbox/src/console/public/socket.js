/* global WebSocket */

const BACKOFF_MS = { first: 300, most: 10_000 };
const SLOW_DOWN_MS = 5_000;
const stop_reasons = {
  4003: 'You no longer have access to this canvas',
  4004: 'The canvas was deleted',
  4005: 'The server does not speak this version of the protocol',
  4009: 'The server did not take what this page sent',
};

/** What a close code tells a client to do (see docs/protocol.md): `stop`, `renew` its token, `retry` or `slow` down. */
export function adviceFor(code) {
  if (code >= 4000 && code < 4100) return 'stop';
  if (code >= 4100 && code < 4200) return 'renew';
  if (code >= 4300 && code < 4400) return 'slow';
  return 'retry';
}

/** Milliseconds before the next try: doubling, and spread, so that clients who lost one hub do not arrive together. */
export function backoffMs(attempt, advice, random = Math.random()) {
  const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** attempt);
  return Math.round(most / 2 + (most / 2) * random) + (advice === 'slow' ? SLOW_DOWN_MS : 0);
}

/**
 * Keeps a WebSocket open: connects, reconnects as the close code says, hands in a fresh token when the server asks, and
 * gives up a connection on which nothing is heard any more.
 *
 * `onFrame(frame)` gets every frame of the server, `onStatus({ state, detail })` each change (`connecting`, `live`,
 * `waiting`, `stopped`), `onSent(frame)` what was sent. `probe()` says why a handshake may have failed, since browsers do
 * not: a message to stop with, or null to go on trying.
 */
export function openSocket({ url, session, probe, onFrame, onStatus, onSent }) {
  let socket = null;
  let closed = false;
  let attempt = 0;
  let retry_timer = null;
  let ping_timer = null;
  let heard_at = 0;

  function stop(detail) {
    closed = true;
    onStatus({ state: 'stopped', detail });
  }

  function send(frame) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    onSent(frame);
    return true;
  }

  async function connect(renew) {
    onStatus({ state: 'connecting', detail: '' });
    let token;
    try {
      token = await session.token({ renew });
    } catch (error) {
      if (error.status === 401) stop('Sign in again');
      else retry(1006, error.message);
      return;
    }
    if (closed) return;
    const current = new WebSocket(url, ['potentia.v1', `bearer.${token}`]);
    socket = current;
    let opened = false;
    current.onopen = () => (opened = true);
    current.onmessage = ({ data }) => {
      if (socket === current) receive(JSON.parse(data));
    };
    current.onclose = ({ code, reason }) => {
      if (socket === current) void lost(code, reason, opened);
    };
  }

  function receive(frame) {
    heard_at = Date.now();
    if (frame.type === 'hello') {
      attempt = 0;
      watch(frame.ping_interval_ms ?? 30_000);
      onStatus({ state: 'live', detail: '' });
    } else if (frame.type === 'auth.expiring') {
      session.token({ renew: true }).then(
        (token) => send({ type: 'auth', token }),
        () => null,
      );
    }
    onFrame(frame);
  }

  /** A network that is gone closes nothing: ask for a sign of life, and take silence for a close. */
  function watch(interval_ms) {
    clearInterval(ping_timer);
    ping_timer = setInterval(() => {
      if (Date.now() - heard_at > 2.5 * interval_ms) {
        const silent = socket;
        void lost(1006, 'Nothing was heard from the server', true);
        silent.close();
      } else {
        send({ type: 'ping' });
      }
    }, interval_ms);
  }

  async function lost(code, reason, opened) {
    clearInterval(ping_timer);
    socket = null;
    if (closed) return;
    const advice = adviceFor(code);
    if (advice === 'stop') return stop(stop_reasons[code] ?? reason);
    if (advice === 'renew' && attempt === 0) {
      attempt = 1;
      return connect(true);
    }
    const refusal = opened ? null : await probe();
    if (closed) return undefined;
    return refusal === null ? retry(code, reason) : stop(refusal);
  }

  function retry(code, reason) {
    const advice = adviceFor(code);
    const wait_ms = backoffMs(attempt, advice);
    attempt += 1;
    const why = [code, reason].filter(Boolean).join(' ');
    onStatus({ state: 'waiting', detail: `again in ${(wait_ms / 1000).toFixed(1)} s (${why})` });
    retry_timer = setTimeout(() => void connect(advice === 'renew'), wait_ms);
  }

  void connect(false);
  return {
    /** False when there is no open connection to send it on. */
    send,
    close() {
      closed = true;
      clearTimeout(retry_timer);
      clearInterval(ping_timer);
      socket?.close(1000);
      socket = null;
    },
  };
}
