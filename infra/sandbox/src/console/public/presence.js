import { h } from './dom.js';

const COLORS = ['#b5179e', '#0a7d5a', '#c2410c', '#1d4ed8', '#7c3aed', '#a16207', '#be123c', '#0e7490'];
const PAUSE_MS = 150;

/** A color of a person's own, the same in every window. */
function colorOf(user_id) {
  let sum = 0;
  for (const character of user_id) sum = (sum * 31 + character.codePointAt(0)) % 65_521;
  return COLORS[sum % COLORS.length];
}

/** A person's name in their color. */
export const drawChip = ({ name, color }) => h('span', { className: 'chip', style: `--who: ${color}` }, name);

/** Who else is on the canvas, by session, and the sending of our own place, at most once per pause. */
export function createPresence({ name, send, onChange }) {
  const sessions = new Map();
  let own_session_id = null;
  let cursor = null;
  let timer = null;

  const put = ({ session_id, user_id, name: their_name, cursor: their_cursor }) => {
    if (session_id === own_session_id) return;
    const color = colorOf(user_id);
    sessions.set(session_id, { user_id, name: their_name || 'Somebody', cursor: their_cursor ?? null, color });
  };

  function tell() {
    timer = null;
    send({ type: 'presence', cursor, name });
  }

  return {
    onHello({ session_id }) {
      own_session_id = session_id;
    },
    onSnapshot({ presence = [] }) {
      sessions.clear();
      for (const entry of presence) put(entry);
      tell();
      onChange();
    },
    onPresence(frame) {
      put(frame);
      onChange();
    },
    onLeft({ session_id }) {
      sessions.delete(session_id);
      onChange();
    },
    clear() {
      sessions.clear();
      onChange();
    },
    moveTo(block_id) {
      cursor = { block_id };
      timer ??= setTimeout(tell, PAUSE_MS);
    },
    others: () => [...sessions.values()],
  };
}
