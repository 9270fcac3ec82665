import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';

const tests = ['**/*.test.ts', '**/testing/**', '**/e2e/**', '**/bench/**'];

const no_enums = {
  selector: 'TSEnumDeclaration',
  message: 'No enums: a union of literals says the same and is erased.',
};

// A browser bundle inlines these; a server that reads one has either the wrong variable or a leaked secret.
const public_name = '/^(NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC)_./';
const no_browser_variables = [
  `Identifier[name=${public_name}]`,
  `Literal[value=${public_name}]`,
  `TemplateElement[value.raw=${public_name}]`,
].map((selector) => ({ selector, message: 'Browser-public variables are not read on a server.' }));

const no_process_env = [
  'MemberExpression[object.name="process"][property.name="env"]',
  'MemberExpression[object.name="process"][property.value="env"]',
  'VariableDeclarator[init.name="process"] > ObjectPattern > Property[key.name="env"]',
  'ImportDeclaration[source.value=/^(node:)?process$/]',
].map((selector) => ({ selector, message: 'The environment is read once, in config.ts, through loadEnv.' }));

const sql =
  '/^\\s*(select\\s[\\s\\S]*\\sfrom\\s|select\\s+app\\.|insert\\s+into\\s|update\\s+\\S+\\s+set\\s|delete\\s+from\\s|(create|alter|drop|truncate)\\s+(table|index|role|function|policy)\\s|set\\s+(local|role)\\s)/i';
const no_sql = [`Literal[value=${sql}]`, `TemplateElement[value.raw=${sql}]`].map((selector) => ({
  selector,
  message: 'SQL lives in packages/db.',
}));

const runner = '/^(describe|test|it|suite|bench)$/';
const no_only_or_skip = [
  `MemberExpression[property.name=/^(only|skip)$/][object.name=${runner}]`,
  `MemberExpression[property.name=/^(only|skip)$/][object.object.name=${runner}]`,
].map((selector) => ({ selector, message: 'Every test runs, always: fix it or delete it.' }));

const no_clock_or_random = [
  'MemberExpression[object.name="Math"][property.name="random"]',
  'MemberExpression[object.name=/^(Date|performance)$/][property.name="now"]',
  'NewExpression[callee.name="Date"][arguments.length=0]',
  'Identifier[name=/^(crypto|fetch|setTimeout|setInterval)$/]',
].map((selector) => ({ selector, message: 'Rules are pure: hand in the time, the random, the data.' }));

const always = [no_enums, ...no_browser_variables];

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', 'coverage/', '.local/', '.turbo/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    // One program over all packages: half the time of one for each.
    languageOptions: {
      parserOptions: { project: './tsconfig.eslint.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Numbers print themselves.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => log.info(…)` and `return done()` are how callbacks that return nothing are written.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `async` without `await` turns a throw into a rejection, which is what a port promises.
      '@typescript-eslint/require-await': 'off',
      // A type parameter that only names the result is how a row type is handed to `db.call<Row>()`.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `while (true)` with a break reads better than the alternatives.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', ...always, ...no_process_env, ...no_sql],
      'no-restricted-exports': [
        'error',
        {
          restrictDefaultExports: {
            direct: true,
            named: true,
            defaultFrom: true,
            namedFrom: true,
            namespaceFrom: true,
          },
        },
      ],
    },
  },
  {
    files: ['apps/*/src/**', 'packages/*/src/**'],
    ignores: [...tests, 'packages/config/src/env.ts', 'packages/db/src/{migrate,bootstrap}.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['packages/domain/src/*/rules/**'],
    rules: { 'no-restricted-syntax': ['error', ...always, ...no_process_env, ...no_sql, ...no_clock_or_random] },
  },
  {
    files: ['packages/db/**'],
    rules: { 'no-restricted-syntax': ['error', ...always, ...no_process_env] },
  },
  {
    files: ['apps/*/src/config.ts', 'packages/*/src/config.ts', 'packages/config/src/env.ts'],
    rules: { 'no-restricted-syntax': ['error', ...always, ...no_sql] },
  },
  {
    // Scripts of the operator: they hand environments to processes and look into databases.
    files: ['infra/**', '*.{js,cjs,mjs,ts}'],
    rules: { 'no-restricted-syntax': ['error', ...always] },
  },
  {
    files: tests,
    rules: {
      'no-restricted-syntax': ['error', no_enums, ...no_only_or_skip],
      // `expect(log.warn)` and `expect.any()` are not calls into our own code.
      '@typescript-eslint/unbound-method': 'off',
      // What a server answered is `any` until the assertion on it.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // `service?.close()` after a `beforeAll` that failed half-way: the type does not know.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // A test that meets undefined should fail right there.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // The tools that read these files want a default export; no tsconfig covers them.
    files: ['*.config.{js,ts}', 'apps/*/*.config.ts', 'packages/*/*.config.ts'],
    extends: [ts.configs.disableTypeChecked],
    languageOptions: { parserOptions: { project: null } },
    rules: { 'no-restricted-exports': 'off' },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        AbortSignal: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
