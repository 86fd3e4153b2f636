import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CgiEnvironOptions, createCgiEnviron as create } from '../../../bridges/_cgi/environ.ts';
import { runCgi } from '../../../bridges/cgi/index.ts';
import type { Application } from '../../../src/index.ts';

/** Makes the environ of a CGI program, without content. */
const createCgiEnviron = (variables: Record<string, string>, options?: CgiEnvironOptions) =>
  create(
    variables,
    { createInput: () => ({ pull: () => null }), runsOnce: true, multiprocess: true },
    options,
  );

const PROGRAM = join(import.meta.dirname, 'cgi-program.ts');
const ROOT = join(import.meta.dirname, '../..');

/** The variables that Apache sets, apart from those that a test is about. */
const APACHE = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/cgi-bin/program',
  PATH_INFO: '/x',
  QUERY_STRING: '',
  SERVER_NAME: 'example.com',
  SERVER_PORT: '8080',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_SOFTWARE: 'Apache',
  REMOTE_ADDR: '192.0.2.1',
  HTTP_HOST: 'example.com:8080',
};

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

function start(app: string, variables: Readonly<Record<string, string>> = APACHE): Child {
  const env = { PATH: process.env.PATH ?? '', APP: app, ...variables };
  return spawn(process.execPath, ['--import', 'tsx', PROGRAM], { cwd: ROOT, env, stdio: 'pipe' });
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

async function outcomeOf(child: Child): Promise<Outcome> {
  const [stdout, stderr, [code]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    once(child, 'exit'),
  ]);
  return { stdout, stderr, code };
}

/** The answer of the program `environ`. */
function parseContent(stdout: string): { environ: Record<string, unknown>; content: string } {
  return JSON.parse(Buffer.from(stdout.slice(stdout.indexOf('\r\n\r\n')), 'latin1').toString());
}

async function run(app: string, variables?: Readonly<Record<string, string>>, input = ''): Promise<Outcome> {
  const child = start(app, variables);
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return outcomeOf(child);
}

describe('runCgi() output', () => {
  it('is Status, the headers, an empty line and the content', async () => {
    const { stdout, stderr, code } = await run('hello');
    expect(stdout).toBe('Status: 200 OK\r\nContent-Length: 4\r\n\r\nhttp');
    expect([stderr, code]).toEqual(['', 0]);
  });

  it('keeps repeated fields, octets above 7F and the reason as given', async () => {
    const { stdout } = await run('fields');
    expect(stdout).toBe(
      'Status: 404 Not here\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Octet: \xe9\r\nContent-Length: 2\r\n\r\nab',
    );
  });

  it('has no framing without a known length, and no fields of a server', async () => {
    const { stdout, stderr, code } = await run('pieces');
    expect(stdout).toBe('Status: 200 OK\r\nContent-Type: text/plain\r\n\r\none,two');
    expect([stderr, code]).toEqual(['between\n', 0]);
  });

  it('has no content for HEAD', async () => {
    const { stdout } = await run('hello', { ...APACHE, REQUEST_METHOD: 'HEAD' });
    expect(stdout).toBe('Status: 200 OK\r\nContent-Length: 4\r\n\r\n');
  });

  it('is a 500 after an early error, with the stack on standard error only', async () => {
    const { stdout, stderr, code } = await run('early');
    expect(stdout).toMatch(/^Status: 500 Internal Server Error\r\nContent-Type: text\/plain/);
    expect(stdout).not.toContain('trouble');
    expect(stderr).toContain('Error: early trouble\n    at ');
    expect(code).toBe(0);
  });

  it('stops at a late error and sets the exit code', async () => {
    const { stdout, stderr, code } = await run('late');
    expect(stdout).toBe('Status: 200 OK\r\n\r\nbegun');
    expect(stderr).toContain('Error: late trouble');
    expect(code).toBe(1);
  });

  it.each([
    ['begun', 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbegun'],
    ['', ''],
  ])('sets the exit code if a wrapped program destroys its response: after "%s"', async (BEGIN, output) => {
    const { stdout, code } = await run('destroyed', { ...APACHE, BEGIN });
    expect([stdout, code]).toEqual([output, 1]);
  });

  it('is complete for a slow reader', async () => {
    const child = start('big', { ...APACHE, MEBIBYTES: '24' });
    child.stdin.end();
    const exited = once(child, 'exit');
    const hash = createHash('sha256');
    let length = 0;
    await sleep(1000);
    for await (const chunk of child.stdout) {
      hash.update(chunk);
      length += chunk.length;
      if (length % 7 === 0) await sleep(2);
    }
    const expected = createHash('sha256').update('Status: 200 OK\r\n\r\n');
    for (let index = 0; index < 24; index += 1) expected.update(Buffer.alloc(1_048_576, index));
    expect(length).toBe(24 * 1_048_576 + 18);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    expect((await exited)[0]).toBe(0);
  });

  it('ends the application without an error when the reader is gone', async () => {
    const child = start('endless');
    child.stdin.end();
    child.stdout.once('data', () => child.stdout.destroy());
    const [stderr, [code]] = await Promise.all([collect(child.stderr), once(child, 'exit')]);
    expect(stderr).toBe('generator finished\n');
    expect(code).toBe(0);
  });

  it('is a full HTTP/1.0 response for an NPH script', async () => {
    const { stdout } = await run('hello', { ...APACHE, SCRIPT_NAME: '/cgi-bin/nph-program' });
    expect(stdout).toMatch(/^HTTP\/1\.0 200 OK\r\nDate: \w{3}, [^\r]+ GMT\r\nContent-Length: 4\r\n\r\nhttp$/);
  });

  it('follows the nph option', async () => {
    const [on, off] = await Promise.all([
      run('hello', { ...APACHE, OPTIONS: '{"nph":true}' }),
      run('hello', { ...APACHE, SCRIPT_NAME: '/nph-program', OPTIONS: '{"nph":false}' }),
    ]);
    expect(on.stdout).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(off.stdout).toMatch(/^Status: 200 OK\r\n/);
  });
});

describe('runCgi() environ', () => {
  async function environOf(variables: Readonly<Record<string, string>>, input = '') {
    const { stdout } = await run('environ', variables, input);
    return parseContent(stdout);
  }

  it('holds the environment and the keys of PEP 3333', async () => {
    const { environ } = await environOf({
      ...APACHE,
      PATH_INFO: '/中',
      HTTPS: 'on',
      DOCUMENT_ROOT: '/var/www',
    });
    expect(environ).toMatchObject({
      ...APACHE,
      PATH_INFO: '/\xe4\xb8\xad',
      HTTPS: 'on',
      DOCUMENT_ROOT: '/var/www',
      APP: 'environ',
      'wsgi.version': [1, 0],
      'wsgi.url_scheme': 'https',
      'wsgi.input': 'object',
      'wsgi.errors': 'object',
      'wsgi.run_once': true,
      'wsgi.multiprocess': true,
      'wsgi.multithread': false,
      'wsgi.input_terminated': true,
      'wsgi.file_wrapper': 'function',
    });
  });

  it.runIf(process.platform === 'linux')('keeps octets outside UTF-8', async () => {
    const command = `PATH_INFO="$(printf '/caf\\351/\\200\\377')" HTTP_X="$(printf '\\303')" exec "$0" --import tsx "$1"`;
    const env = { PATH: process.env.PATH ?? '', APP: 'environ', SCRIPT_NAME: '' };
    const child = spawn('sh', ['-c', command, process.execPath, PROGRAM], { cwd: ROOT, env, stdio: 'pipe' });
    child.stdin.end();
    const { stdout } = await outcomeOf(child);
    const { environ } = parseContent(stdout);
    expect([environ.PATH_INFO, environ.HTTP_X]).toEqual(['/caf\xe9/\x80\xff', '\xc3']);
  });

  it('works without a server, to try a program out', async () => {
    const { environ } = await environOf({});
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      QUERY_STRING: '',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.0',
      GATEWAY_INTERFACE: 'CGI/1.1',
      'wsgi.url_scheme': 'http',
    });
  });

  it('omits HTTP_PROXY and removes it from process.env', async () => {
    const variables = { ...APACHE, HTTP_PROXY: 'http://evil.example/' };
    const [{ environ }, { stderr }] = await Promise.all([environOf(variables), run('ignore', variables)]);
    expect(environ).not.toHaveProperty('HTTP_PROXY');
    expect(stderr).toBe('code 0, HTTP_PROXY undefined\n');
  });

  it('cuts SCRIPT_NAME off PATH_INFO for IIS', async () => {
    const variables = { ...APACHE, SCRIPT_NAME: '/app', PATH_INFO: '/app/x', OPTIONS: '{"iis":true}' };
    const { environ } = await environOf(variables);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(['/app', '/x']);
  });

  it('gives the content up to CONTENT_LENGTH', async () => {
    const { content } = await environOf(
      { ...APACHE, REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' },
      'helloEXTRA',
    );
    expect(content).toBe('hello');
  });

  it('gives no content without CONTENT_LENGTH, even if standard input stays open', async () => {
    const child = start('environ', { ...APACHE, REQUEST_METHOD: 'POST' });
    const { stdout, code } = await outcomeOf(child);
    expect(stdout).toContain('"content":""');
    expect(code).toBe(0);
    child.stdin.destroy();
  });
});

describe('runCgi() input', () => {
  it('leaves octets after the content to the next reader', async () => {
    const command = '"$0" --import tsx "$1" >&2; cat';
    const env = { PATH: process.env.PATH ?? '', ...APACHE, APP: 'digest', CONTENT_LENGTH: '3' };
    const child = spawn('sh', ['-c', command, process.execPath, PROGRAM], { cwd: ROOT, env, stdio: 'pipe' });
    child.stdin.end('abcthe rest');
    const { stdout, stderr } = await outcomeOf(child);
    expect(stderr).toContain(createHash('sha256').update('abc').digest('hex'));
    expect(stdout).toBe('the rest');
  });

  it('is read completely when it is large and slow', async () => {
    const content = Buffer.alloc(3_000_000, 'upload');
    const child = start('digest', {
      ...APACHE,
      REQUEST_METHOD: 'POST',
      CONTENT_LENGTH: String(content.length),
    });
    const outcome = outcomeOf(child);
    for (let index = 0; index < content.length; index += 500_000) {
      child.stdin.write(content.subarray(index, index + 500_000));
      await sleep(20);
    }
    const { stdout } = await outcome;
    expect(stdout).toContain(createHash('sha256').update(content).digest('hex'));
    child.stdin.destroy();
  });

  it('need not be read', async () => {
    const child = start('ignore', { ...APACHE, REQUEST_METHOD: 'POST', CONTENT_LENGTH: '1000000' });
    child.stdin.on('error', () => {});
    child.stdin.write('some of it');
    const { stdout, code } = await outcomeOf(child);
    expect(stdout).toBe('Status: 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect(code).toBe(0);
  });

  it('gets a 400 without a log when it ends early', async () => {
    const variables = { ...APACHE, REQUEST_METHOD: 'POST', CONTENT_LENGTH: '100' };
    const { stdout, stderr, code } = await run('digest', variables, 'short');
    expect(stdout).toMatch(/^Status: 400 Bad Request\r\n/);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  });
});

describe('runCgi()', () => {
  it('throws a TypeError at once for a value that is not an application', () => {
    // Callers without types can pass anything.
    expect(() => runCgi(null as unknown as Application)).toThrow(TypeError);
  });
});

describe('createCgiEnviron()', () => {
  it.each<[Record<string, string>, Record<string, unknown>]>([
    [{}, { SCRIPT_NAME: '', PATH_INFO: '/' }],
    [
      { SCRIPT_NAME: '/a', PATH_INFO: '' },
      { SCRIPT_NAME: '/a', PATH_INFO: '' },
    ],
    [
      { SCRIPT_NAME: '/', PATH_INFO: '' },
      { SCRIPT_NAME: '', PATH_INFO: '/' },
    ],
    [
      { SCRIPT_NAME: '/', PATH_INFO: '/x' },
      { SCRIPT_NAME: '', PATH_INFO: '/x' },
    ],
    [
      { SCRIPT_NAME: '/a/', PATH_INFO: '' },
      { SCRIPT_NAME: '/a', PATH_INFO: '/' },
    ],
    [
      { SCRIPT_NAME: '/a', PATH_INFO: '/a/x' },
      { SCRIPT_NAME: '/a', PATH_INFO: '/a/x' },
    ],
  ])('splits %j into %j', (variables, expected) => {
    expect(createCgiEnviron(variables)).toMatchObject(expected);
  });

  it.each([
    ['/a', '/a', ''],
    ['/a', '/a/x', '/x'],
    ['/a', '/apple', '/apple'],
    ['', '/x', '/x'],
  ])('cuts %j off %j for IIS: %j', (script, path, expected) => {
    const environ = createCgiEnviron({ SCRIPT_NAME: script, PATH_INFO: path }, { iis: true });
    expect(environ.PATH_INFO).toBe(expected);
  });

  it.each([
    ['on', 'https', '443'],
    ['1', 'https', '443'],
    ['yes', 'https', '443'],
    ['off', 'http', '80'],
    ['', 'http', '80'],
  ])('takes the scheme from HTTPS=%s', (HTTPS, scheme, port) => {
    const environ = createCgiEnviron({ HTTPS });
    expect([environ['wsgi.url_scheme'], environ.SERVER_PORT]).toEqual([scheme, port]);
  });

  it('omits empty, forbidden and reserved variables', () => {
    const environ = createCgiEnviron({
      CONTENT_TYPE: '',
      CONTENT_LENGTH: '',
      SERVER_NAME: '',
      REQUEST_URI: '',
      HTTP_PROXY: 'x',
      HTTP_CONTENT_TYPE: 'x',
      HTTP_CONTENT_LENGTH: '1',
      HTTP_X_EMPTY: '',
      'wsgi.errors': 'x',
      'gateway.nonblocking': 'x',
    });
    const missing = ['CONTENT_TYPE', 'CONTENT_LENGTH', 'REQUEST_URI', 'RAW_URI', 'gateway.raw_headers'];
    for (const name of [...missing, 'HTTP_PROXY', 'HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH']) {
      expect(Object.keys(environ)).not.toContain(name);
    }
    expect(environ).toMatchObject({
      SERVER_NAME: '127.0.0.1',
      HTTP_X_EMPTY: '',
      'gateway.nonblocking': true,
    });
    expect(typeof environ['wsgi.errors']).toBe('object');
  });

  it.each(['+5', '-1', '0x5', '5, 5', 'x'])('ignores a CONTENT_LENGTH of %j', async (CONTENT_LENGTH) => {
    const environ = createCgiEnviron({ CONTENT_LENGTH });
    expect(environ.CONTENT_LENGTH).toBeUndefined();
    expect(await environ['wsgi.input'].read()).toHaveLength(0);
  });

  it('gives the target under both names', () => {
    const environ = createCgiEnviron({ REQUEST_URI: '/a%2Fb?c', PATH_INFO: '/a/b' });
    expect(environ).toMatchObject({ REQUEST_URI: '/a%2Fb?c', RAW_URI: '/a%2Fb?c', PATH_INFO: '/a/b' });
  });
});
