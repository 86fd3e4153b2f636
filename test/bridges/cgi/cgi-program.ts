/** A CGI program that run-cgi.test.ts starts as a web server would. APP selects what it does. */
import { createHash } from 'node:crypto';
import { type RunCgiOptions, runCgi } from '../../../bridges/cgi/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import type { ApplicationFunction, Environ } from '../../../src/index.ts';

const TEXT: [string, string] = ['Content-Type', 'text/plain'];

const applications: Record<string, ApplicationFunction> = {
  hello(_environ, startResponse) {
    startResponse('200 OK', []);
    return [Buffer.from('http')];
  },

  fields(_environ, startResponse) {
    startResponse('404 Not here', [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Octet', '\xe9'],
    ]);
    return [Buffer.from('a'), Buffer.from('b')];
  },

  *pieces(environ, startResponse) {
    startResponse('200 OK', [TEXT]);
    yield Buffer.from('one,');
    environ['wsgi.errors'].write('between\n');
    yield Buffer.from('two');
  },

  async environ(environ, startResponse) {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    const content = await environ['wsgi.input'].read();
    return [
      Buffer.from(JSON.stringify({ environ: plain(environ), content: Buffer.from(content).toString() })),
    ];
  },

  async *digest(environ, startResponse) {
    const hash = createHash('sha256');
    for await (const piece of environ['wsgi.input'].chunks()) hash.update(piece);
    startResponse('200 OK', [TEXT]);
    yield Buffer.from(hash.digest('hex'));
  },

  ignore(_environ, startResponse) {
    startResponse('200 OK', []);
    return [];
  },

  *big(environ, startResponse) {
    startResponse('200 OK', []);
    for (let index = 0; index < Number(environ.MEBIBYTES); index += 1) yield Buffer.alloc(1_048_576, index);
  },

  async *endless(environ, startResponse) {
    startResponse('200 OK', []);
    try {
      for (;;) {
        yield Buffer.alloc(65_536);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      environ['wsgi.errors'].write('generator finished\n');
    }
  },

  early() {
    throw new Error('early trouble');
  },

  *late(_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('begun');
    throw new Error('late trouble');
  },

  destroyed: fromNode((_request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    if (process.env.BEGIN) response.write(process.env.BEGIN);
    setTimeout(() => response.destroy(), 20);
  }),
};

/** Describes values that JSON knows, and the kind of all others. */
function plain(environ: Environ): Record<string, unknown> {
  const isTold = (value: unknown) =>
    typeof value !== 'function' && !(typeof value === 'object' && !Array.isArray(value));
  return Object.fromEntries(
    Object.entries(environ).map(([key, value]) => [key, isTold(value) ? value : typeof value]),
  );
}

const { APP = 'hello', OPTIONS = '{}' } = process.env;
const options: RunCgiOptions = JSON.parse(OPTIONS);
const code = await runCgi(applications[APP] ?? applications.hello ?? (() => []), options);
if (APP === 'ignore') console.error(`code ${code}, HTTP_PROXY ${String(process.env.HTTP_PROXY)}`);
