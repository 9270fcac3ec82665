import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const app = mkdtempSync(join(tmpdir(), 'potentia-bundle-'));
afterAll(() => rmSync(app, { recursive: true }));

const sources = {
  'package.json': '{ "type": "module" }',
  'src/main.ts': `import { run } from './deep/thing.ts'; run();`,
  'src/deep/thing.ts': `
    import { fork } from 'node:child_process';
    import { extname } from 'node:path';
    export const run = (): unknown =>
      fork(new URL(\`./thing-worker\${extname(import.meta.url)}\`, import.meta.url)).on('message', (word) => console.log(word));`,
  'src/deep/thing-worker.ts': `import { word } from './word.ts'; process.send?.(word);`,
  'src/deep/word.ts': `export const word: string = 'from the worker';`,
};

test('a worker beside a file runs from the sources and from the bundle', () => {
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    writeFileSync(join(app, path), text);
  }
  const node = (...args: string[]): string => spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8' }).stdout;
  expect(node('src/main.ts')).toBe('from the worker\n');
  node(join(import.meta.dirname, 'bundle.ts'));
  rmSync(join(app, 'src'), { recursive: true });
  expect(node('dist/main.js')).toBe('from the worker\n');
});
