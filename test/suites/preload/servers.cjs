/**
 * Preload for another project's test suite (`node --require`): every HTTP/1.1 server that the process makes with
 * node:http or node:https becomes one of ours, with the listener behind a from-bridge.
 *
 * Rule 1: without SUITE_BUILD, servers are counted and not replaced; that is the run to compare with.
 * Rule 2: it replaces only `createServer` and `Server`; a test that looks at the server sees ours as it is.
 * Rule 3: CommonJS, so that it runs before the first line of the suite.
 */
const { appendFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');
const { join } = require('node:path');

/** The servers that the suite made, and how many of them are ours. */
const counts = { servers: 0, ours: 0 };

if (process.env.SUITE_BUILD) replaceServers(loadBuild(process.env.SUITE_BUILD));
else countServers();
if (process.env.SUITE_RUNNER === 'node') require('./skip.cjs');
if (process.env.SUITE_INJECT === 'wire') require('./wire-inject.cjs');

process.on('exit', () => {
  if (counts.servers > 0) appendFileSync(process.env.SUITE_RESULTS, `${JSON.stringify({ counts })}\n`);
});
// At the runner's time limit, the counts are kept.
if (process.env.SUITE_RUNNER === 'node') process.once('SIGTERM', () => process.exit(143));

/** Modules of the build are ES modules without top-level await, which require() takes since Node 20.19. */
function loadBuild(folder) {
  const { createServer } = require(join(folder, 'src/server/index.js'));
  const { fromNode } = require(join(folder, 'bridges/node/index.js'));
  const { fromExpress } = require(join(folder, 'bridges/express/index.js'));
  return { createServer, fromNode, fromExpress };
}

function replaceServers({ createServer, fromNode, fromExpress }) {
  replace(http, (options, listener) => make(options, listener));
  replace(https, (options, listener) => make({ ...options, tls: options }, listener));
  syncBuiltinESMExports();

  function make(options, listener) {
    counts.ours++;
    if (listener === undefined) {
      const server = createServer(
        fromNode(() => {}),
        options,
      );
      // Node's server has no listener then, so ours must not have one either.
      server.removeAllListeners('request');
      return server;
    }
    const { joinDuplicateHeaders } = options;
    const isExpress = 'request' in listener && 'response' in listener && 'handle' in listener;
    const application = (isExpress ? fromExpress : fromNode)(listener, { joinDuplicateHeaders });
    return createServer(application, options);
  }
}

function countServers() {
  for (const module of [http, https]) {
    const { createServer } = module;
    replace(module, (options, listener) => createServer(options, listener));
  }
  syncBuiltinESMExports();
}

/** Replaces `createServer` and the class, which is called with `new` or without. */
function replace(module, make) {
  const { Server } = module;
  const create = (options, listener) => {
    counts.servers++;
    if (typeof options === 'function') return make({}, options);
    return make(options ?? {}, listener);
  };
  module.createServer = function createServer(options, listener) {
    return create(options, listener);
  };
  module.Server = new Proxy(Server, {
    // A class that extends node's, by prototype or by `extends`, is not replaced.
    apply: (target, self, values) =>
      self instanceof target ? Reflect.apply(target, self, values) : create(...values),
    construct: (target, values, made) =>
      made === module.Server ? create(...values) : Reflect.construct(target, values, made),
  });
}
