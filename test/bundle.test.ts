/** The files of the package: few, each module in one of them, and none loads what its entries do not need. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from './cli/command.ts';
import { compiledPackage } from './cli/compiled.ts';

let built = '';
let files: ReadonlyMap<string, string> = new Map();

beforeAll(() => {
  built = join(compiledPackage(), 'dist');
  const names = readdirSync(built, { recursive: true, encoding: 'utf8' }).sort();
  const modules = names.filter((name) => name.endsWith('.js'));
  files = new Map(modules.map((name) => [name, readFileSync(join(built, name), 'utf8')]));
});

describe('the files', () => {
  it('are these', () => {
    expect([...files.keys()]).toMatchSnapshot();
  });

  it('have each module once', () => {
    const modules = [...files.values()].flatMap(
      (text) => text.match(/^\/\/ (src|bridges)\/\S+\.ts$/gm) ?? [],
    );
    expect(modules.length).toBeGreaterThan(300);
    expect(modules.filter((line, index) => modules.indexOf(line) !== index)).toEqual([]);
  });

  it('are the same when they are built again', async () => {
    const folder = projectFolder({});
    const loader = join(import.meta.dirname, '../node_modules/tsx/dist/loader.mjs');
    const script = join(import.meta.dirname, '../scripts/build.ts');
    await promisify(execFile)(process.execPath, [
      ...['--import', loader, script],
      ...['--code-only', '--out', join(folder, 'dist')],
    ]);
    const again = [...files.keys()].map((name) => [name, readFileSync(join(folder, 'dist', name), 'utf8')]);
    expect(again).toEqual([...files]);
  });
});

/** Modules of node that an entry may load: these, and what these load. */
const CHANNELS = ['diagnostics_channel'];
// AsyncLocalStorage is made when it is first used (Node 24 and 26).
const HTTP = [...CHANNELS, 'async_hooks', 'module', 'http'];
const PROGRAMS = [...CHANNELS, 'module', 'child_process', 'fs/promises'];
const LOADS: Readonly<Record<string, readonly string[]>> = {
  gatebridge: CHANNELS,
  'gatebridge/fetch': CHANNELS,
  'gatebridge/validate': CHANNELS,
  'gatebridge/middleware': CHANNELS,
  'gatebridge/config': [],
  'gatebridge/lambda': [...CHANNELS, 'module'],
  'gatebridge/server': HTTP,
  'gatebridge/node': HTTP,
  'gatebridge/express': HTTP,
  'gatebridge/fastify': HTTP,
  'gatebridge/cgi': [...PROGRAMS, 'crypto', 'os', 'timers/promises'],
  'gatebridge/fastcgi': [...PROGRAMS, 'crypto', 'os', 'net'],
  'gatebridge/python': PROGRAMS,
};

describe('no module of node that it does not need is loaded by', () => {
  it.each(Object.entries(LOADS))('%s', async (entry, modules) => {
    const loaded = await evaluate(`
      for (const name of ${JSON.stringify(modules)}) void process.getBuiltinModule('node:' + name).AsyncLocalStorage;
      // Node loads the Fetch API at the first use of one of its classes, and gatebridge/fetch extends them.
      if ('${entry}' === 'gatebridge/fetch') void globalThis.Request;
      const before = new Set(process.moduleLoadList);
      await import('${entry}');
      // Its loader's own parts are not counted.
      tell(process.moduleLoadList.filter((name) => !before.has(name) && !name.includes('internal/modules/')));
    `);
    expect(loaded).toEqual([]);
  });

  it.each(['gatebridge', 'gatebridge/fetch', 'gatebridge/validate', 'gatebridge/middleware'])(
    '%s, which names none',
    (entry) => {
      const [, ...rest] = entry.split('/');
      const folder = entry === 'gatebridge/fetch' ? 'bridges/fetch' : join('src', ...rest);
      const texts = reached(join(folder, 'index.js'));
      expect(texts.length).toBeGreaterThan(0);
      expect(texts.filter((text) => /^import .*["']node:/m.test(text))).toEqual([]);
    },
  );
});

/** The texts of a file and of all that it imports. */
function reached(name: string, seen = new Set<string>()): string[] {
  const text = files.get(name);
  if (text === undefined) throw new Error(`No file ${name}`);
  if (seen.has(name)) return [];
  seen.add(name);
  const imports = [...text.matchAll(/^(?:import|export) .*["'](\.{1,2}\/[^"']+)["'];$/gm)];
  return [text, ...imports.flatMap(([, path = '']) => reached(join(name, '..', path), seen))];
}

it('modules of node are required, so that tools that trace see them without a loader', async () => {
  const seen = await evaluate(`
    import { Module } from 'node:module';
    const { require: original } = Module.prototype;
    const seen = [];
    Module.prototype.require = function (name) {
      seen.push(name);
      return original.call(this, name);
    };
    await import('gatebridge/server');
    tell(seen);
  `);
  expect(seen).toContain('node:http');
});

it('what an application does not use of a file is dropped by its bundler', async () => {
  const folder = projectFolder({ 'program.mjs': "export { compose } from 'gatebridge/middleware';" });
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'program.mjs')],
    ...{ bundle: true, write: false, minify: true, platform: 'neutral', format: 'esm', logLevel: 'error' },
  });
  expect(outputFiles[0]?.contents.length).toBeLessThan(20_000);
});

it('what a class does when it is defined is not dropped', async () => {
  const program = `
    import { serve } from 'gatebridge/server';
    const hello = (environ, startResponse) => { startResponse('200 OK', []); return ['hello']; };
    const server = await serve(hello, { port: 0 });
    console.log(JSON.stringify(await (await fetch(server.url)).text()));
    process.exit();`;
  const folder = projectFolder({ 'program.mjs': program });
  await build({
    entryPoints: [join(folder, 'program.mjs')],
    outfile: join(folder, 'bundled.mjs'),
    ...{ bundle: true, minify: true, platform: 'node', format: 'esm', logLevel: 'error' },
  });
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'bundled.mjs')]);
  expect(JSON.parse(stdout)).toBe('hello');
});

describe('the entries together', () => {
  it('have the same errors and the same brand', async () => {
    const seen = await evaluate(`
      const [{ DisconnectError }, { createServer }, { toNode }, { toFetch }, { createClient }] = await Promise.all(
        ['gatebridge', 'gatebridge/server', 'gatebridge/node', 'gatebridge/fetch', 'gatebridge/testing'].map((name) => import(name)));
      const messages = [createServer, toNode, toFetch, createClient].map((host) => {
        try { host(toNode(() => [])); } catch (error) { return error.message; }
      });
      const read = async (environ, startResponse) => {
        startResponse('200 OK', []);
        const left = await environ['wsgi.input'].read().catch((error) => error);
        tell({ messages, isSame: left instanceof DisconnectError, name: left.constructor.name });
        return [];
      };
      const server = createServer(read).listen(0, '127.0.0.1', async () => {
        const { connect } = await import('node:net');
        const client = connect(server.address().port, '127.0.0.1', () => {
          client.end('POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9\\r\\n\\r\\nshort');
          client.on('close', () => server.close()).resume();
        });
      });
    `);
    expect(seen).toMatchObject({ isSame: true, name: 'DisconnectError' });
    const { messages } = seen as { messages: string[] };
    expect(messages).toHaveLength(4);
    for (const message of messages) expect(message).toMatch(/toNode/);
  });

  it('serve socket.io beside a wrapped app', async () => {
    const seen = await evaluate(
      `
      import express from 'express';
      import { Server } from 'socket.io';
      import { io } from 'socket.io-client';
      import { fromExpress } from 'gatebridge/express';
      import { createServer } from 'gatebridge/server';

      const app = express().get('/', (_request, response) => response.send('app'));
      const server = createServer(fromExpress(app));
      new Server(server).on('connection', (socket) => socket.on('ask', (text, answer) => answer(text + '!')));
      server.listen(0, '127.0.0.1', async () => {
        const origin = 'http://127.0.0.1:' + server.address().port;
        const found = [await (await fetch(origin)).text()];
        for (const transport of ['polling', 'websocket']) {
          const socket = io(origin, { transports: [transport] });
          found.push(await socket.emitWithAck('ask', transport));
          socket.close();
        }
        tell(found);
        process.exit();
      });
    `,
      ['express', 'socket.io', 'socket.io-client'],
    );
    expect(seen).toEqual(['app', 'polling!', 'websocket!']);
  });
});

describe('the names of functions and classes', () => {
  it('are those of the sources in a stack', async () => {
    const stack = await evaluate(`
      import { serve } from 'gatebridge/server';
      import { fromNode } from 'gatebridge/node';
      const stacks = [];
      try { await serve(() => [], { port: -1 }); } catch (error) { stacks.push(error.stack); }
      const application = fromNode((request, response) => { response.end(new Error().stack); });
      const server = await serve(application, { port: 0 });
      stacks.push(await (await fetch(server.url)).text());
      tell(stacks.join('\\n'));
      process.exit();
    `);
    expect(stack).toMatch(/at new Server \(/);
    expect(stack).toMatch(/at serve \(/);
    expect(stack).toMatch(/at runApplication \(.*gateway\.js/);
    expect(stack).toMatch(/at Exchange\.\w+ \(.*messages\.js/);
    expect(stack).not.toMatch(/\$\d/);
  });

  it('are kept in all that is exported, and in all classes', async () => {
    const names = await evaluate(`
      const names = [];
      for (const entry of ${JSON.stringify(Object.keys(LOADS))}) {
        for (const [name, value] of Object.entries(await import(entry)))
          if (typeof value === 'function') names.push([name, value.name]);
      }
      tell(names.filter(([name, own]) => /[$]\\d/.test(own)));
    `);
    expect(names).toEqual([]);
    for (const [name, text] of files)
      expect(text.match(/\b\w+\$\d+ = class\b|\bclass \w+\$\d+/g), name).toBeNull();
  });
});

/** Runs a program beside the installed package, and gives what it passes to `tell`. */
async function evaluate(text: string, packages: readonly string[] = []): Promise<unknown> {
  const tell = 'const tell = (value) => console.log(JSON.stringify(value));';
  const folder = projectFolder({ 'program.mjs': `${tell}\n${text}` }, packages);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')], {
    cwd: folder,
  });
  return JSON.parse(stdout);
}
