import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { type CgiProgram, fromCgi } from '../../../bridges/cgi/index.ts';
import { toExpress } from '../../../bridges/express/index.ts';
import { type ApplicationFunction, type Environ, encodeNative } from '../../../src/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import { validate } from '../../../src/validate/index.ts';
import { folder, program, serve, serveProgram } from './programs.ts';

/** Shows its environment, octet by octet, and what came on standard input. */
const SHOW =
  'printf "Content-Type: text/plain\\n\\n"; env -0 | sort -z | tr "\\0" "\\n"; printf "content="; cat';

function variablesIn(shown: string): Record<string, string> {
  const lines = shown.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Sends octets as they are, and gives all that comes back. */
async function send(port: number, octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.from(octets, 'latin1'));
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

describe('a program of fromCgi', () => {
  it('gets the meta-variables, its path and PATH, and nothing else', async () => {
    process.env.GATEBRIDGE_SECRET = 'secret';
    const { url } = await serveProgram('show', SHOW, { env: { OWN: 'own', GONE: undefined } });
    const response = await fetch(`${url}/a%20b?c=d`, {
      headers: { Authorization: 'Basic YTpi', Proxy: 'evil' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain');
    const { PWD, OLDPWD, _, SHLVL, ...variables } = variablesIn(await response.text());
    expect(variables).toEqual({
      GATEWAY_INTERFACE: 'CGI/1.1',
      HTTP_ACCEPT: '*/*',
      HTTP_ACCEPT_ENCODING: expect.any(String),
      HTTP_ACCEPT_LANGUAGE: '*',
      HTTP_HOST: url.slice(7),
      HTTP_SEC_FETCH_MODE: 'cors',
      HTTP_USER_AGENT: 'node',
      OWN: 'own',
      PATH: process.env.PATH,
      PATH_INFO: '/a b',
      QUERY_STRING: 'c=d',
      REMOTE_ADDR: '127.0.0.1',
      REMOTE_PORT: expect.stringMatching(/^\d+$/),
      REQUEST_METHOD: 'GET',
      REQUEST_SCHEME: 'http',
      REQUEST_URI: '/a%20b?c=d',
      SCRIPT_FILENAME: join(folder, 'show'),
      SCRIPT_NAME: '',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: url.slice(17),
      SERVER_PROTOCOL: 'HTTP/1.1',
      SERVER_SOFTWARE: expect.any(String),
      content: '',
    });
  });

  it('runs in its own folder, or in another', async () => {
    const source = 'printf "Content-Type: text/plain\\n\\n"; pwd -P';
    expect(await (await fetch((await serveProgram('pwd', source)).url)).text()).toBe(`${folder}\n`);
    const { url } = await serveProgram('pwd', source, { cwd: '/' });
    expect(await (await fetch(url)).text()).toBe('/\n');
  });

  it.each([
    ['as UTF-8', 'caf%C3%A9', 'caf\xc3\xa9'],
    ['as latin-1', 'caf%E9', 'caf\xe9'],
    ['mixed, with line ends', "%FF%0A'%22$x%5C%25%0A%0A", '\xff\n\'"$x\\%\n\n'],
  ])('gets the octets of a path %s', async (_name, path, octets) => {
    const { port } = await serveProgram(
      'octets',
      'printf "Content-Type: a/b\\n\\n"; printf "%s|" "$PATH_INFO"',
    );
    const answer = await send(port, `GET /${path} HTTP/1.0\r\nHost: x\r\n\r\n`);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(`/${octets}|`);
  });

  it('answers 400 to a path with NUL', async () => {
    const { port } = await serveProgram('show', SHOW);
    expect(await send(port, 'GET /a%00b HTTP/1.0\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('takes variables from the option environ, and others over those of the request', async () => {
    const environ = (received: Environ): Record<string, unknown> => ({
      REMOTE_USER: encodeNative(`Zoë of ${received.PATH_INFO}`),
      AUTH_TYPE: 'own',
      HTTP_ACCEPT: undefined,
      APP_ID: 7,
    });
    const { url } = await serveProgram('show', SHOW, { environ });
    const variables = variablesIn(await (await fetch(`${url}/x`)).text());
    expect(variables).toMatchObject({ REMOTE_USER: 'Zoë of /x', AUTH_TYPE: 'own', APP_ID: '7' });
    expect(variables).not.toHaveProperty('HTTP_ACCEPT');
  });

  it("gets the user of Express's middleware", async () => {
    const app = express();
    app.use((request, _response, next) => {
      Object.assign(request, { user: request.query.user && { name: request.query.user } });
      next();
    });
    const user = (environ: Environ): Record<string, unknown> => {
      // Set above.
      const { user: found } = environ['express.req'] as { user?: { name: string } };
      return { REMOTE_USER: found?.name };
    };
    app.use('/m', toExpress(fromCgi(program('show', SHOW)), { environ: user }));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const shown = async (query: string): Promise<Record<string, string>> =>
      variablesIn(await (await fetch(`http://127.0.0.1:${port}/m/x${query}`)).text());
    expect(await shown('?user=ada')).toMatchObject({
      REMOTE_USER: 'ada',
      SCRIPT_NAME: '/m',
      PATH_INFO: '/x',
    });
    expect(await shown('')).not.toHaveProperty('REMOTE_USER');
    server.close();
  });

  it('gets PATH_TRANSLATED with documentRoot, and Authorization if it asks', async () => {
    const { url, port } = await serveProgram('show', SHOW, {
      documentRoot: '/srv/www/',
      authorization: true,
    });
    const response = await fetch(`${url}/a/b`, { headers: { Authorization: 'Basic YTpi' } });
    expect(variablesIn(await response.text())).toMatchObject({
      DOCUMENT_ROOT: '/srv/www',
      PATH_TRANSLATED: '/srv/www/a/b',
      HTTP_AUTHORIZATION: 'Basic YTpi',
    });
    const climbing = await send(port, 'GET /a/../../../etc/passwd HTTP/1.0\r\nHost: x\r\n\r\n');
    expect(climbing).toContain('PATH_INFO=');
    expect(climbing).not.toContain('PATH_TRANSLATED');
  });

  it('may be a file: URL, or a list with arguments', async () => {
    const path = program('arguments', 'printf "Content-Type: a/b\\n\\n"; echo "$*|$SCRIPT_FILENAME"');
    const answers: string[] = [];
    const forms: CgiProgram[] = [pathToFileURL(path), [path, 'a b', '$c'], ['sh', path, 'd']];
    for (const form of forms) answers.push(await (await fetch((await serve(fromCgi(form))).url)).text());
    expect(answers).toEqual([`|${path}\n`, 'a b $c|\n', 'd|\n']);
  });
});

describe('programs in other languages', () => {
  it('Perl', async () => {
    const source = `#!/usr/bin/perl
use strict; use warnings;
binmode STDIN; binmode STDOUT;
read(STDIN, my $content, $ENV{CONTENT_LENGTH} || 0);
print "Status: 201 Made\\r\\nContent-Type: text/plain\\r\\nSet-Cookie: a=1\\r\\nSet-Cookie: b=2\\r\\n\\r\\n";
print scalar reverse $content;`;
    const { url } = await serveProgram('reverse.pl', source);
    const response = await fetch(url, { method: 'POST', body: 'abc' });
    expect([response.status, response.statusText, await response.text()]).toEqual([201, 'Made', 'cba']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  it('Python, with the CGI handler of wsgiref', async () => {
    const source = `#!/usr/bin/env python3
from wsgiref.handlers import CGIHandler
from wsgiref.validate import validator
def application(environ, start_response):
    content = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [environ['SCRIPT_NAME'].encode('latin-1'), b'|', environ['PATH_INFO'].encode('latin-1'), b'|', content]
CGIHandler().run(validator(application))`;
    const application = dispatch({ '/café': fromCgi(program('wsgi.py', source)) });
    const { url } = await serve(application);
    const response = await fetch(`${url}/caf%C3%A9/th%C3%A9`, { method: 'POST', body: 'content' });
    expect([response.status, await response.text()]).toEqual([200, '/café|/thé|content']);
  });
});

describe('an application of runCgi in fromCgi', () => {
  const PROGRAM = join(import.meta.dirname, 'cgi-program.ts');
  const wrap = (app: string, env = {}): ApplicationFunction =>
    fromCgi([process.execPath, '--import', 'tsx', PROGRAM], {
      cwd: join(import.meta.dirname, '../../..'),
      env: { APP: app, ...env },
      environ: { REMOTE_USER: 'ada' },
    });

  it('sees the request as it was', { timeout: 60_000 }, async () => {
    const { url, port } = await serve(dispatch({ '/m': validate(wrap('environ')) }));
    const sent =
      'POST /m/caf%E9/%C3%A9?q=%20 HTTP/1.0\r\nHost: x\r\nX-Octet: \xe9\xff\r\nContent-Length: 3\r\n\r\nabc';
    const answer = await send(port, sent);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const { environ, content } = JSON.parse(
      Buffer.from(answer.slice(answer.indexOf('\r\n\r\n')), 'latin1').toString(),
    );
    expect(content).toBe('abc');
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '/m',
      PATH_INFO: '/caf\xe9/\xc3\xa9',
      QUERY_STRING: 'q=%20',
      REQUEST_URI: '/m/caf%E9/%C3%A9?q=%20',
      CONTENT_LENGTH: '3',
      HTTP_X_OCTET: '\xe9\xff',
      REMOTE_USER: 'ada',
      SERVER_PORT: url.slice(17),
      'wsgi.url_scheme': 'http',
    });
  });

  it('answers as it does elsewhere', { timeout: 60_000 }, async () => {
    const { url } = await serve(validate(wrap('fields')));
    const response = await fetch(url);
    expect([response.status, response.statusText, await response.text()]).toEqual([404, 'Not here', 'ab']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const early = await serve(validate(wrap('early')));
    expect((await fetch(early.url)).status).toBe(500);
    expect(early.log()).toContain('Error: early trouble');
    const late = await serve(validate(wrap('late')));
    // Its end is that of a program that has not declared a length.
    expect(await (await fetch(late.url)).text()).toBe('begun');
  });
});

describe('the response', () => {
  it('is streamed as the program writes it', async () => {
    const source =
      'printf "Content-Type: a/b\\n\\none"; while [ ! -e "$GO" ]; do sleep 0.02; done; printf two';
    const go = join(folder, 'go');
    const { url } = await serveProgram('pieces', source, { env: { GO: go } });
    const reader = (await fetch(url)).body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('one');
    writeFileSync(go, '');
    expect((await reader?.read())?.value).toBe('two');
    expect((await reader?.read())?.done).toBe(true);
  });

  it.each([
    ['HEAD', 'printf "Content-Type: a/b\\nContent-Length: 7\\n\\ncontent"', 200, '7'],
    ['HEAD', 'printf "Content-Type: a/b\\n\\n"; yes', 200, null],
    ['GET', 'printf "Status: 204\\n\\n"; yes | head -c 1000000', 204, null],
    ['GET', 'printf "Status: 304\\nContent-Length: 7\\n\\n"', 304, '7'],
  ])('to %s of %j has no content', async (method, source, status, length) => {
    const { url, log } = await serveProgram('bodiless', source, { timeout: 300, killTimeout: 100 });
    const response = await fetch(url, { method });
    expect([response.status, response.headers.get('content-length')]).toEqual([status, length]);
    expect(await response.text()).toBe('');
    expect(log()).toBe('');
  });

  it('has the declared length, and no more', async () => {
    const { url, log } = await serveProgram(
      'long',
      'printf "Content-Type: a/b\\nContent-Length: 4\\n\\ncontent"',
    );
    expect(await (await fetch(url)).text()).toBe('cont');
    expect(log()).toContain('long wrote more than the 4 octets that its Content-Length declares');
  });

  it('is cut off if it is shorter than declared, or the program is killed', async () => {
    const short = await serveProgram('short', 'printf "Content-Type: a/b\\nContent-Length: 9\\n\\ncontent"');
    await expect(fetch(short.url).then((response) => response.text())).rejects.toThrow();
    expect(short.log()).toContain('exited with code 0 after 7 of the 9 octets');
    const killed = await serveProgram('killed', 'printf "Content-Type: a/b\\n\\ncontent"; kill -9 $$');
    await expect(fetch(killed.url).then((response) => response.text())).rejects.toThrow();
    expect(killed.log()).toContain('killed was ended by SIGKILL');
  });

  it('is complete if the program exits with an error, which is logged', async () => {
    const { url, log } = await serveProgram('failing', 'printf "Content-Type: a/b\\n\\ncontent"; exit 3');
    expect(await (await fetch(url)).text()).toBe('content');
    await delay(20);
    expect(log()).toContain('failing exited with code 3');
  });

  it('ends with the output, not with processes that are left behind', async () => {
    const source = 'printf "Content-Type: a/b\\n\\ncontent"; sleep 5 >/dev/null 2>&1 & exit 0';
    const { url } = await serveProgram('behind', source);
    const begin = performance.now();
    expect(await (await fetch(url)).text()).toBe('content');
    expect(performance.now() - begin).toBeLessThan(2_000);
  });

  it('comes with what the program writes to standard error, line by line in the log', async () => {
    const source = 'echo "first line" >&2; printf "sec\\033ond" >&2; printf "Content-Type: a/b\\n\\n"';
    const { url, log } = await serveProgram('errors', source);
    await (await fetch(`${url}/x`)).text();
    await delay(50);
    expect(log()).toMatch(/^\S+ GET \/x errors wrote: first line\n\S+ GET \/x errors wrote: sec\\x1bond\n$/);
  });
});

describe('a local redirect', () => {
  const source = `case "$PATH_INFO" in
    /from) printf "Location: /m/to?x=1\\n\\n" ;;
    /out) printf "Location: /other?x=1\\n\\n" ;;
    /loop) printf "Location: /m/loop\\n\\n" ;;
    *) printf "Content-Type: a/b\\n\\n$REQUEST_METHOD $PATH_INFO $QUERY_STRING $CONTENT_LENGTH" ;;
  esac`;

  it('is answered by the program itself below its mount', async () => {
    const { url } = await serve(dispatch({ '/m': validate(fromCgi(program('redirect', source))) }));
    const response = await fetch(`${url}/m/from`, { method: 'POST', body: 'content' });
    expect([response.redirected, await response.text()]).toEqual([false, 'GET /to x=1 ']);
  });

  it('leads the client elsewhere, or is answered by localRedirect', async () => {
    const path = program('redirect', source);
    const { url } = await serve(dispatch({ '/m': fromCgi(path) }));
    const response = await fetch(`${url}/m/out`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, '/other?x=1']);
    const site: ApplicationFunction = dispatch({
      '/m': fromCgi(path, { localRedirect: (environ, start) => site(environ, start) }),
      '/other': (environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [Buffer.from(`other ${environ.QUERY_STRING}`)];
      },
    });
    expect(await (await fetch(`${(await serve(site)).url}/m/out`)).text()).toBe('other x=1');
  });

  it('does not go on for ever', async () => {
    const { url, log } = await serve(dispatch({ '/m': fromCgi(program('redirect', source)) }));
    expect((await fetch(`${url}/m/loop`)).status).toBe(502);
    expect(log()).toContain('11 local redirects follow one another, the last to "/m/loop"');
  });
});

describe('a head that is written alone', () => {
  it('leaves before the content comes, as event streams need', async () => {
    const { url } = await serveProgram('events', 'printf "Content-Type: a/b\\n\\n"; sleep 1; printf done');
    const begin = Date.now();
    const response = await fetch(url);
    expect(Date.now() - begin).toBeLessThan(900);
    expect(await response.text()).toBe('done');
  });

  it('has the length of no content if the program ends', async () => {
    const { url } = await serveProgram('alone', 'printf "Content-Type: a/b\\n\\n"');
    const response = await fetch(url);
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['0', '']);
  });
});

it('reads its output in memory that is its own', async () => {
  const { url } = await serveProgram('count', 'printf "Content-Type: a/b\\n\\n"; seq 1 100000');
  const expected = Array.from({ length: 100_000 }, (_, at) => `${at + 1}\n`).join('');
  // The type of node's fetch is not that of node's streams.
  expect((await text((await fetch(url)).body as unknown as NodeJS.ReadableStream)) === expected).toBe(true);
});
