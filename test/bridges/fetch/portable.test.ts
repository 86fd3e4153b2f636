/**
 * The entries that need no node: each is bundled for no platform, and runs where it sees no globals of node.
 */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** The globals that node has beside those of the web. */
const OF_NODE = ['Buffer', 'process', 'setImmediate', 'clearImmediate', 'require', 'module'];

/** Bundles a program that imports the entries from their sources. */
async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'neutral',
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
    tsconfig: join(ROOT, 'tsconfig.json'),
  });
  return outputFiles[0]?.text ?? '';
}

/** Runs a program that sees nothing of node, and gives what it passes to `tell`. Node's own Fetch API needs Buffer. */
async function run(program: string): Promise<unknown> {
  const code = await bundle(program);
  const prelude = `
    const { parentPort } = require('node:worker_threads');
    globalThis.tell = (value) => parentPort.postMessage(value);
    const hidden = ${JSON.stringify(OF_NODE)};
    const web = new Proxy(globalThis, {
      get: (all, name) => (hidden.includes(name) ? undefined : Reflect.get(all, name)),
      has: (all, name) => !hidden.includes(name) && Reflect.has(all, name),
    });
  `;
  // In the scope of the program all of these are undefined.
  const worker = new Worker(`${prelude}((globalThis, ${OF_NODE}) => { ${code} })(web);`, { eval: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}

describe('without node', () => {
  it.each(['gatebridge', 'gatebridge/fetch', 'gatebridge/validate', 'gatebridge/middleware'])(
    '%s loads',
    async (entry) => {
      const names = await run(`import * as entry from '${entry}'; tell(Object.keys(entry).length);`);
      expect(names).toBeGreaterThan(0);
    },
  );

  it('an application answers, with middleware and validator around it', async () => {
    const answer = await run(`
      import { decodeNative, encodeNative, Headers, readForm, readText } from 'gatebridge';
      import { toFetch } from 'gatebridge/fetch';
      import { accessLog, bufferInput, cascade, compose, cors, dispatch, errorPage, limitBody, methodOverride,
        requestId, securityHeaders, timeout } from 'gatebridge/middleware';
      import { validate } from 'gatebridge/validate';

      const application = async (environ, startResponse) => {
        const text = await readText(environ);
        startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
        return (async function* () {
          yield new TextEncoder().encode(decodeNative(environ.PATH_INFO));
          yield new TextEncoder().encode(' ' + text + ' ' + text.length);
        })();
      };
      const lines = [];
      const site = compose(accessLog({ log: (line) => lines.push(line) }), errorPage(), requestId(), cors(), securityHeaders(),
        timeout({ response: 5000 }), limitBody(), bufferInput(), methodOverride())(
          dispatch({ '/café': validate(application) }));
      const handler = toFetch(site);
      const main = async () => {
        const body = 'grüße ' + 'x'.repeat(20000);
        const request = new Request('http://fetch.test/caf%C3%A9/à', { method: 'POST', body });
        const response = await handler(request, { remoteAddress: '192.0.2.1' });
        const text = await response.text();
        tell({ status: response.status, text: text.slice(0, 14), length: text.length, id: response.headers.has('x-request-id') });
      };
      main().catch((error) => tell(String(error.stack)));
    `);
    expect(answer).toEqual({ status: 200, text: '/à grüße xxxxx', length: 20_015, id: true });
  });

  it('a failure goes to the console', async () => {
    const text = await run(`
      import { toFetch } from 'gatebridge/fetch';
      console.error = (text) => tell(text);
      void toFetch(() => { throw new Error('broken'); })(new Request('http://fetch.test/x'));
    `);
    expect(text).toMatch(/GET \/x Error: broken\n.*[^\n]$/s);
  });

  it.each([
    ['compress()', 'node:zlib'],
    ["staticFiles('/srv')", 'node:fs'],
    ["trustedProxy({ addresses: ['loopback'] })", 'node:net'],
    ['conditional()', 'node:crypto'],
    ['errorPage({ show: true })', 'node:fs'],
  ])('%s says when it is made that there is no %s', async (call, module) => {
    const name = call.replace(/\(.*/, '');
    const message = await run(`
      import { ${name} } from 'gatebridge/middleware';
      try { ${call}; tell('made'); } catch (error) { tell(error.message); }
    `);
    expect(message).toBe(`${name}() needs the module ${module}, which this runtime does not have`);
  });

  it.each([
    ['decodeNative(encodeNative("\\ufeffgr\\u00fc\\u00dfe \\u{1f600}"))', '\ufeffgrüße \u{1f600}'],
    ['decodeNative("\\xff\\x80")', '\ufffd\ufffd'],
    ['encodeNative("é".repeat(30000)).length', 60_000],
  ])('%s is as on node', async (expression, expected) => {
    const given = await run(`
      import { decodeNative, encodeNative } from 'gatebridge';
      tell(${expression});
    `);
    expect(given).toBe(expected);
  });
});
