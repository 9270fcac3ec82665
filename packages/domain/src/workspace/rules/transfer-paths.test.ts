import { expect, it } from 'vitest';
import { attachmentPath, canvasPath, linkTo, resolveLink } from './transfer-paths.ts';

const id = '0197a1b2-0000-7000-8000-0123456789ab';

it.each([
  ['Plan für 2026', 'canvases/Plan-für-2026-0123456789ab.md'],
  ['../../etc/passwd', 'canvases/etc-passwd-0123456789ab.md'],
  ['', 'canvases/0123456789ab.md'],
  ['a'.repeat(500), `canvases/${'a'.repeat(60)}-0123456789ab.md`],
  ['📎 CON: *?"<>|', 'canvases/CON-0123456789ab.md'],
])('a canvas called %j has a file that every system can hold', (title, path) => {
  expect(canvasPath({ id, title })).toBe(path);
});

it('a link to a file leads back to it, whatever its name', () => {
  for (const name of ['a b.png', '100%.pdf', '.hidden', 'ü', '..']) {
    const path = attachmentPath({ id, name });
    expect(resolveLink(canvasPath({ id, title: 't' }), linkTo(path)), name).toBe(path);
  }
});

it.each(['../../x', 'https://example.com/x', '/etc/passwd', 'attachment:x', 'javascript:x', '#x', '%ff'])(
  'a link to %s leads nowhere in the zip',
  (link) => expect(resolveLink('canvases/a.md', link)).toBeUndefined(),
);
