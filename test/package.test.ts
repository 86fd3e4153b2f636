/**
 * The package as people get it: built, packed, installed in an empty project, imported, required, type-checked.
 *
 * The work tree is copied first, so that this test can run beside a build and leaves nothing behind.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledPackage } from './cli/compiled.ts';
import { requirePeer } from './support/peer.ts';

const ROOT = join(import.meta.dirname, '..');
const PACKED = [
  ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
  ...['SECURITY.md', 'docs', 'examples', 'src', 'bridges', 'scripts'],
];
const MANIFEST: { version: string; exports: Record<string, unknown> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const ENTRIES = Object.keys(MANIFEST.exports)
  .filter((key) => key !== './package.json')
  .map((key) => key.replace('.', 'gatebridge'));

/** Pages of the repository that are not packed. */
const FOR_CONTRIBUTORS = ['docs/architecture.md', 'docs/benchmarks.md', 'docs/suites.md'];
const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .map((name) => `docs/${name}`)
    .filter((page) => !FOR_CONTRIBUTORS.includes(page)),
];

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-package-'));
const stage = join(folder, 'stage');
const consumer = join(folder, 'consumer');
const installed = join(consumer, 'node_modules/gatebridge');
let tarball = '';
let packedFiles: string[] = [];

beforeAll(async () => {
  mkdirSync(stage);
  for (const name of PACKED) cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(stage, 'node_modules'));
  await run('npm', ['run', '--silent', 'build'], stage);
  const [packed] = JSON.parse(await run('npm', ['pack', '--json'], stage));
  tarball = join(stage, packed.filename);
  packedFiles = packed.files.map((file: { path: string }) => file.path);

  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], consumer);
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the tarball', () => {
  it('holds the compiled package, its papers and the examples, and nothing else', () => {
    const worker = 'dist/bridges/python/gatebridge_worker.py';
    expect(packedFiles).toContain(worker);
    const others = packedFiles.filter(
      (path) => path !== worker && !/^dist\/(src|bridges)\/[\w/-]+\.(js|d\.ts)$/.test(path),
    );
    const papers = others.filter((path) => !/^(docs\/[\w-]+\.md|examples\/[\w/-]+(\.\w+)?)$/.test(path));
    expect(papers.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json']);
  });

  it('holds the pages for users, and not those for contributors', () => {
    expect(packedFiles.filter((path) => path.endsWith('.md')).sort()).toEqual([...PAGES].sort());
  });

  it.each(PAGES)('holds what %s links to', (page) => {
    const text = readInstalled(page).replace(/```[\s\S]*?```|`[^`]*`/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)].map(([, target = '']) => target);
    const missing = targets.filter((target) => {
      return !/^https:/.test(target) && !existsSync(join(installed, dirname(page), target));
    });
    expect(missing).toEqual([]);
  });

  it('holds a declaration for every source', () => {
    const declarations = packedFiles.filter((path) => path.endsWith('.d.ts'));
    const sources = ['src', 'bridges'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name}`,
      ),
    );
    const named = sources
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `dist/${path.replace(/ts$/, 'd.ts')}`);
    expect(declarations.sort()).toEqual(named.sort());
  });

  it('holds the same octets as a build in another folder', () => {
    const modules = packedFiles.filter((path) => /^dist\/.*\.js$/.test(path));
    const texts = (folder: string): string[] =>
      modules.map((path) => readFileSync(join(folder, path), 'utf8'));
    expect(texts(installed)).toEqual(texts(compiledPackage()));
  });

  it('refers to no source file', () => {
    const compiled = packedFiles.filter((path) => path.startsWith('dist/'));
    const referring = compiled.filter((path) => {
      return /from ['"][^'"]+\.ts['"]/.test(code(readFileSync(join(installed, path), 'utf8'), path));
    });
    expect(referring).toEqual([]);
  });

  it('passes publint', async () => {
    await expect(run('npx', ['publint', '--strict', tarball], ROOT)).resolves.toContain('All good');
  });

  it('brings no dependency along', () => {
    expect(existsSync(join(consumer, 'node_modules/express'))).toBe(false);
    expect(existsSync(join(consumer, 'node_modules/fastify'))).toBe(false);
  });
});

describe('the entries', () => {
  it.each(ENTRIES)('%s loads by import and by require, without its framework', async (entry) => {
    const imported = await evaluate(
      `console.log(JSON.stringify(Object.keys(await import('${entry}')).sort()))`,
    );
    const required = await evaluate(
      `import { createRequire } from 'node:module';
       const names = Object.keys(createRequire(import.meta.url)('${entry}'));
       console.log(JSON.stringify(names.filter((name) => name !== '__esModule').sort()))`,
    );
    expect(imported).not.toEqual([]);
    expect(required).toEqual(imported);
  });

  it('run a Python application by the worker that is packed', async (context) => {
    requirePeer(context, 'python3');
    const lines = [
      'def app(environ, start_response):',
      '    start_response("200 OK", [])',
      '    return [b"packed"]',
      '',
    ];
    writeFileSync(join(consumer, 'packed_site.py'), lines.join('\n'));
    const text = await evaluate(
      `import { fromPython } from 'gatebridge/python';
       import { createClient } from 'gatebridge/testing';
       const application = fromPython({ application: 'packed_site:app' });
       const response = await createClient(application).get('/');
       console.log(JSON.stringify(await response.text()));`,
    );
    expect(text).toBe('packed');
  });

  it('include package.json', async () => {
    const version = await evaluate(
      `import manifest from 'gatebridge/package.json' with { type: 'json' };
       console.log(JSON.stringify(manifest.version))`,
    );
    expect(version).toBe(MANIFEST.version);
  });

  it('export these names', async () => {
    const names: Record<string, unknown> = {};
    for (const entry of ENTRIES) {
      names[entry] = await evaluate(
        `console.log(JSON.stringify(Object.keys(await import('${entry}')).sort()))`,
      );
    }
    expect(names).toMatchSnapshot();
  });
});

describe('the papers of an installed package', () => {
  it('README.md: the program in CommonJS runs', async () => {
    const [, program = ''] = /```js\n\/\/ app\.cjs\n([\s\S]*?)```/.exec(readInstalled('README.md')) ?? [];
    const text = `${program.replace('port: 8124', 'port: 0')}.then(() => process.exit());`;
    writeFileSync(join(consumer, 'app.cjs'), text.replace(/;\s*\.then/, '.then'));
    await expect(run(process.execPath, ['app.cjs'], consumer)).resolves.toContain('Listening on');
  });

  it('examples/README.md: an example runs', async () => {
    const tsx = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
    const output = await run(
      process.execPath,
      ['--import', tsx, join(installed, 'examples/cgi.ts')],
      consumer,
    );
    expect(output).toContain('Hello, world!');
  });
});

describe('Jest', () => {
  it('runs tests and audits by the recipe of the page', async () => {
    const [, config = ''] =
      /```js\n(\/\/ jest\.config\.js, [\s\S]*?)```/.exec(readInstalled('docs/troubleshooting.md')) ?? [];
    writeFileSync(join(consumer, 'jest.config.js'), config);
    writeFileSync(join(consumer, 'package.test.js'), JEST_TEST);
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const parameters = ['--experimental-vm-modules', jest, '--json', '--rootDir', consumer];
    const { numPassedTests } = JSON.parse(await run(process.execPath, parameters, consumer));
    expect(numPassedTests).toBe(5);
  });
});

/** A test, and audits whose outcome may depend on the realm, in which node's own classes are others (the context of Jest). */
const JEST_TEST = `
import { connect } from 'node:net';
import { gatewayAudits } from 'gatebridge/conformance';
import { createServer } from 'gatebridge/server';
import { createClient } from 'gatebridge/testing';

const host = {
  name: 'the standalone server',
  capabilities: new Set(['serve']),
  async serve(application, { gateway } = {}) {
    let log = '';
    const errors = { write: (text) => void (log += text), writelines() {}, flush() {} };
    const server = createServer(application, { ...gateway, environ: { 'wsgi.errors': errors } });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    return {
      port,
      mount: '',
      log: () => log,
      connect: () => connect({ port, host: '127.0.0.1' }),
      close: () => server.shutdown({ timeout: 0 }),
    };
  },
};
const ids = ['body-237-what-the-signal-aborts', 'input-157-mixed', 'body-231-a-generator-15000', 'body-121-large-chunk'];

test('a client', async () => {
  const hello = (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return ['Hello'];
  };
  expect(await (await createClient(hello).get('/')).text()).toBe('Hello');
});
test.each(gatewayAudits().filter(({ id }) => ids.includes(id)).map((audit) => [audit.id, audit]))(
  '%s',
  (_id, audit) => audit.run(host),
);
`;

describe('the types', () => {
  const settings = {
    nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
    bundler: { module: 'esnext', moduleResolution: 'bundler' },
  };

  it.each(Object.entries(settings))('serve a consumer under %s', async (_name, setting) => {
    await expect(check('good.ts', CONSUMER, setting)).resolves.toBe('');
  });

  it.each(Object.entries(settings))(
    'take servers as @types/node 26 declares them under %s',
    async (_name, setting) => {
      await expect(check('servers.ts', TYPED_SERVERS, setting)).resolves.toBe('');
    },
  );

  it.each(Object.entries(settings))('are not merely any under %s', async (_name, setting) => {
    const wrong = "import { serve } from 'gatebridge/server';\nawait serve('no application');\n";
    await expect(check('wrong.ts', wrong, setting)).rejects.toThrow('wrong.ts(2,');
  });
});

const CONSUMER = `
import type { Application, ApplicationFunction, ApplicationObject, Environ, StartResponse } from 'gatebridge';
import { readText, toApplication } from 'gatebridge';
import { runCgi } from 'gatebridge/cgi';
import { fromExpress, toExpress } from 'gatebridge/express';
import { fromFastify, toFastify } from 'gatebridge/fastify';
import { fromNode, toNode } from 'gatebridge/node';
import { createServer as createNodeServer } from 'node:http';
import { createServer, serve } from 'gatebridge/server';
import { createClient } from 'gatebridge/testing';

const application: Application = (environ: Environ, startResponse: StartResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode(environ.PATH_INFO)];
};
class Page {
  constructor(readonly environ: Environ, readonly startResponse: StartResponse) {}
  *[Symbol.iterator]() {
    this.startResponse('200 OK', []);
    yield new Uint8Array(1);
  }
}
const server = await serve(Page, { port: 0 });
server.close();
const echo: ApplicationObject = {
  async call(environ, startResponse) {
    startResponse('200 OK', []);
    return [await readText(environ)];
  },
};
createServer(echo);
createNodeServer(toNode(application));
const round: Application = fromNode(toNode(application));
declare module 'gatebridge' {
  interface Environ {
    'app.user'?: { readonly name: string };
  }
}
const guard = (inner: ApplicationFunction): ApplicationFunction => (environ, startResponse) => {
  const name: string = environ['app.user']?.name ?? environ.HTTP_X_USER ?? '';
  return inner({ ...environ, HTTP_X_USER: name }, startResponse);
};
const HEADERS = [['Content-Type', 'text/plain']] as const;
const literal: Application = {
  call(environ, startResponse) {
    startResponse('200 OK', HEADERS);
    return [environ.PATH_INFO];
  },
};
(await serve(guard(toApplication(literal)), { port: process.env.PORT })).listen({ port: '0' });
export { createClient, fromExpress, fromFastify, round, runCgi, toExpress, toFastify };
`;

/** The methods of a server as @types/node 26 has them; the repository has the types of Node 20. */
const TYPED_SERVERS = `
import express from 'express';
import { fromExpress } from 'gatebridge/express';
import { fromFastify } from 'gatebridge/fastify';
import { fromNode } from 'gatebridge/node';

interface Events {
  listening: [];
  request: [request: object, response: object];
}
interface Server {
  emit<E extends keyof Events>(name: E, ...values: Events[E]): boolean;
  emit(name: string | symbol, ...values: any[]): boolean;
  listenerCount<E extends keyof Events>(name: E, listener?: (...values: Events[E]) => void): number;
  listenerCount(name: string | symbol, listener?: (...values: any[]) => void): number;
  listeners<E extends keyof Events>(name: E): ((...values: Events[E]) => void)[];
  listeners(name: string | symbol): ((...values: any[]) => void)[];
  on<E extends keyof Events>(name: E, listener: (...values: Events[E]) => void): this;
  on(name: string | symbol, listener: (...values: any[]) => void): this;
}
declare const server: Server;
declare const instance: { routing(request: object, response: object): void; ready(): Promise<void>; server: Server };

export const wrapped = [fromNode(server), fromExpress(express(), { server }), fromFastify(instance)];
`;

async function check(name: string, text: string, setting: object): Promise<string> {
  writeFileSync(join(consumer, name), text);
  const compilerOptions = {
    ...setting,
    target: 'es2023',
    lib: ['es2023'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }));
  return run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'], consumer);
}

async function evaluate(text: string): Promise<unknown> {
  return JSON.parse(await run(process.execPath, ['--input-type=module', '--eval', text], consumer));
}

function readInstalled(page: string): string {
  return readFileSync(join(installed, page), 'utf8');
}

/** A declaration's text without its comments, whose examples may show any import. */
function code(text: string, path: string): string {
  return /\.(js|ts)$/.test(path) ? text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '') : '';
}

async function run(command: string, parameters: string[], cwd: string): Promise<string> {
  // Without the variables that npm sets for its scripts: they would change what the npm that is started here does.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  try {
    const { stdout } = await promisify(execFile)(command, parameters, { cwd, env });
    return stdout;
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    throw new Error(`${command} ${parameters.join(' ')} failed: ${output}`, { cause: error });
  }
}
