import { expect, test } from 'vitest';
import { builtInRolesFile, builtInRolesSql } from './built-in-roles.ts';

test('the SQL of the built-in roles is what the roles and the stems of their texts say (if not: npm run roles:sql)', () => {
  const { current, expected } = builtInRolesFile();
  expect(current).toBe(expected);
});

test('a quote in a text ends no literal', () => {
  const role = {
    id: 'i',
    key: 'k',
    name: "O'Neil",
    is_frame: false,
    aim: "it's",
    tone: '',
    prompt: '',
    examples: ["don't"],
  };
  expect(builtInRolesSql([role])).toContain("'O''Neil'");
});
