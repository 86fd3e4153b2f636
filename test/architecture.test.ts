/**
 * The architecture rules: each one holds over the sources, and each one can fail.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MACHINE_PATH, RULES, type Rule } from './architecture/rules.ts';
import { parseSource } from './architecture/source.ts';
import { checkDirections, ZONES } from './architecture/zones.ts';

const ROOT = join(import.meta.dirname, '..');

const files = ['src', 'bridges', 'examples', 'test', 'bench', 'scripts']
  .flatMap(list)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')));

/** Sources that break a rule, by the name of the rule; each array is a small project of paths and texts. */
const BROKEN: Record<keyof typeof RULES, [path: string, text: string][][]> = {
  directions: [
    [['src/wsgi.ts', "import type { X } from './errors.ts';"]],
    [['src/port.ts', "import { isToken } from './gateway/headers.ts';"]],
    [['src/gateway/environ.ts', "import { isIP } from 'node:net';"]],
    [['src/gateway/environ.ts', "import { type Socket } from 'node:net';"]],
    [['src/gateway/environ.ts', "import type { Environ } from '../index.ts';"]],
    [['src/gateway/run-application.ts', "import { createServer } from '../server/index.ts';"]],
    [['src/http/head.ts', "import type { Environ } from '../wsgi.ts';"]],
    [['src/http/head.ts', "import type { Buffer } from 'node:buffer';"]],
    [['src/node-internals/symbols.ts', "import type { Environ } from '../wsgi.ts';"]],
    [['src/messages/request.ts', "import { connect } from 'node:net';"]],
    [['src/messages/request.ts', "import { RequestParser } from '../http/index.ts';"]],
    [['src/server/server.ts', "import { toNode } from '../../bridges/node/index.ts';"]],
    [['src/validate/rules.ts', "import { isIP } from 'node:net';"]],
    [['src/testing/client.ts', "import { serve } from '../server/index.ts';"]],
    [['src/testing/client.ts', "import { WireClient } from '../conformance/wire-client.ts';"]],
    [['src/cli/main.ts', "import { toNode } from '../../bridges/node/index.ts';"]],
    [['src/somewhere/else.ts', 'export const one = 1;']],
    [['bridges/express/index.ts', "export { toNode } from '../node/index.ts';"]],
    [['bridges/express/to-express.ts', "import { serve } from '../../src/server/index.ts';"]],
    [['bridges/express/to-express.ts', "import { createEnviron } from '../../src/gateway/environ.ts';"]],
    [['bridges/express/to-express.ts', "import { serveListener } from '../../src/messages/index.ts';"]],
    [['bridges/express/to-express.ts', "import type { Request } from 'express';"]],
    [['bridges/express/to-express.ts', "const later = () => import('express');"]],
    [['bridges/_node/node-sink.ts', "import { toNode } from '../node/index.ts';"]],
    [['bridges/_node/node-sink.ts', "import { serveListener } from '../../src/messages/index.ts';"]],
    [['bridges/sink.ts', 'export const one = 1;']],
    [['examples/hello.ts', "import { serve } from '../src/server/index.ts';"]],
  ],
  mounts: [
    [
      ['bridges/express/to-express.ts', "import { sink } from '../_node/node-sink.ts';"],
      ['bridges/_node/node-sink.ts', "import type { Exchange } from '../../src/messages/exchange.ts';"],
      ['src/messages/exchange.ts', 'export class Exchange {}'],
    ],
  ],
  cycles: [
    [
      ['src/a.ts', "import type { B } from './b.ts';"],
      ['src/b.ts', "export { c } from './c.ts';"],
      ['src/c.ts', "const later = () => import('./a.ts');"],
    ],
  ],
  specifiers: [
    [['src/a.ts', "import { b } from './b.ts';"]],
    [
      ['src/a.ts', "import { b } from './b.js';"],
      ['src/b.ts', 'export const b = 1;'],
    ],
  ],
  lines: [[['src/long.ts', '\n'.repeat(401)]]],
  examples: [[['examples/long.ts', '\n'.repeat(41)]]],
  names: [[['src/CamelCase.ts', '']], [['src/snake_case.ts', '']]],
  frontDoors: [
    [['src/index.ts', "import { a } from './a.ts';"]],
    [['src/index.ts', 'export const a = 1;']],
    [['src/index.ts', 'console.log(1);']],
  ],
  exportAll: [
    [['src/index.ts', "export * from './a.ts';"]],
    [['src/a.ts', "export * as all from './a.ts';"]],
  ],
  exportDefault: [[['src/a.ts', 'export default 1;']], [['src/a.ts', 'export default function named() {}']]],
  any: [[['src/a.ts', 'const a: any = 1;']], [['src/a.ts', 'function f(a: Map<string, any[]>) {}']]],
  erasable: [
    [['src/a.ts', 'enum A { One }']],
    [['src/a.ts', 'namespace A { export const one = 1; }']],
    [['src/a.ts', 'class A { constructor(private one: number) {} }']],
    [['src/a.ts', "import a = require('a');"]],
    [['src/a.ts', 'const a = <string>b;']],
  ],
  assertions: [
    [['src/a.ts', 'const a = b as string;']],
    [['src/a.ts', 'const a = b as unknown as string;']],
    [['src/a.ts', 'const b = 1; // far away\n\n\n\n\n\n\nconst a = b as string;']],
  ],
  parameters: [[['src/a.ts', 'function f(a: 1, b: 2, c: 3, d: 4, e: 5) {}']]],
  documentation: [
    [['src/a.ts', 'export function f() {}']],
    [['src/a.ts', '/** One. */\nexport const one = 1;\nexport interface Two {}']],
  ],
  tenured: [
    [['src/a.ts', 'a.b = () => 1;']],
    [['src/a.ts', "a['b'] ??= function () {};"]],
    [['src/a.ts', 'class A { #b; constructor() { this.#b = async () => {}; } }']],
  ],
  pureHttp: [
    [['src/http/head.ts', 'const now = Date.now();']],
    [['src/http/head.ts', 'setTimeout(() => {}, 1);']],
    [['src/http/head.ts', 'const at = { time: performance };']],
  ],
  platform: [
    [['src/gateway/a.ts', "const a = Buffer.from('a');"]],
    [['src/gateway/a.ts', 'setImmediate(() => {});']],
    [['src/gateway/a.ts', 'const a = (process.env as object);']],
    [['src/gateway/a.ts', 'const a = { Buffer };']],
  ],
  portable: [
    [
      ['src/middleware/index.ts', "export { compress } from './compress.ts';"],
      ['src/middleware/compress.ts', "import { createGzip } from 'node:zlib';"],
    ],
    [['src/validate/index.ts', "export { validate } from 'validate';"]],
    [['src/index.ts', "const later = () => import('node:fs');"]],
    [
      ['bridges/fetch/index.ts', "export { toFetch } from './to-fetch.ts';"],
      ['bridges/fetch/to-fetch.ts', "const a = Buffer.from('a');"],
    ],
  ],
  realms: [[['src/a.ts', 'const a = b instanceof Error;']]],
  topLevelAwait: [[['src/a.ts', 'await null;']], [['src/a.ts', 'if (a) { for await (const b of a) {} }']]],
  wholeSuite: [
    [['test/a.test.ts', "it.only('runs alone', () => {});"]],
    [['test/a.test.ts', "describe.skip('never runs', () => {});"]],
  ],
  notes: [[['src/a.ts', `// ${'TO'}${'DO'}: later`]]],
  machine: [[['src/a.ts', `const a = '${'/ho'}me/user/a.ts';`]]],
};

/** Sources that look broken and are not. */
const SOUND: Partial<typeof BROKEN> = {
  directions: [
    [['src/gateway/environ.ts', "import type { Socket } from 'node:net';\nimport { a } from './a.ts';"]],
    [['src/server/connection.ts', "import { parse } from '../http/head.ts';"]],
    [['bridges/express/index.ts', "export { toExpress } from './to-express.ts';"]],
    [['bridges/express/from-express.ts', "import { serveListener } from '../../src/messages/index.ts';"]],
    [
      [
        'bridges/express/to-express.ts',
        "import { sink } from '../_node/node-sink.ts';\nimport { a } from 'node:http';",
      ],
    ],
    [['src/index.ts', "/** import { a } from 'express'; */ export { one } from './gateway/one.ts';"]],
    [['examples/hello.ts', "import { serve } from 'gatebridge/server';"]],
  ],
  mounts: [
    [
      ['bridges/express/from-express.ts', "import { serveListener } from '../../src/messages/index.ts';"],
      ['src/messages/index.ts', "export { serveListener } from './serve-listener.ts';"],
    ],
  ],
  assertions: [
    [['src/a.ts', '// It was checked above.\nconst a = b as string;']],
    [['src/a.ts', 'const a = [1] as const;']],
  ],
  documentation: [[['src/a.ts', '/** One. */\nexport function f(a: 1): 1;\nexport function f(a: 1): 1 {}']]],
  tenured: [[['src/a.ts', 'const b = () => 1;\na.b = b;\na = { b: () => 1 };\nclass A { b = () => 1; }']]],
  pureHttp: [[['src/http/head.ts', "const a = { Date: 1 };\na.fetch('Date');"]]],
  platform: [
    [['src/gateway/a.ts', 'export function f(a: Buffer): NodeJS.Timeout {}\nconst a = b as Buffer;']],
    [['src/gateway/platform.ts', "const a = Buffer.from('a');"]],
    [['src/server/a.ts', "const a = Buffer.from('a');"]],
  ],
  portable: [
    [['src/index.ts', "import type { Readable } from 'node:stream';\nconst { Buffer: A } = globalThis;"]],
    [
      ['src/index.ts', "import type { Server } from './server.ts';"],
      ['src/server.ts', "import { createServer } from 'node:http';"],
    ],
  ],
  realms: [[['src/a.ts', 'const a = b instanceof ProtocolError;']]],
  topLevelAwait: [[['src/a.ts', 'async function f() { await 1; }\nconst g = async () => { await 1; };']]],
};

describe.each(Object.entries(RULES))('rule %s', (name, rule) => {
  it(`holds: ${rule.sentence}`, () => {
    expect(judge(rule, files)).toEqual([]);
  });

  it.each(BROKEN[name] ?? [])('can fail', (...sources) => {
    expect(judge(rule, parse(sources))).not.toEqual([]);
  });

  it.each(SOUND[name] ?? [])('does not fail on a source that only looks broken', (...sources) => {
    expect(judge(rule, parse(sources))).toEqual([]);
  });

  it('has an example that breaks it', () => {
    expect(BROKEN[name]).not.toHaveLength(0);
  });
});

describe('the direction of imports', () => {
  it('is reported with place and import', () => {
    const file = parseSource('src/wsgi.ts', "\nimport { a } from 'a';");
    expect(checkDirections([file], ZONES)).toEqual(["src/wsgi.ts:2: must not import 'a'"]);
  });

  it('is checked over a good part of the project', () => {
    expect(files.filter(({ path }) => path.startsWith('src/')).length).toBeGreaterThan(10);
    expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
  });
});

describe('pages and settings', () => {
  const texts = ['.', 'docs', '.ci', 'examples']
    .flatMap((folder) => (folder === '.' ? readdirSync(ROOT).filter(isFile) : list(folder)))
    .filter((path) => !path.endsWith('.ts') && path !== 'package-lock.json')
    // Written by Python, and by git in a further work tree.
    .filter((path) => !path.includes('__pycache__') && path !== '.git');

  it.each(texts)('%s has no path of a particular computer', (path) => {
    expect(readFileSync(join(ROOT, path), 'utf8').match(MACHINE_PATH)).toBeNull();
  });

  it('package-lock.json names no registry', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved": "http');
  });
});

function judge(rule: Rule, sources: typeof files): string[] {
  return rule.check(
    sources.filter(({ path }) => rule.folders.some((folder) => path.startsWith(`${folder}/`))),
  );
}

function parse(sources: [path: string, text: string][]): typeof files {
  return sources.map(([path, text]) => parseSource(path, text));
}

function list(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return (
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
      // Skips installed and built files of bench.
      .filter((path) => !/\/(node_modules|dist)\//.test(path))
      .filter(isFile)
  );
}

function isFile(path: string): boolean {
  return statSync(join(ROOT, path)).isFile();
}
