/* global document, Blob, requestAnimationFrame */
import { createCanvas } from './canvas.js';
import { button, h } from './dom.js';
import { createEditor } from './editor.js';
import { createOutbox } from './outbox.js';
import { createPresence, drawChip } from './presence.js';
import { openSocket } from './socket.js';

/** How long an event may be missing before the whole canvas is asked for. */
const GAP_MS = 1_000;

/**
 * One open canvas: its socket, its lines, who is on it. `onFrame(direction, frame)` gets every frame for the log,
 * `onNotice(text)` what the person should know, `otherUser()` is whom *Share* shares with. Returns `{ element, close }`.
 */
export function openCanvasView({ config, session, api, canvas_id, otherUser, onFrame, onNotice, onRenamed }) {
  const canvas = createCanvas();
  const counts = { ack: 0, conflict: 0 };
  let gap_timer = null;
  let drawing = null;

  const status = h('span', { className: 'status', role: 'status' });
  const numbers = h('span', { className: 'numbers' });
  const people = h('span', { className: 'people', 'aria-label': 'Also here' });
  const title = h('input', {
    className: 'title',
    'aria-label': 'Canvas title',
    placeholder: 'Untitled',
    maxLength: 200,
  });
  const lines = h('ol', { className: 'lines', 'aria-label': 'Blocks' });

  const send = (frame) => socket.send(frame);
  const outbox = createOutbox({
    canvas,
    send: (frame) => canvas.epoch !== null && send(frame),
    onChange: draw,
    onRefused: ({ block_id, text, message }) => {
      if (canvas.find(block_id)) editor.refuse({ block_id, text, message });
      else onNotice(`${message} Your text: ${text}`);
    },
    onLost: () => send({ type: 'snapshot' }),
  });
  const presence = createPresence({ name: session.user.name, send, onChange: drawPeople });
  const editor = createEditor({ root: lines, canvas, outbox, onCursor: presence.moveTo });
  const add_line = button('+ Line', () => editor.append());

  /** Many frames may come between two pictures. */
  function draw() {
    drawing ??= requestAnimationFrame(drawNow);
  }

  function drawNow() {
    drawing = null;
    editor.draw();
    numbers.textContent = `seq ${canvas.seq} · acks ${counts.ack} · conflicts ${counts.conflict}`;
    if (document.activeElement !== title) title.value = canvas.meta?.title ?? '';
  }

  function drawPeople() {
    const others = presence.others();
    people.replaceChildren(...others.map(drawChip));
    editor.setOthers(others);
  }

  function setAccess({ role, can_write }) {
    canvas_role.textContent = role;
    add_line.disabled = !can_write;
    title.readOnly = !can_write;
    editor.setCanWrite(can_write);
  }

  function takeChange(frame) {
    const outcome = canvas.applyChange(frame);
    clearTimeout(gap_timer);
    if (outcome === 'stale') send({ type: 'snapshot' });
    if (outcome === 'gap') gap_timer = setTimeout(() => send({ type: 'snapshot' }), GAP_MS);
  }

  const handlers = {
    hello(frame) {
      presence.onHello(frame);
      setAccess(frame);
    },
    snapshot(frame) {
      clearTimeout(gap_timer);
      canvas.applySnapshot(frame);
      presence.onSnapshot(frame);
      outbox.resume();
      draw();
    },
    resync: () => send({ type: 'snapshot' }),
    event(frame) {
      takeChange(frame);
      if (frame.event !== 'blocks.mutated') onRenamed();
      draw();
    },
    ack(frame) {
      counts.ack += 1;
      takeChange(frame);
      outbox.onAck(frame);
    },
    conflict(frame) {
      counts.conflict += 1;
      outbox.onConflict(frame);
    },
    error(frame) {
      if (!outbox.onError(frame) || !frame.retry_after_ms) onNotice(frame.message);
    },
    access: setAccess,
    presence: presence.onPresence,
    'presence.left': presence.onLeft,
  };

  const socket = openSocket({
    url: `${config.realtime_url}/ws/canvas/${canvas_id}`,
    session,
    async probe() {
      const refusal = await api.getCanvas(canvas_id).then(
        () => null,
        (error) => error,
      );
      return refusal && refusal.status >= 400 && refusal.status < 500 && refusal.status !== 429
        ? refusal.message
        : null;
    },
    onFrame(frame) {
      onFrame('in', frame);
      handlers[frame.type]?.(frame);
    },
    onSent: (frame) => onFrame('out', frame),
    onStatus({ state, detail }) {
      status.dataset.state = state;
      status.textContent = detail ? `${state}: ${detail}` : state;
      if (state !== 'live') presence.clear();
      if (state === 'stopped') editor.setCanWrite(false);
    },
  });

  const canvas_role = h('span', { className: 'role' });
  title.addEventListener('change', () => {
    api.renameCanvas(canvas_id, title.value).catch((error) => onNotice(error.message));
  });

  async function tryTo(work) {
    try {
      await work();
    } catch (error) {
      onNotice(error.message);
    }
  }

  const share = button('Share', () =>
    tryTo(async () => {
      const { id, name } = otherUser();
      await api.share(canvas_id, id, 'editor');
      onNotice(`Shared with ${name}.`);
    }),
  );

  const link = button('Public link', () =>
    tryTo(async () => {
      const { token } = await api.shareLink(canvas_id);
      openLink(new URL(`/shared#token=${token}`, document.baseURI).href);
    }),
  );

  const element = h(
    'div',
    { className: 'canvas' },
    h('div', { className: 'bar' }, title, canvas_role),
    h('div', { className: 'bar' }, status, numbers, people),
    h(
      'div',
      { className: 'bar', role: 'toolbar', 'aria-label': 'Canvas' },
      add_line,
      share,
      link,
      button('Import Markdown', () => openImport({ api, canvas_id, tryTo })),
      button('Export Markdown', () =>
        tryTo(async () => openExport(await api.exportMarkdown(canvas_id), canvas.meta?.title)),
      ),
    ),
    lines,
    h(
      'p',
      { className: 'hint' },
      'Enter: new line. Backspace on an empty one: delete. Alt+↑↓: move. “# ”, “- ”, “[] ”, “1. ”, “> ”, “```” turn a line.',
    ),
  );
  draw();
  return {
    element,
    close() {
      clearTimeout(gap_timer);
      send({ type: 'leave' });
      socket.close();
    },
  };
}

function openDialog(heading, ...content) {
  const dialog = h('dialog', { 'aria-label': heading }, h('h3', {}, heading), ...content);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function openLink(href) {
  const dialog = openDialog(
    'Public link',
    h('p', {}, h('a', { href, target: '_blank', rel: 'noreferrer' }, href)),
    h('p', {}, 'Anybody who has it reads this canvas. It is shown this once.'),
    h(
      'p',
      {},
      button('Close', () => dialog.close()),
    ),
  );
}

function openImport({ api, canvas_id, tryTo }) {
  const text = h('textarea', { 'aria-label': 'Markdown', rows: 14, placeholder: '# A heading\n\n- a list' });
  const file = h('input', {
    type: 'file',
    accept: '.md,.markdown,text/markdown,text/plain',
    'aria-label': 'Markdown file',
    onchange: async () => {
      const [chosen] = file.files;
      if (chosen) text.value = await chosen.text();
    },
  });
  const run = button('Import', async () => {
    await tryTo(() => api.importMarkdown(canvas_id, text.value));
    dialog.close();
  });
  const dialog = openDialog(
    'Import Markdown',
    file,
    text,
    h(
      'p',
      {},
      run,
      button('Cancel', () => dialog.close()),
    ),
  );
}

function openExport(markdown, title) {
  const text = h('textarea', { 'aria-label': 'Markdown', rows: 18, readOnly: true, value: markdown });
  const href = URL.createObjectURL(new Blob([markdown], { type: 'text/markdown' }));
  const link = h('a', { href, download: `${title || 'canvas'}.md`, className: 'button' }, 'Download');
  const dialog = openDialog(
    'Export Markdown',
    text,
    h(
      'p',
      {},
      link,
      button('Close', () => dialog.close()),
    ),
  );
  dialog.addEventListener('close', () => URL.revokeObjectURL(href));
}
