import { defineConfig } from 'vitest/config';

/**
 * The core of the suite, which runs a second time without the shortcuts of src/node-internals. Left out are the tests that
 * count ticks, which the shortcuts save, and random programs, some of which see them.
 */
const CORE = [
  'test/node-internals/without-shortcuts.test.ts',
  'test/messages/**/*.test.ts',
  'test/bridges/{node,express,fastify}/from-*.test.ts',
  'test/bridges/node/to-node*.test.ts',
  'test/conformance/{node,server,round-trips}.test.ts',
  'test/server/{connection,content-after-response,corpus,endings,timeouts}.test.ts',
  'test/server/socket/*.test.ts',
];

export default defineConfig({
  // Examples import 'gatebridge/…' as users write it; the paths of tsconfig.json lead that to the sources.
  resolve: { tsconfigPaths: true },
  test: {
    // Most tests wait for sockets and for child processes, not for the processor.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: ['test/node-internals/without-shortcuts.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'without shortcuts',
          include: CORE,
          exclude: ['test/messages/{ticks,programs}.test.ts'],
          setupFiles: ['test/support/without-shortcuts.ts'],
        },
      },
    ],
  },
});
