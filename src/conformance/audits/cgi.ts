/** Audits of a gateway that runs an application as a CGI program (RFC 3875). */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditHost, AuditProgram, GatewayAudit } from '../audit.ts';
import { BULK_SIZE, cgiApplications } from '../cgi-programs.ts';
import type { AuditRow } from './kit.ts';

/** The output of the program, as native strings, and its exit code. */
interface Outcome {
  readonly output: string;
  readonly errors: string;
  readonly exitCode: number | null;
}

interface Description {
  readonly environ: Readonly<Record<string, unknown>>;
  readonly content: string;
  readonly isAtEnd: boolean;
  readonly proxy: string | null;
}

/** The variables that a web server gives a program; an audit replaces some. */
const VARIABLES: Readonly<Record<string, string>> = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/cgi-bin/audit',
  PATH_INFO: '/path',
  QUERY_STRING: '',
  SERVER_NAME: 'audit.test',
  SERVER_PORT: '80',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_SOFTWARE: 'audit/1',
  REMOTE_ADDR: '192.0.2.1',
};

/** Milliseconds that a program may take. It is started anew for each audit. */
const PATIENCE = 10_000;

/** The audits of lines 199 to 208, and 231. */
export const CGI_AUDITS: readonly GatewayAudit[] = [
  cgiAudit({
    id: 'cgi-199-output',
    sentence: 'MUST write the status, the headers, an empty line and the content',
    citation: 'RFC 3875 §6.2 and §6.3; wsgiref testContentLength',
    program: 'trivial',
    check: ({ output, errors, exitCode }) =>
      deepEqual([output, errors, exitCode], ['Status: 200 OK\r\nContent-Length: 4\r\n\r\nhttp', '', 0]),
  }),
  cgiAudit({
    id: 'cgi-200-no-http',
    sentence: 'MUST NOT write an HTTP status line, or fields that the server adds',
    citation: 'RFC 3875 §6.3; wsgiref testHeaderFormats',
    program: 'fields',
    check: ({ output }) =>
      equal(
        output,
        'Status: 404 Not Here\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\none two',
      ),
  }),
  cgiAudit({
    id: 'cgi-200-head',
    sentence: 'MUST NOT write content in answer to HEAD',
    citation: 'RFC 3875 §4.3.3',
    program: 'trivial',
    variables: { REQUEST_METHOD: 'HEAD' },
    check: ({ output }) => equal(output, 'Status: 200 OK\r\nContent-Length: 4\r\n\r\n'),
  }),
  cgiAudit({
    id: 'cgi-201-path-octets',
    sentence: 'SHOULD keep the octets of a PATH_INFO that is not UTF-8',
    citation: 'PEP 3333, Unicode Issues; PEP 383',
    program: 'describe',
    variables: { PATH_INFO: '/caf\xe9\xff' },
    check: (outcome) => equal(describeOutcome(outcome).environ.PATH_INFO, '/caf\xe9\xff'),
  }),
  cgiAudit({
    id: 'cgi-202-path-utf-8',
    sentence: 'MUST give a PATH_INFO in UTF-8 as its octets',
    citation: 'PEP 3333, The Server/Gateway Side',
    program: 'describe',
    variables: { PATH_INFO: '/\xe4\xb8\xad' },
    check: (outcome) => equal(describeOutcome(outcome).environ.PATH_INFO, '/\xe4\xb8\xad'),
  }),
  cgiAudit({
    id: 'cgi-203-process-model',
    sentence: 'MUST set run_once and multiprocess to true, and multithread to false',
    citation: 'PEP 3333, The Server/Gateway Side',
    program: 'describe',
    check(outcome) {
      const { environ } = describeOutcome(outcome);
      const keys = [
        'wsgi.run_once',
        'wsgi.multiprocess',
        'wsgi.multithread',
        'wsgi.url_scheme',
        'wsgi.version',
      ];
      deepEqual(
        keys.map((key) => environ[key]),
        [true, true, false, 'http', [1, 0]],
      );
      equal(environ.GATEWAY_INTERFACE, 'CGI/1.1');
    },
  }),
  ...Object.entries({ on: 'https', '1': 'https', yes: 'https', off: 'http' }).map(([value, scheme]) =>
    cgiAudit({
      id: `cgi-203-scheme-${value}`,
      sentence: `MUST give the scheme ${scheme} when HTTPS is ${value}`,
      citation: 'PEP 3333, The Server/Gateway Side; wsgiref testScheme',
      program: 'describe',
      variables: { HTTPS: value },
      check: (outcome) => equal(describeOutcome(outcome).environ['wsgi.url_scheme'], scheme),
    }),
  ),
  cgiAudit({
    id: 'cgi-204-content-length',
    sentence: 'MUST NOT read standard input beyond CONTENT_LENGTH, nor wait for its end',
    citation: 'RFC 3875 §4.2',
    program: 'describe',
    variables: { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' },
    converse: (child) => {
      child.stdin.write('hello, and more');
    },
    check(outcome) {
      const { content, isAtEnd } = describeOutcome(outcome);
      deepEqual([content, isAtEnd], ['hello', true]);
    },
  }),
  cgiAudit({
    id: 'cgi-204-no-content-length',
    sentence: 'MUST give an empty input without CONTENT_LENGTH, even if standard input stays open',
    citation: 'RFC 3875 §4.1.2 and §4.2',
    program: 'describe',
    converse: () => {},
    check: (outcome) => equal(describeOutcome(outcome).content, ''),
  }),
  cgiAudit({
    id: 'cgi-205-proxy',
    sentence: 'MUST remove HTTP_PROXY from the environ and from the environment of the process',
    citation: 'CVE-2016-5385 (httpoxy)',
    program: 'describe',
    variables: { HTTP_PROXY: 'http://evil.test/' },
    check(outcome) {
      const { environ, proxy } = describeOutcome(outcome);
      assert.ok(!('HTTP_PROXY' in environ), 'HTTP_PROXY must be absent');
      equal(proxy, null);
    },
  }),
  cgiAudit({
    id: 'cgi-206-error',
    sentence: 'MUST answer a failure before any output with 500, and describe it on standard error only',
    citation: 'RFC 3875 §6.3.3; wsgiref testBasicErrorOutput',
    program: 'failing',
    check({ output, errors }) {
      assert.match(output, /^Status: 500 Internal Server Error\r\n/);
      assert.doesNotMatch(output, /audit of line 206/);
      assert.match(errors, /audit of line 206/);
    },
  }),
  cgiAudit({
    id: 'cgi-206-late-error',
    sentence: 'MUST NOT exit with 0 when the application fails after some output',
    citation: 'Gateway semantics §5.6',
    program: 'failingLate',
    check({ output, errors, exitCode }) {
      assert.match(output, /\r\n\r\nbegun$/);
      assert.match(errors, /audit of line 206/);
      assert.notEqual(exitCode, 0);
    },
  }),
  cgiAudit({
    id: 'cgi-207-slow-pipe',
    sentence: 'MUST write all of a large output to a slow reader',
    citation: 'RFC 3875 §6.1; Node.js process.stdout',
    program: 'bulk',
    converse: async (child) => {
      child.stdin.end();
      await delay(300);
    },
    check: ({ output }) => equal(output.length - output.indexOf('\r\n\r\n') - 4, BULK_SIZE),
  }),
  cgiAudit({
    id: 'cgi-231-reused-memory',
    sentence: 'MUST be done with a chunk when it asks for the next, also if the reader is slow',
    citation: 'Gateway semantics, line 231',
    program: 'reusing',
    converse: async (child) => {
      child.stdin.end();
      await delay(300);
    },
    check({ output }) {
      const start = output.indexOf('\r\n\r\n') + 4;
      const size = BULK_SIZE / 64;
      for (let index = 0; index < 64; index += 1) {
        const chunk = output.slice(start + index * size, start + (index + 1) * size);
        assert.ok(chunk === String.fromCharCode(64 + index).repeat(size), `Chunk ${index} was changed`);
      }
    },
  }),
  cgiAudit({
    id: 'cgi-208-iis',
    sentence: 'MUST remove a leading SCRIPT_NAME from PATH_INFO if told that the server repeats it',
    citation: 'wsgiref IISCGIHandler',
    program: 'describe',
    repeatsScriptName: true,
    variables: { PATH_INFO: '/cgi-bin/audit/path' },
    check(outcome) {
      const { SCRIPT_NAME, PATH_INFO } = describeOutcome(outcome).environ;
      deepEqual([SCRIPT_NAME, PATH_INFO], ['/cgi-bin/audit', '/path']);
    },
  }),
];

function cgiAudit(
  row: Omit<AuditRow, 'needs'> & {
    readonly program: string;
    readonly repeatsScriptName?: boolean;
    readonly variables?: Readonly<Record<string, string>>;
    /** Acts as the server before the output is read. @default ends standard input */
    converse?(child: ChildProcessWithoutNullStreams): void | Promise<void>;
    check(outcome: Outcome): void;
  },
): GatewayAudit {
  const { id, sentence, citation, program: name, repeatsScriptName = false, variables, check } = row;
  const { converse = (child): void => void child.stdin.end() } = row;
  async function run(host: AuditHost): Promise<void> {
    const program: AuditProgram = { module: cgiApplications(), name, repeatsScriptName };
    assert.ok(host.startCgi, `Host ${host.name} has the capability 'cgi' but no startCgi method`);
    const child = host.startCgi(program, { ...VARIABLES, ...variables });
    try {
      child.stdin.on('error', () => {});
      const exit = once(child, 'exit');
      await converse(child);
      const over = Promise.all([collect(child.stdout), collect(child.stderr), exit]);
      const [output, errors, [exitCode]] = await inTime(over);
      check({ output, errors, exitCode });
    } finally {
      child.kill('SIGKILL');
    }
  }
  return { id, sentence, citation, needs: ['cgi'], run };
}

/** Waits for a program to end. Fails instead of hanging. */
async function inTime<Result>(over: Promise<Result>): Promise<Result> {
  const patience = new AbortController();
  const tooLate = delay(PATIENCE, undefined, { signal: patience.signal }).then(() =>
    assert.fail(`The program must end by itself, within ${PATIENCE} ms`),
  );
  tooLate.catch(() => {});
  return Promise.race([over, tooLate]).finally(() => patience.abort());
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

function describeOutcome({ output, errors }: Outcome): Description {
  const start = output.indexOf('\r\n\r\n') + 4;
  assert.match(output, /^Status: 200 OK\r\n/, `The program must answer: ${errors}`);
  return JSON.parse(Buffer.from(output.slice(start), 'latin1').toString());
}
