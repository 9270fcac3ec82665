import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const pagesIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const pages = ['README.md', 'CONTRIBUTING.md', ...['docs', 'docs/guide', 'docs/decisions'].flatMap(pagesIn)];

/** Where the links of a page lead inside the repository; what stands in code is none. */
const linksOf = (page: string): string[] =>
  [
    ...readFileSync(join(root, page), 'utf8')
      .replaceAll(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s#]+)[^)]*\)/g),
  ]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => relative(root, resolve(root, dirname(page), link)));

test('every link leads to something', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page).flatMap((link) => (existsSync(join(root, link)) ? [] : [`${page}: ${link}`])),
  );
  expect(broken).toEqual([]);
});

test('every guide is reached from the README', () => {
  const linked = linksOf('README.md');
  expect(pagesIn('docs/guide').filter((page) => !linked.includes(page))).toEqual([]);
});
