/* global document */
import { button, h } from './dom.js';
import { requestJson } from './api.js';

const POLL_MS = 2_000;
const INBOX = new URL('/inbox', document.baseURI).href;

/** The mails that the sandbox has taken, in `root`; new ones come by themselves. */
export function showMails(root) {
  const list = h('ul', { className: 'mails', 'aria-label': 'Mails' });
  const view = h('div', { className: 'mail' });
  const clear = button('Delete all', async () => {
    await requestJson(INBOX, { method: 'DELETE' });
    view.replaceChildren();
    await draw();
  });
  root.append(h('div', { className: 'bar' }, clear), list, view);
  let drawn = null;

  async function draw() {
    const { items } = await requestJson(INBOX);
    const ids = items.map(({ id }) => id).join();
    if (ids === drawn) return;
    drawn = ids;
    const rows = items.map((mail) =>
      h(
        'li',
        {},
        button(mail.subject || '(no subject)', () => open(mail)),
        h('small', {}, `to ${mail.to.join(', ')}, ${new Date(mail.received_at).toLocaleTimeString()}`),
      ),
    );
    list.replaceChildren(...(rows.length > 0 ? rows : [h('li', {}, 'No mail yet.')]));
  }

  function open(mail) {
    const frame = h('iframe', {
      title: mail.subject,
      src: `/inbox/${mail.id}/html`,
      sandbox: 'allow-popups allow-popups-to-escape-sandbox',
    });
    const plain = h('details', {}, h('summary', {}, 'As text'), h('pre', {}, mail.text));
    const parts = mail.calendar
      ? [
          h(
            'details',
            {},
            h('summary', {}, `For calendars: ${mail.calendar.method}`),
            h('pre', {}, mail.calendar.content),
          ),
        ]
      : [];
    view.replaceChildren(h('h3', {}, mail.subject), frame, plain, ...parts);
  }

  const tick = () => {
    // The next look comes anyway.
    draw().catch(() => undefined);
  };
  tick();
  setInterval(tick, POLL_MS);
}
