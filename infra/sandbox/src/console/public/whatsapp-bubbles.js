import { button, h } from './dom.js';

const TICKS = { server: '✓', delivered: '✓✓', read: '✓✓' };
const REACTIONS = ['👍', '❤️'];

function drawMedia({ kind, media, id, text }, url) {
  const href = url(id);
  if (kind === 'image' || kind === 'sticker') return h('img', { src: href, alt: text || 'Picture' });
  if (kind === 'audio' || kind === 'voice') return h('audio', { src: href, controls: true });
  if (kind === 'video') return h('video', { src: href, controls: true });
  return h('a', { href, download: media.file_name ?? '' }, `📄 ${media.file_name ?? kind}, ${media.size} bytes`);
}

function drawDetails({ kind, details }) {
  if (kind === 'location' || kind === 'live_location')
    return h('p', {}, `📍 ${details.latitude}, ${details.longitude}`);
  return details?.contacts ? h('p', {}, details.contacts.map(({ name }) => `👤 ${name}`).join(', ')) : null;
}

function drawPoll({ details, votes }, vote) {
  const options = details.options.map((option) => {
    const count = votes.filter((one) => one.options.includes(option)).length;
    return h(
      'li',
      {},
      button(`${option} (${count})`, () => vote(option)),
    );
  });
  return h('ul', { className: 'poll' }, options);
}

/**
 * One message as a bubble. `url(id)` is where its file is, `nameOf(number)` who somebody is, `act` does something with it:
 * `act.react(emoji)`, `act.vote(option)`, `act.answer()`, `act.remove()`.
 */
export function drawBubble(message, { url, nameOf, act }) {
  const { is_from_me, status, deleted, edited, reactions, kind, at, from, quoted, stanzas } = message;
  const facts = [
    is_from_me ? (status ? null : 'linked device') : nameOf(from),
    new Date(at).toLocaleTimeString(),
    edited ? 'edited' : null,
    stanzas > 1 ? `came ${stanzas} times` : null,
  ];
  const ticks = status && h('span', { className: 'ticks', title: status, dataset: { status } }, TICKS[status]);
  const body = deleted
    ? [h('p', { className: 'hint' }, 'Deleted')]
    : [
        quoted && h('p', { className: 'hint' }, `answers ${quoted.slice(0, 10)}…`),
        message.media && drawMedia(message, url),
        kind === 'unknown' ? h('p', { className: 'hint' }, 'Of a kind that this phone does not show') : null,
        message.text ? h('p', { className: 'text' }, message.text) : null,
        drawDetails(message),
        kind === 'poll' ? drawPoll(message, act.vote) : null,
      ];
  const felt = reactions.map(({ emoji }) => emoji).join('');
  const actions = [
    ...REACTIONS.map((emoji) => button(emoji, () => act.react(emoji), { title: 'React' })),
    button('↩', act.answer, { title: 'Answer' }),
    is_from_me ? button('✕', act.remove, { title: 'Delete for everybody' }) : null,
  ];
  return h(
    'li',
    { className: is_from_me ? 'mine' : 'theirs', dataset: { messageId: message.id } },
    ...body,
    h('small', {}, facts.filter(Boolean).join(' · '), ' ', ticks || ''),
    felt ? h('span', { className: 'felt' }, felt) : null,
    deleted ? null : h('span', { className: 'acts' }, actions),
  );
}
