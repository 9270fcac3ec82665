import { createLogger } from '@potentia/config/logger';
import { spawnSync } from 'node:child_process';
import { afterAll, expect, it } from 'vitest';
import { createMarkdown } from './markdown-processes.ts';

const markdown = createMarkdown(createLogger({ service: 'test', level: 'silent' }));
afterAll(() => markdown.close());

function killProcesses(): void {
  const { stdout } = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'markdown-processes-worker'], {
    encoding: 'utf8',
  });
  for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
}

it('says unavailable when a process dies with a document, and reads the next', async () => {
  await markdown.parse('warm', 'somebody');
  const lost = markdown.parse('[a](b'.repeat(60_000), 'somebody');
  const refused = expect(lost).rejects.toMatchObject({ kind: 'unavailable', code: 'canvas.markdown_unavailable' });
  killProcesses();
  await refused;
  expect(await markdown.parse('# next', 'somebody')).toEqual([
    { type: 'heading', content: { text: 'next', level: 1 }, children: [] },
  ]);
});
