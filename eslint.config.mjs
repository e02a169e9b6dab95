import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';

// Who may import whom. Tags stand in each project's package.json under "nx"; docs/architecture.md tells the reasons.
const PLATFORM = ['type:platform', 'type:domain', 'type:contract'];
const boundaries = {
  enforceBuildableLibDependency: false,
  allow: [],
  depConstraints: [
    { sourceTag: 'type:domain', onlyDependOnLibsWithTags: ['type:domain'] },
    { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:contract'] },
    { sourceTag: 'type:platform', onlyDependOnLibsWithTags: PLATFORM },
    { sourceTag: 'type:testing', onlyDependOnLibsWithTags: ['type:testing', ...PLATFORM] },
    { sourceTag: 'type:app', onlyDependOnLibsWithTags: PLATFORM },
    { sourceTag: 'type:assembly', onlyDependOnLibsWithTags: ['type:assembly', 'type:app', ...PLATFORM] },
    { sourceTag: 'scope:shared', notDependOnLibsWithTags: [], onlyDependOnLibsWithTags: ['scope:shared'] },
    { sourceTag: 'scope:edge', onlyDependOnLibsWithTags: ['scope:edge', 'scope:shared'] },
    { sourceTag: 'scope:trading', onlyDependOnLibsWithTags: ['scope:trading', 'scope:shared'] },
    { sourceTag: 'scope:all', onlyDependOnLibsWithTags: ['*'] },
  ],
};
const forTests = {
  ...boundaries,
  depConstraints: boundaries.depConstraints.map((rule) =>
    rule.sourceTag.startsWith('type:')
      ? { ...rule, onlyDependOnLibsWithTags: [...rule.onlyDependOnLibsWithTags, 'type:testing', 'type:platform'] }
      : rule,
  ),
};
const DOMAIN_LIBS = ['errors', 'signing', 'matching', 'fills', 'risk', 'ledger', 'market'];
/** All that a domain lib may import besides other libs; signing also hashes. */
const domainImports = (...nodeModules) => ({
  patterns: [
    {
      regex: `^(?!\\.|@tickwire/|(${nodeModules.join('|')})$)`,
      message: 'A domain lib imports no npm package and no Node I/O.',
    },
    {
      regex: '^node:crypto$',
      importNamePattern: '^(random|getRandom|webcrypto|default$)',
      message: 'Randomness is an argument.',
    },
  ],
});

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/generated/**',
      '.tickwire/**',
      '.cache/**',
      '.nx/**',
      'jest.config.mjs',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts', 'tools/**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@nx/enforce-module-boundaries': ['error', boundaries],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.spec.ts', '**/*.conformance.ts', 'libs/testing/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': ['error', forTests] },
  },
  {
    files: ['apps/cli/**/*.ts', 'apps/standalone/**/*.ts', 'apps/e2e/**/*.ts', 'tools/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // The functional core: no clock, no random source, no Node I/O, no npm package.
    files: DOMAIN_LIBS.map((name) => `libs/${name}/src/**/*.ts`),
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': ['error', domainImports('node:assert', 'node:assert/strict')],
      'no-restricted-globals': [
        'error',
        ...['process', 'fetch', 'crypto', 'globalThis', 'console', 'queueMicrotask'].map((name) => ({
          name,
          message: 'A domain lib works on its arguments alone.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is an argument.' },
        { object: 'Date', property: 'now', message: 'Time is an argument.' },
        { object: 'performance', property: 'now', message: 'Time is an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Time is an argument.' },
        { selector: "CallExpression[callee.name='Date']", message: 'Time is an argument.' },
        { selector: 'ImportExpression', message: 'A domain lib loads nothing while it runs.' },
        {
          selector: 'CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate)$/]',
          message: 'A domain lib has no clock.',
        },
      ],
    },
  },
  {
    files: ['libs/signing/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-imports': ['error', domainImports('node:assert', 'node:assert/strict', 'node:crypto')] },
  },
  prettier,
);
