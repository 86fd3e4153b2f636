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
 * Tests that change nothing of their process. Files of these folders share one, and what they have loaded: half of their
 * time was that of loading the same modules.
 */
const TOGETHER = ['test/{ecosystem,gateway,http,messages,middleware,server,testing,validate}/**/*.test.ts'];

/** Tests of the same folders that patch node, have it traced, or measure memory. */
const ALONE = [
  'test/ecosystem/tracing/*.test.ts',
  'test/messages/memory.test.ts',
  'test/server/observe.test.ts',
  'test/server/node-surface/tracing.test.ts',
];

/**
 * Tests whose outcome depends on the version of Node: of its internals, messages, sockets, streams, and modules. CI runs
 * these on a second version, the others on one; `npm run test:matrix` runs all on each.
 */
const DEPEND_ON_NODE = [
  'test/bundle.test.ts',
  'test/node-internals/*.test.ts',
  'test/bridges/*.test.ts',
  'test/bridges/{node,express,fastify,fetch,fastcgi,lambda}/*.test.ts',
  'test/conformance/{fastify,fetch,http2,node,server}.test.ts',
  'test/cli/{load,lost-workers}.test.ts',
  'test/matrix/*.test.ts',
  'test/peers/http2-clients.test.ts',
];

/** Those of them that run together. */
const TOGETHER_ON_NODE = [
  'test/{ecosystem,messages,server}/**/*.test.ts',
  'test/gateway/{native-string,platform,error-stream,file-wrapper}*.test.ts',
  'test/middleware/{stacked,compress,static-files}*.test.ts',
  'test/testing/*.test.ts',
];

/**
 * What `npm run tour` has: audits under the validator on further hosts, audits that are observed, cuts, frameworks that are installed
 * and built.
 */
const TOURED = [
  'test/validate/more-hosts.test.ts',
  'test/conformance/observed.test.ts',
  'test/endurance/cuts.test.ts',
  'test/bridges/fetch/built-frameworks.test.ts',
];

/** Long repeats of the audits, and memory that the shortcuts do not save: not without them in CI. */
const LONG_WITHOUT_SHORTCUTS = [
  'test/conformance/{express,fastify,node,round-trips}.test.ts',
  'test/messages/memory.test.ts',
  'test/server/socket/watchdog.test.ts',
];

const { CI, SECOND_NODE, TOUR } = process.env;
const toured = TOUR === undefined ? TOURED : [];

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
          // Set by .ci/run for the second version of Node.
          include: SECOND_NODE === '1' ? DEPEND_ON_NODE : ['test/**/*.test.ts'],
          exclude: ['test/node-internals/without-shortcuts.test.ts', ...TOGETHER, ...toured],
        },
      },
      {
        extends: true,
        test: {
          name: 'suite, together',
          include: SECOND_NODE === '1' ? TOGETHER_ON_NODE : TOGETHER,
          exclude: [...ALONE, ...toured],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'suite, alone', include: ALONE } },
      {
        extends: true,
        test: {
          name: 'without shortcuts',
          include: WITHOUT_SHORTCUTS,
          exclude: [...WITH_SHORTCUTS, ...(CI === undefined ? [] : LONG_WITHOUT_SHORTCUTS)],
          setupFiles: ['test/support/without-shortcuts.ts'],
          isolate: false,
        },
      },
    ],
  },
});
