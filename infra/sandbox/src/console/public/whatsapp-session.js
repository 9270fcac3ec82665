import { button, h } from './dom.js';

const MESSAGES = 10;

/**
 * One WhatsApp session of a signed-in person: how it is, its QR code while it shows one, and what can be asked of it. `phones()`
 * are those of the sandbox, `ask` is a request to them, `api` to the public API. `update(card)` draws what has changed.
 */
export function createSession({ card: first, api, phones, ask }) {
  let card = first;
  let serial = null;
  const path = `/whatsapp/sessions/${card.id}`;
  const notice = h('p', { className: 'notice', role: 'alert', hidden: true });
  async function tryTo(work) {
    notice.hidden = true;
    try {
      await work();
    } catch (error) {
      notice.textContent = error.message;
      notice.hidden = false;
    }
  }
  const command = (verb, json = {}) => tryTo(() => api.request('POST', `${path}/${verb}`, { json }));

  const title = h('h3', {});
  const status = h('span', { className: 'status' });
  const qr = h('img', { className: 'qr', alt: 'QR code to link a phone', hidden: true });
  const code = h('output', { className: 'code' });
  const phone = h('select', { 'aria-label': 'Phone' });

  /** The text of the code that is shown now goes to the phone, as its camera would read it. */
  const scan = button(
    'Scan with this phone',
    () =>
      tryTo(async () => {
        const shown = await api.request('GET', `${path}/qr`);
        await ask('POST', `/phones/${phone.value}/scan`, { qr: shown.qr });
      }),
    { className: 'primary' },
  );
  const pair = button('Pairing code for this phone', () =>
    tryTo(async () => {
      const answer = await api.request('POST', `${path}/pairing-code`, { json: { phone: phone.value } });
      code.textContent = `${answer.code}: type it in on ${phone.selectedOptions[0].textContent}`;
    }),
  );
  const link = h('div', { className: 'bar', hidden: true }, phone, scan, pair, code);

  const text = h('input', { placeholder: 'message', 'aria-label': 'Message of the session' });
  const to = h('select', { 'aria-label': 'To' });
  async function send(event) {
    event.preventDefault();
    await tryTo(async () => {
      const json = { to: { phone: to.value }, content: { type: 'text', text: text.value } };
      await api.request('POST', `${path}/messages`, { json });
      text.value = '';
    });
  }
  const compose = h('form', { onsubmit: send, hidden: true }, to, text, h('button', {}, 'Send by the API'));
  const log = h('ol', { className: 'log' });
  const messages = h('details', {}, h('summary', {}, 'Messages at the API'), log);

  const element = h(
    'li',
    { dataset: { sessionId: card.id } },
    h(
      'div',
      { className: 'bar' },
      title,
      status,
      button('Connect', () => command('connect')),
      button('Disconnect', () => command('disconnect')),
      button('Log out', () => command('logout')),
      button('Delete', () => tryTo(() => api.request('DELETE', path))),
    ),
    notice,
    qr,
    link,
    compose,
    messages,
  );

  async function drawQr() {
    const is_shown = card.status === 'pairing' && card.qr !== null;
    qr.hidden = !is_shown;
    link.hidden = card.status !== 'pairing';
    if (!is_shown) {
      serial = null;
      code.textContent = card.status === 'pairing' ? code.textContent : '';
      return;
    }
    if (card.qr.serial === serial) return;
    serial = card.qr.serial;
    const svg = await api.request('GET', `${path}/qr`, { accept: 'image/svg+xml' });
    qr.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }

  async function drawMessages() {
    if (!messages.open) return;
    const { items } = await api.request('GET', `${path}/messages?limit=${MESSAGES}`);
    const rows = items.map(({ direction, type, content, status, deleted_at, chat }) => {
      const how = deleted_at ? 'deleted' : status;
      const who = chat.contact?.name ?? chat.contact?.phone ?? chat.subject ?? '';
      return h(
        'li',
        { className: direction },
        `${direction === 'in' ? '←' : '→'} ${who}: ${content.text ?? type} (${how})`,
      );
    });
    log.replaceChildren(...(rows.length > 0 ? rows : [h('li', {}, 'None yet')]));
  }

  function drawPhones() {
    drawOptions(phone, phones());
    // Nobody writes to themselves.
    drawOptions(
      to,
      phones().filter(({ number }) => number !== card.phone),
    );
  }

  return {
    element,
    drawPhones,
    async update(now) {
      card = now;
      title.textContent = card.name;
      const reason = card.status_reason ? ` (${card.status_reason})` : '';
      status.textContent = `${card.status}${reason}${card.phone ? `, +${card.phone}` : ''}`;
      status.dataset.state = card.status === 'connected' ? 'live' : card.status;
      compose.hidden = card.status !== 'connected';
      drawPhones();
      await tryQuietly(drawQr);
      await tryQuietly(drawMessages);
    },
  };
}

function drawOptions(select, phones) {
  const { value, options } = select;
  if ([...options].map((option) => option.value).join() === phones.map(({ number }) => number).join()) return;
  select.replaceChildren(...phones.map(({ number, name }) => h('option', { value: number }, name)));
  if (phones.some(({ number }) => number === value)) select.value = value;
}

/** What can be asked again at the next look. */
async function tryQuietly(work) {
  await work().catch(() => undefined);
}
