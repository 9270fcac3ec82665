import { resolve } from 'node:path';
import { ESLint, type Linter } from 'eslint';
import { expect, test } from 'vitest';

// The texts below are not files of any tsconfig: only the rules that need no types run here.
const untyped: Linter.Config = { languageOptions: { parserOptions: { project: null } } };
const eslint = new ESLint({ cwd: resolve(import.meta.dirname, '../../..'), overrideConfig: [untyped] });

/** The messages of our own rules for a text as if it stood in `filePath`. */
async function lint(filePath: string, text: string): Promise<string[]> {
  const ours = ['no-restricted-syntax', 'no-restricted-exports', 'no-console'];
  const config = (await eslint.calculateConfigForFile(filePath)) as Linter.Config;
  const rules = Object.keys(config.rules ?? {}).filter((rule) => !ours.includes(rule));
  const only_ours = new ESLint({
    cwd: resolve(import.meta.dirname, '../../..'),
    overrideConfig: [untyped, { rules: Object.fromEntries(rules.map((rule) => [rule, 'off' as const])) }],
  });
  const [result] = await only_ours.lintText(text, { filePath });
  return result!.messages.map(({ message }) => message);
}

const service = 'apps/api/src/canvas/routes.ts';
const spec = 'apps/api/src/canvas/routes.test.ts';
const rule = 'packages/domain/src/canvas/rules/rank.ts';

test.each([
  ['a default export', service, 'export default 1;', 'default'],
  ['an enum', service, 'export enum Role { owner }', 'No enums'],
  ['process.env', service, 'export const a = process.env.PORT;', 'read once'],
  ["process['env']", service, "export const a = process['env'];", 'read once'],
  ['env of node:process', service, "import { env } from 'node:process'; export const a = env;", 'read once'],
  ['const { env } = process', service, 'const { env } = process; export const a = env;', 'read once'],
  ['a browser variable in config.ts', 'apps/api/src/config.ts', 'process.env.NEXT_PUBLIC_URL;', 'Browser-public'],
  ['a browser variable by name', 'apps/api/src/config.ts', "export const a = 'NEXT_PUBLIC_URL';", 'Browser-public'],
  ['a browser variable in packages/db', 'packages/db/src/client.ts', 'f({ VITE_KEY: 1 });', 'Browser-public'],
  ['SQL in a service', service, 'db.call("select id from app.canvases");', 'SQL lives'],
  ['SQL in a verb', 'packages/domain/src/canvas/get-canvas.ts', 'db.call(`insert into app.canvases`);', 'SQL lives'],
  ['console in a service', service, 'console.log(1);', 'console'],
  ['test.only', spec, "test.only('a', f);", 'Every test'],
  ['describe.skip', spec, "describe.skip('a', f);", 'Every test'],
  ['test.concurrent.only', spec, "test.concurrent.only('a', f);", 'Every test'],
  ['a clock in a rule', rule, 'export const a = () => Date.now();', 'pure'],
  ['a new Date in a rule', rule, 'export const a = () => new Date();', 'pure'],
  ['random in a rule', rule, 'export const a = () => Math.random();', 'pure'],
])('%s is refused', async (_what, file, text, message) => {
  expect(await lint(file, text)).toEqual([expect.stringContaining(message)]);
});

test.each([
  ['the environment in env.ts', 'packages/config/src/env.ts', 'export const a = process.env;'],
  ['SQL in packages/db', 'packages/db/src/canvas/queries.ts', 'db.call("select id from app.canvases");'],
  ['SQL in a test', spec, 'db.call("select id from app.canvases");'],
  ['prose that starts like SQL', service, "f('Select a canvas, then update it');"],
  ['a date made of a value in a rule', rule, 'export const a = (at: string) => new Date(at);'],
  ['a default export where a tool wants one', 'vitest.config.ts', 'export default {};'],
])('%s is fine', async (_what, file, text) => {
  expect(await lint(file, text)).toEqual([]);
});
