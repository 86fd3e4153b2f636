/** Audits of `wsgi.input`: the result of each method, and content that does not arrive. */

import assert, { deepEqual, equal } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { isError } from '../../errors.ts';
import { isOctets } from '../../gateway/octets.ts';
import type { Application, ApplicationFunction, Environ, InputStream } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type RequestParts } from '../stage.ts';
import { type AuditRow, audit, eventually, gate, octets, text } from './kit.ts';

type Read = Uint8Array | readonly Uint8Array[] | string | boolean | undefined;

/** The audits of lines 151 to 162, 166 and 175. */
export const INPUT_AUDITS: readonly GatewayAudit[] = [
  inputAudit({
    id: 'input-151-read',
    sentence: 'MUST return the requested octets, then the rest, then always nothing',
    citation: 'PEP 3333, Input and Error Streams',
    request: post('hello, world'),
    exercise: (input) =>
      inTurn([() => input.read(5), () => input.read(), () => input.read(), () => input.read(1)]),
    expected: ['hello', ', world', '', ''],
  }),
  inputAudit({
    id: 'input-152-read-sizes',
    sentence: 'MUST return nothing for size 0, and all that is left for a size beyond the end',
    citation: 'PEP 3333, Input and Error Streams; Gunicorn test_readline_zero_size',
    request: post('hello, world'),
    exercise: (input) => inTurn([() => input.read(0), () => input.read(100), () => input.read(0)]),
    expected: ['', 'hello, world', ''],
  }),
  inputAudit({
    id: 'input-152-read-all',
    sentence: 'MUST return the rest of the content for a negative size, null or undefined',
    citation: 'PEP 3333, Input and Error Streams; Gunicorn getsize',
    request: post('abc'),
    exercise: (input) => inTurn([() => input.read(1), () => input.read(-1), () => input.read(null)]),
    expected: ['a', 'bc', ''],
  }),
  inputAudit({
    id: 'input-153-readline',
    sentence: 'MUST split lines at LF only, keep it, and give the last line without one',
    citation: 'PEP 3333, Input and Error Streams; Gunicorn test_readline',
    request: post('one\ntwo\r\nth\rree\n\nlast'),
    exercise: (input) => inTurn(Array.from({ length: 6 }, () => () => input.readline())),
    expected: ['one\n', 'two\r\n', 'th\rree\n', '\n', 'last', ''],
  }),
  inputAudit({
    id: 'input-154-readline-size',
    sentence: 'MUST give at most size octets of a line, and the rest of it next',
    citation: 'PEP 3333, Input and Error Streams; Gunicorn test_readline',
    request: post('abcdef\ng'),
    exercise: (input) => inTurn([() => input.readline(3), () => input.readline(), () => input.readline(9)]),
    expected: ['abc', 'def\n', 'g'],
  }),
  inputAudit({
    id: 'input-155-readlines',
    sentence: 'MUST return all lines from readlines',
    citation: 'PEP 3333, Input and Error Streams',
    request: post('a\nbb\nccc'),
    exercise: async (input) => [await input.readlines(), await input.readlines()],
    expected: [['a\n', 'bb\n', 'ccc'], []],
  }),
  inputAudit({
    id: 'input-155-readlines-hint',
    sentence: 'SHOULD stop after the line that reaches the hint',
    citation: 'PEP 3333, Input and Error Streams; Python io.IOBase.readlines',
    request: post('a\nbb\nccc\ndddd\n'),
    exercise: async (input) => [await input.readlines(3), await input.readlines(4), await input.readlines()],
    expected: [['a\n', 'bb\n'], ['ccc\n'], ['dddd\n']],
  }),
  inputAudit({
    id: 'input-156-iteration',
    sentence: 'MUST iterate over lines, as readline gives them',
    citation: 'PEP 3333, Input and Error Streams',
    request: post('one\ntwo\r\n\nlast'),
    async exercise(input) {
      const lines: Uint8Array[] = [];
      for await (const line of input) lines.push(line);
      return lines;
    },
    expected: ['one\n', 'two\r\n', '\n', 'last'],
  }),
  inputAudit({
    id: 'input-157-mixed',
    sentence: 'MUST lose and repeat nothing when methods are mixed',
    citation: 'PEP 3333, Input and Error Streams; Gunicorn buffer_loaded',
    request: post('one\ntwo\nthree\nfour\nfive'),
    async exercise(input) {
      const taken: Read[] = [await input.read(2), await input.readline(), await input.readline(2)];
      for await (const line of input) {
        taken.push(line);
        break;
      }
      taken.push(await input.readlines(1), await input.read(3), await input.read());
      return taken;
    },
    expected: ['on', 'e\n', 'tw', 'o\n', ['three\n'], 'fou', 'r\nfive'],
  }),
  inputAudit({
    id: 'input-158-chunked',
    sentence:
      'MUST decode a chunked request, leave CONTENT_LENGTH out, and say that the input ends by itself',
    citation: 'RFC 9112 §7.1; RFC 3875 §4.2; Flask issue 2229',
    request: { method: 'POST', chunks: ['hel', 'lo, ', 'w', 'orld'] },
    exercise: async (input, environ) => [
      'CONTENT_LENGTH' in environ,
      environ['wsgi.input_terminated'],
      await input.read(7),
      await input.read(),
      await input.read(),
    ],
    expected: [false, true, 'hello, ', 'world', ''],
  }),
  inputAudit({
    id: 'input-159-no-content',
    sentence: 'MUST give an input at its end for a request without content',
    citation: 'PEP 3333, Input and Error Streams; Werkzeug issue 2668',
    request: {},
    exercise: async (input) => [
      await input.read(),
      await input.read(10),
      await input.readline(),
      await input.readlines(),
    ],
    expected: ['', '', '', []],
  }),
  audit({
    id: 'input-160-octet-by-octet',
    sentence: 'MUST join content that arrives octet by octet',
    citation: 'RFC 9112 §6.3; Waitress test_large_body',
    run: (host) =>
      onStage(host, echo, async ({ open, format }) => {
        const client = open();
        client.socket.setNoDelay(true);
        for (const octet of format(post('drop by drop'))) {
          client.send(Uint8Array.of(octet));
          await delay(1);
        }
        equal((await client.readResponse()).content.toString(), 'drop by drop');
      }),
  }),
  inputAudit({
    id: 'input-161-concurrent',
    sentence: 'MUST serve concurrent reads in the order of their calls',
    citation: 'Gateway semantics I10',
    request: post('abcdef\ngh\nij'),
    exercise: (input) =>
      Promise.all([input.read(3), input.read(3), input.readline(), input.readlines(), input.read()]),
    expected: ['abc', 'def', '\n', ['gh\n', 'ij'], ''],
  }),
  inputAudit({
    id: 'input-162-sizes-checked',
    sentence: 'MUST reject a size that is not an integer with a TypeError',
    citation: 'Gateway semantics I11; Gunicorn, Rack',
    request: post('abc'),
    async exercise(input) {
      const taken: Read[] = [];
      for (const size of [1.5, Number.NaN, '1', 1n, {}]) {
        // The types forbid some of these values.
        const wrong = size as number;
        for (const read of [
          () => input.read(wrong),
          () => input.readline(wrong),
          () => input.readlines(wrong),
        ]) {
          taken.push(await errorOf(read));
        }
      }
      return [...new Set(taken), await input.read()];
    },
    expected: ['TypeError', 'abc'],
  }),
  audit({
    id: 'input-166-disconnect',
    sentence: 'MUST reject pending and later reads when the client leaves, and not log that as an error',
    citation: 'Werkzeug test_limited_stream_disconnection; gateway semantics I13',
    async run(host) {
      const outcomes: string[] = [];
      const waiting = gate();
      const application: Application = async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        await input.read(4);
        waiting.open();
        for (const read of [() => input.read(), () => input.read(1), () => input.readline()]) {
          outcomes.push(await errorOf(read));
        }
        await input.read();
        startResponse('200 OK', text());
        return [];
      };
      await onStage(host, application, async ({ open, format, server }) => {
        const client = open();
        client.send(format({ method: 'POST', content: 'half', headers: [['Content-Length', '8']] }));
        await waiting.opened;
        client.reset();
        await eventually(() => outcomes.length === 3, 'all reads reject');
        assert.ok(!outcomes.includes('none'), `No read may end well: ${outcomes}`);
        await delay(40);
        equal(server.log(), '');
      });
    },
  }),
  audit({
    id: 'input-175-break',
    sentence:
      'MUST leave the response and later reads usable after a break out of an iteration over the input',
    citation: 'Gateway semantics I17',
    async run(host) {
      const application: Application = async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        for await (const _ of input) break;
        const rest = await input.read();
        startResponse('200 OK', text());
        return [rest];
      };
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        for (let round = 0; round < 2; round += 1) {
          equal((await exchange(client, post('one\ntwo\nthree'))).content.toString(), 'two\nthree');
        }
      });
    },
  }),
];

/** Answers with the content of the request. */
export const echo: ApplicationFunction = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', text());
  return [content];
};

/** Makes a request with content. */
export function post(content: string | Uint8Array): RequestParts {
  return { method: 'POST', content };
}

/** Makes an audit of the results of input methods. They come back as JSON, octets as strings. */
function inputAudit(
  row: AuditRow & {
    readonly request: RequestParts;
    exercise(input: InputStream, environ: Environ): Promise<readonly Read[]>;
    readonly expected: readonly unknown[];
  },
): GatewayAudit {
  const application: Application = async (environ, startResponse) => {
    const results = await row.exercise(environ['wsgi.input'], environ);
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [octets(JSON.stringify(results.map(toText)))];
  };
  return audit({
    ...row,
    run: (host) =>
      onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        for (let round = 0; round < 2; round += 1) {
          const { statusCode, content } = await exchange(client, row.request);
          equal(statusCode, 200);
          deepEqual(JSON.parse(content.toString()), row.expected);
        }
      }),
  });
}

async function inTurn(reads: readonly (() => Promise<Read>)[]): Promise<Read[]> {
  const results: Read[] = [];
  for (const read of reads) results.push(await read());
  return results;
}

function toText(read: Read): unknown {
  if (isOctets(read)) return Buffer.from(read).toString('latin1');
  return Array.isArray(read) ? read.map(toText) : read;
}

async function errorOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'none';
  } catch (error) {
    return isError(error) ? error.name : 'something else';
  }
}
