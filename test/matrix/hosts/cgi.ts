/** runCgi: each request starts cgi-program.ts, as a web server does, with the program that it runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { ClientRequest, ClientResponse, Host } from '../matrix.ts';

const WORKER = join(import.meta.dirname, '../../../bridges/python/gatebridge_worker.py');

/** A CGI program. */
export const cgi: Host = {
  name: 'runCgi',
  expression: 'runCgi(app)',
  reached: 'a process for each request, by variables, standard input and output',
  async start({ program: { name }, peers }) {
    const script = await bundle();
    const log: string[] = [];
    return {
      send: (request) => run([script, name, JSON.stringify(peers)], request, log),
      log: () => log.join(''),
      close: async () => {},
    };
  },
  end() {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};

let folder: string | undefined;

/** Gives the path of the program in JavaScript: a loader would take most of the time of each request. */
async function bundle(): Promise<string> {
  folder ??= await buildProgram(mkdtempSync(join(tmpdir(), 'gatebridge-matrix-')));
  return join(folder, 'cgi-program.mjs');
}

/** @returns the folder */
async function buildProgram(folder: string): Promise<string> {
  await build({
    entryPoints: [join(import.meta.dirname, 'cgi-program.ts')],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    // Modules of CommonJS need it.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
  });
  cpSync(WORKER, join(folder, basename(WORKER)));
  return folder;
}

async function run(words: readonly string[], request: ClientRequest, log: string[]): Promise<ClientResponse> {
  const { content } = request;
  const child = spawn(process.execPath, words, { env: variablesOf(request) });
  child.stderr.setEncoding('utf8').on('data', (text) => log.push(text));
  child.stdin.on('error', () => {});
  child.stdin.end(content);
  const pieces = child.stdout[Symbol.asyncIterator]();
  let begin = Buffer.alloc(0);
  while (!begin.includes('\r\n\r\n')) {
    const { done, value } = await pieces.next();
    if (done) throw new Error(`The program has no answer: ${log.join('')}`);
    begin = Buffer.concat([begin, value]);
  }
  const end = begin.indexOf('\r\n\r\n');
  const fields = begin.subarray(0, end).toString('latin1').split('\r\n').map(asField);
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield begin.subarray(end + 4);
    yield* { [Symbol.asyncIterator]: () => pieces };
    // The process ends by itself; if not, the test waits until its time is over.
    if (child.exitCode === null) await once(child, 'exit');
    if (child.exitCode !== 0) throw new Error(`The program has ended with ${child.exitCode}`);
  }
  return {
    status: Number.parseInt(fields.find(([name]) => name === 'status')?.[1] ?? '200', 10),
    fields,
    content: rest(),
    leave: () => child.stdout.destroy(),
  };
}

function asField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** The variables that a web server sets (RFC 3875 §4.1). */
function variablesOf({ method = 'GET', path, fields = {}, content }: ClientRequest): Record<string, string> {
  const [pathInfo = '', query = ''] = path.split('?');
  const { 'Content-Type': type, ...others } = fields;
  const named = Object.entries(others).map(([name, value]) => [
    `HTTP_${name.toUpperCase().replaceAll('-', '_')}`,
    value,
  ]);
  return {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'test',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: 'site.test',
    SERVER_PORT: '80',
    SERVER_SOFTWARE: 'test',
    REMOTE_ADDR: '203.0.113.7',
    REQUEST_METHOD: method,
    REQUEST_URI: `/cgi-bin/site${path}`,
    SCRIPT_NAME: '/cgi-bin/site',
    PATH_INFO: decodeURIComponent(pathInfo),
    QUERY_STRING: query,
    HTTP_HOST: 'site.test',
    ...(type === undefined ? {} : { CONTENT_TYPE: type }),
    ...(content === undefined ? {} : { CONTENT_LENGTH: `${content.length}` }),
    ...Object.fromEntries(named),
  };
}
