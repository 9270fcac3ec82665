/* global document */
import { requestJson } from './api.js';
import { button, h } from './dom.js';

const POLL_MS = 2_000;
const SHOWN = 30;
const REQUESTS = new URL('/gemini/requests', document.baseURI).href;
const HEADINGS = ['Time', 'Call', 'Model', 'What the person said', 'Script', 'Answer'];

/** What the stand-in for the language model was asked, in `root`, the newest first; new ones come by themselves. */
export function showModelCalls(root) {
  const head = h('thead', {}, h('tr', {}, ...HEADINGS.map((text) => h('th', { scope: 'col' }, text))));
  const body = h('tbody');
  const view = h('div', { className: 'mail' });
  const clear = button('Forget all', async () => {
    await requestJson(REQUESTS, { method: 'DELETE' });
    view.replaceChildren();
    await draw();
  });
  root.append(
    h('div', { className: 'bar' }, clear),
    h('div', { className: 'scroll' }, h('table', { 'aria-label': 'Model calls' }, head, body)),
    view,
  );
  let drawn = null;

  async function draw() {
    const { items } = await requestJson(`${REQUESTS}?limit=${SHOWN}`);
    const state = items.map(({ id, outcome }) => `${id}${outcome}`).join();
    if (state === drawn) return;
    drawn = state;
    const nothing = h('tr', {}, h('td', { colSpan: HEADINGS.length }, 'Nobody has asked the model of the sandbox.'));
    body.replaceChildren(...(items.length > 0 ? items.toReversed().map(row) : [nothing]));
  }

  function row(item) {
    const { at, call, model, message, behaviours, status, outcome } = item;
    const open = button(message.slice(0, 80) || '(nothing)', () => show(item));
    const cells = [new Date(at).toLocaleTimeString(), call, model, open, behaviours.join(', '), `${status} ${outcome}`];
    return h('tr', {}, ...cells.map((cell) => h('td', {}, cell)));
  }

  function show({ method, model, body: sent }) {
    const text = sent === null ? 'Too large to keep.' : JSON.stringify(sent, null, 2);
    view.replaceChildren(h('h3', {}, `${model}:${method}`), h('pre', {}, text));
  }

  const tick = () => {
    // The next look comes anyway.
    draw().catch(() => undefined);
  };
  tick();
  setInterval(tick, POLL_MS);
}
