import { button, h } from './dom.js';
import { drawBubble } from './whatsapp-bubbles.js';
import { drawFaults } from './whatsapp-faults.js';

const SHOWN = 50;
const TYPING_MS = 3_000;
const SAMPLES = [
  ['Picture', { kind: 'image', caption: 'A picture' }],
  ['Voice note', { kind: 'voice' }],
  ['Document', { kind: 'document' }],
  ['Place', { kind: 'location', latitude: -6.1754, longitude: 106.8272, name: 'Monas' }],
  ['Poll', { kind: 'poll', question: 'When?', options: ['Now', 'Later'] }],
];
const SETTINGS = [
  ['is_online', 'on'],
  ['auto_read', 'reads at once'],
  ['auto_delivery', 'confirms'],
  ['auto_retry', 'asks again'],
];

/**
 * A phone: its devices, its chats, one of them open. `ask` is a request to the sandbox, `others()` are the other phones. `update`
 * draws what has changed.
 */
export function createPhone({ phone, others, ask }) {
  const { number, name } = phone;
  const path = `/phones/${number}`;
  let open_chat = null;
  let answered = null;
  let groups = [];
  const drawn = new Map();

  const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
  async function tryTo(work) {
    notice.hidden = true;
    try {
      await work();
      await refresh();
    } catch (error) {
      notice.textContent = error.message;
      notice.hidden = false;
    }
  }
  /** Runs `draw` when what it shows is not what it showed last. */
  function onceChanged(part, shown, draw) {
    const text = JSON.stringify(shown);
    if (drawn.get(part) === text) return;
    drawn.set(part, text);
    draw();
  }
  const nameOf = (chat) =>
    groups.find(({ id }) => id === chat)?.subject ?? others().find((other) => other.number === chat)?.name ?? chat;
  const send = (content) =>
    tryTo(async () => {
      const quoted = answered ?? undefined;
      await ask('POST', `${path}/messages`, { to: open_chat, content, quoted });
      answer(null);
    });

  const devices = h('ul', { className: 'devices', 'aria-label': 'Linked devices' });
  const settings = h('div', { className: 'bar' });
  const chats = h('div', { className: 'bar chats', role: 'tablist' });
  const bubbles = h('ol', { className: 'bubbles', 'aria-label': 'Messages' });
  const writing = h('p', { className: 'hint writing' });
  const answering = h('p', { className: 'hint', hidden: true });
  function answer(id) {
    answered = id;
    answering.hidden = id === null;
    answering.replaceChildren(
      `Answers ${id ?? ''} `,
      button('no', () => answer(null)),
    );
  }

  const text = h('input', { placeholder: 'message', 'aria-label': 'Message', oninput: showTyping });
  let typed_at = 0;
  function showTyping() {
    if (!open_chat || Date.now() - typed_at < TYPING_MS) return;
    typed_at = Date.now();
    ask('POST', `${path}/typing`, { to: open_chat, state: 'composing' }).catch(() => undefined);
  }
  async function sendText(event) {
    event.preventDefault();
    const content = text.value;
    if (!content || !open_chat) return;
    text.value = '';
    typed_at = 0;
    await send(content);
  }
  const samples = SAMPLES.map(([label, content]) => button(label, () => send(content)));
  const compose = h(
    'div',
    { hidden: true },
    answering,
    h('form', { onsubmit: sendText }, text, h('button', { className: 'primary' }, 'Send')),
    h(
      'div',
      { className: 'bar' },
      samples,
      button('Mark read', () => tryTo(() => read())),
    ),
  );
  const read = () => ask('POST', `${path}/read`, { chat: open_chat });

  const code = h('input', { placeholder: 'pairing code', 'aria-label': 'Pairing code', size: 10 });
  const enterCode = button('Enter', () =>
    tryTo(async () => {
      await ask('POST', `${path}/pairing-code`, { code: code.value });
      code.value = '';
    }),
  );
  const whom = h('select', { 'aria-label': 'New chat', onchange: () => openChat(whom.value) });
  const group = button('Group of all', () =>
    tryTo(async () => {
      const members = others().map((other) => other.number);
      openChat((await ask('POST', `${path}/groups`, { subject: `${name}'s group`, members })).id);
    }),
  );

  const element = h(
    'section',
    { className: 'pane phone', 'aria-label': name, dataset: { number } },
    h('div', { className: 'bar who' }, h('h2', {}, name), h('small', {}, `+${number}`)),
    notice,
    settings,
    devices,
    h('div', { className: 'bar' }, code, enterCode),
    h('div', { className: 'bar' }, whom, group),
    chats,
    bubbles,
    writing,
    compose,
    drawFaults({ number, ask, tryTo }),
  );

  function openChat(chat) {
    if (!chat) return;
    open_chat = chat;
    whom.value = '';
    answer(null);
    compose.hidden = false;
    void tryTo(async () => undefined);
  }

  function drawSettings(current) {
    settings.replaceChildren(
      ...SETTINGS.map(([key, label]) => {
        const onchange = (event) =>
          tryTo(() => ask('PATCH', `${path}/settings`, { [key]: event.currentTarget.checked }));
        return h('label', {}, h('input', { type: 'checkbox', checked: current[key], onchange }), ` ${label}`);
      }),
    );
  }
  function drawDevices(items) {
    const rows = items.map(({ id, is_connected }) =>
      h(
        'li',
        {},
        h('span', { className: 'status', dataset: { state: is_connected ? 'live' : 'away' } }, `Device ${id}`),
        button('Unlink', () => tryTo(() => ask('DELETE', `${path}/devices/${id}`))),
      ),
    );
    devices.replaceChildren(...(rows.length > 0 ? rows : [h('li', { className: 'hint' }, 'No linked device')]));
  }
  function drawWhom(people) {
    const options = people.map((other) => h('option', { value: other.number }, other.name));
    whom.replaceChildren(h('option', { value: '' }, 'Write to …'), ...options);
  }
  function drawChats(items) {
    const shown = items.some(({ chat }) => chat === open_chat) || !open_chat ? items : [{ chat: open_chat }, ...items];
    chats.replaceChildren(
      ...shown.map(({ chat, messages = 0 }) =>
        button(`${nameOf(chat)} (${messages})`, () => openChat(chat), {
          role: 'tab',
          'aria-selected': chat === open_chat ? 'true' : 'false',
        }),
      ),
    );
    const typing = items.find(({ chat }) => chat === open_chat)?.typing ?? [];
    writing.textContent = typing.map(({ from, state }) => `${nameOf(from)} is ${state} …`).join(' ');
  }
  function drawMessages(items) {
    const url = (id) => `/whatsapp${path}/messages/${id}/media`;
    const actOn = ({ id }) => ({
      react: (emoji) => send({ kind: 'reaction', id, emoji }),
      vote: (option) => send({ kind: 'poll_vote', id, options: [option] }),
      answer: () => answer(id),
      remove: () => send({ kind: 'delete', id }),
    });
    bubbles.replaceChildren(...items.map((message) => drawBubble(message, { url, nameOf, act: actOn(message) })));
    bubbles.scrollTop = bubbles.scrollHeight;
  }

  async function refresh() {
    const [{ items }, mine] = await Promise.all([ask('GET', `${path}/chats`), ask('GET', `${path}/groups`)]);
    groups = mine.items;
    // The first chat there is opens by itself.
    if (!open_chat && items[0]) return openChat(items[0].chat);
    onceChanged('chats', [items, open_chat], () => drawChats(items));
    if (!open_chat) return undefined;
    const chat = open_chat;
    const shown = (await ask('GET', `${path}/messages?chat=${encodeURIComponent(chat)}&limit=${SHOWN}`)).items;
    if (chat === open_chat) onceChanged('messages', [chat, shown], () => drawMessages(shown));
    return undefined;
  }

  return {
    element,
    async update(now) {
      onceChanged('devices', now.devices, () => drawDevices(now.devices));
      onceChanged('settings', now.settings, () => drawSettings(now.settings));
      const people = others().map((other) => ({ number: other.number, name: other.name }));
      onceChanged('whom', people, () => drawWhom(people));
      await refresh();
    },
  };
}
