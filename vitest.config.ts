import { defineConfig } from 'vitest/config';

/**
 * The tests that run a second time without the shortcuts of src/node-internals: those of that room, of wrapped
 * programs, of the connections of the standalone server, and the audits of all hosts but CGI, which uses no shortcut.
 */
const WITHOUT_SHORTCUTS = [
  'test/node-internals/*.test.ts',
  'test/messages/**/*.test.ts',
  'test/bridges/{node,express,fastify}/from-*.test.ts',
  'test/bridges/node/to-node*.test.ts',
  'test/conformance/{express,fastify,node,server,round-trips}.test.ts',
  'test/server/{connection,content-after-response,corpus,endings,timeouts}.test.ts',
  'test/server/socket/*.test.ts',
];

/** Tests of the same folders that need the shortcuts, or that the shortcuts do not concern. */
const WITH_SHORTCUTS = [
  'test/node-internals/shortcuts.test.ts',
  // Loads the package for each method that is missing, which takes long.
  'test/node-internals/message-methods.test.ts',
  // Counts the ticks that the shortcuts save.
  'test/messages/ticks.test.ts',
  // Some of the random programs see that a shortcut is missing.
  'test/messages/programs.test.ts',
];

/**
 * Tests that hardly depend on the version of Node: of sources, pages, the package, the command, proxies, and of the audits
 * themselves. CI has them once; `npm run test:matrix` has all of them on each version.
 */
const SAME_ON_ALL = [
  'test/{architecture,docs,docs-hosts,docs-http,package,exports}.test.ts',
  'test/cli/{adversity,deployment,load,monitor,proxies,serve,start}.test.ts',
  'test/conformance/{assert-conforms,audits,failing-audits,observed,tables}.test.ts',
  'test/validate/{hosts,more-hosts}.test.ts',
  'test/endurance/kept-strings.test.ts',
  'test/{examples,examples-showcase}.test.ts',
  'test/bench/**',
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
          exclude: [
            'test/node-internals/without-shortcuts.test.ts',
            // Set by .ci/run for the second version of Node.
            ...(process.env.SECOND_NODE === '1' ? SAME_ON_ALL : []),
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'without shortcuts',
          include: WITHOUT_SHORTCUTS,
          exclude: WITH_SHORTCUTS,
          setupFiles: ['test/support/without-shortcuts.ts'],
        },
      },
    ],
  },
});
