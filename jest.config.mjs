/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/libs/dev-postgres/test', '<rootDir>/libs/prismiq/test', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    // Tests run on the sources; TypeScript writes the names of the files that the compiler will make.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@prismiq/nestjs$': '<rootDir>/libs/prismiq/src/index.ts',
    '^@prismiq/nestjs/migrations$': '<rootDir>/libs/prismiq/src/migrations/index.ts',
    '^@prismiq/nestjs/testing$': '<rootDir>/libs/prismiq/src/testing/index.ts',
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/sql-guard.setup.ts'],
  // A run of tests waits for the database and for commands as often as it computes.
  maxWorkers: '100%',
  // Only ends what hangs: the machine may be busy.
  testTimeout: 180_000,
};
