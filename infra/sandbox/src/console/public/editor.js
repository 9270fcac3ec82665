/* global document */
import { h } from './dom.js';
import { drawChip } from './presence.js';

/** What the start of a line turns it into, as in Markdown. */
const shortcuts = [
  { pattern: /^(#{1,6}) /, to: ([, marks]) => ['heading', { level: marks.length }] },
  { pattern: /^[-*] \[( |x)\] /i, to: ([, mark]) => ['todo', { checked: mark !== ' ' }] },
  { pattern: /^\[( |x)?\] /i, to: ([, mark]) => ['todo', { checked: mark === 'x' || mark === 'X' }] },
  { pattern: /^[-*] /, to: () => ['list', { style: 'bullet' }] },
  { pattern: /^1\. /, to: () => ['list', { style: 'ordered' }] },
  { pattern: /^> /, to: () => ['quote', {}] },
  { pattern: /^```/, to: () => ['code', {}] },
];

/** Types whose next line is of the same kind. */
const continued = { list: ({ style }) => ({ style }), todo: () => ({ checked: false }) };

const grows_by_itself = globalThis.CSS?.supports('field-sizing', 'content') ?? false;

const isText = ({ content }) => typeof content.text === 'string';

/** Where the caret goes when `before` becomes `after` under it: it stays with the text that it stood in. */
export function shiftCaret(caret, before, after) {
  let prefix = 0;
  while (prefix < before.length && before[prefix] === after[prefix]) prefix += 1;
  if (caret <= prefix) return caret;
  let suffix = 0;
  const most = Math.min(before.length, after.length) - prefix;
  while (suffix < most && before.at(-1 - suffix) === after.at(-1 - suffix)) suffix += 1;
  return Math.max(prefix, caret + after.length - before.length);
}

/** What is shown of a block that is not typed into. */
function preview({ type, content }) {
  if (type === 'divider') return h('hr');
  if (type === 'table' && Array.isArray(content.rows)) {
    const [head, ...rows] = content.rows;
    const cells = (row, tag) =>
      h(
        'tr',
        {},
        row.map((cell) => h(tag, {}, cell)),
      );
    return h(
      'table',
      {},
      h('thead', {}, cells(head ?? [], 'th')),
      h(
        'tbody',
        {},
        rows.map((row) => cells(row, 'td')),
      ),
    );
  }
  const target = content.url ?? content.html;
  return h(
    'code',
    { className: 'opaque' },
    `${type}: ${typeof target === 'string' ? target : JSON.stringify(content)}`,
  );
}

/**
 * The lines of a canvas, each typed into where it stands. Draws into `root`; `canvas` is read, `outbox` gets what the
 * person does, `onCursor(block_id)` where they are.
 */
export function createEditor({ root, canvas, outbox, onCursor }) {
  const rows = new Map();
  /** Text that was not taken, by line. */
  const refused = new Map();
  let can_write = false;
  let others = [];

  function makeRow(block) {
    const row = { id: block.id };
    row.marker = h('span', { className: 'marker' });
    row.here = h('span', { className: 'here', 'aria-hidden': 'true' });
    row.body = h('div', { className: 'body' });
    row.note = h('div', { className: 'note' });
    row.element = h('li', { dataset: { blockId: block.id } }, row.marker, row.body, row.here, row.note);
    return row;
  }

  function makeField(row) {
    const field = h('textarea', { rows: 1, spellcheck: false });
    field.addEventListener('input', () => onInput(row));
    field.addEventListener('keydown', (event) => onKey(event, row));
    field.addEventListener('focus', () => onCursor(row.id));
    return field;
  }

  function setText(field, text) {
    if (field.value === text) return;
    const { value, selectionStart, selectionEnd } = field;
    field.value = text;
    if (document.activeElement === field) {
      field.setSelectionRange(shiftCaret(selectionStart, value, text), shiftCaret(selectionEnd, value, text));
    }
  }

  function grow(field) {
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  }

  /** Draws one line if anything about it has changed: a canvas may have thousands. */
  function drawRow(row, { block, depth, number }) {
    const here = others.filter(({ cursor }) => cursor?.block_id === block.id);
    const unsent = canvas.drafts.has(block.id) || canvas.pending.has(block.id);
    const look = [depth, number, can_write, unsent, ...here.map(({ name, color }) => name + color)].join();
    drawNote(row);
    if (row.block === block && row.look === look) return;
    Object.assign(row, { block, look });

    const { element } = row;
    element.dataset.type = block.type;
    element.dataset.level = block.content.level ?? '';
    element.classList.toggle('done', block.content.checked === true);
    element.classList.toggle('unsent', unsent);
    element.style.setProperty('--depth', depth);
    drawMarker(row, block, number);
    row.here.replaceChildren(...here.map(drawChip));
    if (isText(block)) drawField(row, block);
    else {
      row.field = null;
      row.body.replaceChildren(preview(block));
    }
  }

  function drawField(row, block) {
    if (!row.field) {
      row.field = makeField(row);
      row.body.replaceChildren(row.field);
    }
    row.field.readOnly = !can_write;
    row.field.setAttribute('aria-label', block.type === 'heading' ? `heading ${block.content.level}` : block.type);
    setText(row.field, block.content.text);
    if (!grows_by_itself) grow(row.field);
  }

  function drawMarker(row, { type, content }, number) {
    const kind = type === 'todo' ? 'todo' : number > 0 ? `${number}.` : type === 'list' ? '•' : '';
    if (row.marker.dataset.kind !== kind) {
      row.marker.dataset.kind = kind;
      row.marker.replaceChildren(kind === 'todo' ? makeCheckbox(row) : kind);
    }
    const box = row.marker.querySelector('input');
    if (box) Object.assign(box, { checked: content.checked === true, disabled: !can_write });
  }

  function makeCheckbox(row) {
    const onchange = ({ target }) => {
      const { content } = canvas.find(row.id);
      outbox.edit(row.id, { content: { ...content, checked: target.checked } });
    };
    return h('input', { type: 'checkbox', 'aria-label': 'done', onchange });
  }

  function drawNote(row) {
    const note = refused.get(row.id);
    if (row.shown_note === note) return;
    row.shown_note = note;
    row.note.replaceChildren();
    if (!note) return;
    const settle = (keep) => {
      refused.delete(row.id);
      if (keep) outbox.type(row.id, note.text);
      draw();
      row.field?.focus();
    };
    row.note.append(
      h('span', {}, note.message, ' Yours: ', h('q', {}, note.text)),
      h('button', { type: 'button', onclick: () => settle(true) }, 'Use mine'),
      h('button', { type: 'button', onclick: () => settle(false) }, 'Keep theirs'),
    );
  }

  function onInput(row) {
    const block = canvas.find(row.id);
    const text = row.field.value;
    const shortcut = block.type === 'text' && shortcuts.find(({ pattern }) => pattern.test(text));
    if (!shortcut) {
      outbox.type(row.id, text);
    } else {
      const match = shortcut.pattern.exec(text);
      const [type, content] = shortcut.to(match);
      outbox.edit(row.id, { type, content: { ...content, text: text.slice(match[0].length) } });
    }
    draw();
  }

  function onKey(event, row) {
    const block = canvas.find(row.id);
    if (!block || event.isComposing || !can_write) return;
    const { field } = row;
    const { key } = event;
    const caret = field.selectionStart;
    const collapsed = caret === field.selectionEnd;
    let done = true;
    if (key === 'Enter' && (block.type !== 'code' || event.ctrlKey || event.metaKey) && !event.shiftKey)
      enter(row, block);
    else if (key === 'Backspace' && field.value === '') backspace(row, block);
    else if (event.altKey && (key === 'ArrowUp' || key === 'ArrowDown')) shift(block, key === 'ArrowUp' ? -1 : 1);
    else if (key === 'ArrowUp' && collapsed && caret === 0) focusBeside(row, -1);
    else if (key === 'ArrowDown' && collapsed && caret === field.value.length) focusBeside(row, 1);
    else done = false;
    if (done) event.preventDefault();
  }

  function enter(row, block) {
    const { value, selectionStart, selectionEnd } = row.field;
    const continues = continued[block.type];
    if (continues && value === '') {
      outbox.edit(row.id, { type: 'text', content: { text: '' } });
      return;
    }
    const rest = value.slice(selectionEnd);
    if (selectionStart < value.length) {
      outbox.edit(row.id, { content: { ...block.content, text: value.slice(0, selectionStart) } });
    }
    const type = continues ? block.type : 'text';
    const content = { ...continues?.(block.content), text: rest };
    const id = outbox.create({ parent_id: block.parent_id, after_id: row.id, type, content });
    draw();
    focus(id, 0);
  }

  function backspace(row, block) {
    if (block.type !== 'text') {
      outbox.edit(row.id, { type: 'text', content: { text: '' } });
      return;
    }
    focusBeside(row, -1);
    outbox.remove(row.id);
    draw();
  }

  /** Moves a line past its sibling above (-1) or below (1). */
  function shift(block, by) {
    const siblings = canvas
      .lines()
      .map((line) => line.block)
      .filter(({ parent_id }) => parent_id === block.parent_id);
    const at = siblings.findIndex(({ id }) => id === block.id);
    const target = by < 0 ? at - 2 : at + 1;
    if ((by < 0 && at === 0) || (by > 0 && at === siblings.length - 1)) return;
    outbox.move(block.id, block.parent_id, siblings[target]?.id ?? null);
  }

  function focusBeside(row, by) {
    const ids = canvas.lines().map(({ block }) => block.id);
    for (let at = ids.indexOf(row.id) + by; ids[at]; at += by) {
      const field = rows.get(ids[at])?.field;
      if (!field) continue;
      const end = by < 0 ? field.value.length : 0;
      field.focus();
      field.setSelectionRange(end, end);
      return;
    }
  }

  function focus(id, caret) {
    const field = rows.get(id)?.field;
    field?.focus();
    field?.setSelectionRange(caret, caret);
  }

  /** Makes the page show the canvas as it is now. Elements are kept, and moved only when they must, so that focus stays. */
  function draw() {
    const lines = canvas.lines();
    const ids = new Set(lines.map(({ block }) => block.id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    let next = root.firstElementChild;
    for (const line of lines) {
      let row = rows.get(line.block.id);
      if (!row) rows.set(line.block.id, (row = makeRow(line.block)));
      if (row.element === next) next = next.nextElementSibling;
      else root.insertBefore(row.element, next);
      drawRow(row, line);
    }
  }

  return {
    draw,
    setCanWrite(value) {
      can_write = value;
      draw();
    },
    /** Who else is here: `{ name, color, cursor }`. */
    setOthers(list) {
      others = list;
      draw();
    },
    refuse(note) {
      refused.set(note.block_id, note);
      draw();
    },
    /** A new line at the end, ready to be typed in. */
    append() {
      const last = canvas.lines().findLast(({ depth }) => depth === 0)?.block.id ?? null;
      const id = outbox.create({ parent_id: null, after_id: last, type: 'text', content: { text: '' } });
      draw();
      focus(id, 0);
    },
  };
}
