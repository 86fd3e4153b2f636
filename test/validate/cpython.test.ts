/** The cases of CPython's test_wsgiref that are about the validator and the handlers (3.11 and main of 2026), re-expressed. */
import { expect } from 'vitest';
import { type CgiEnvironOptions, createCgiEnviron as create } from '../../bridges/_cgi/environ.ts';
import { onStage, type RequestParts } from '../../src/conformance/stage.ts';
import { disconnection } from '../../src/errors.ts';
import { fileWrapper } from '../../src/gateway/file-wrapper.ts';
import { FileWrapper } from '../../src/index.ts';
import { type ValidationError, validate } from '../../src/validate/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { standalone } from '../conformance/hosts.ts';
import { declarePorted, type PortedCase } from '../support/ported.ts';
import { RecordingSink, record } from '../support/recording-sink.ts';
import { answer, octets, TEXT } from './cases/kit.ts';

/** Makes the environ of a CGI program, without content. */
const createCgiEnviron = (variables: Record<string, string>, options?: CgiEnvironOptions) =>
  create(
    variables,
    { createInput: () => ({ pull: () => null }), runsOnce: true, multiprocess: true },
    options,
  );

const DATED: HeaderList = [
  ['Content-Type', 'text/plain'],
  ['Date', 'Mon, 05 Jun 2006 18:49:54 GMT'],
];

const hello = answer(() => [octets('Hello, world!')], DATED);

const quiet = { onWarning: () => {} };

/** Asks an application on the standalone server by HTTP/1.0. */
async function ask(application: Application, parts: RequestParts = {}) {
  let answered: Awaited<ReturnType<typeof send>> | undefined;
  const send = (stage: Parameters<Parameters<typeof onStage>[2]>[0]) =>
    stage.fetch({ protocol: 'HTTP/1.0', ...parts });
  let log = '';
  await onStage(standalone, application, async (stage) => {
    answered = await send(stage);
    log = stage.server.log();
  });
  if (answered === undefined) throw new Error('No response');
  return { ...answered, text: Buffer.from(answered.content).toString('latin1'), log };
}

/** Lets a validated application answer in memory. */
async function handle(application: Application, sink: RecordingSink = new RecordingSink()) {
  const errors: ValidationError[] = [];
  const checked = validate(application, { ...quiet, onError: (error) => errors.push(error) });
  const recording = record(checked, {}, { sink });
  await recording.done;
  return {
    sink,
    head: sink.head,
    content: sink.content,
    log: recording.log,
    rules: errors.map(({ rule }) => rule),
  };
}

const badStatus = (status: string, rule: string): PortedCase => ({
  name: `test_status_validation_errors: ${status}`,
  async run() {
    const { head, rules } = await handle(answer(() => [octets('Hello')], TEXT, status));
    expect([head?.status, rules]).toEqual(['500 Internal Server Error', [rule]]);
  },
});

const lost = (name: string): PortedCase => ({
  name: `testClientConnectionTerminations: ${name}`,
  async run() {
    const sink = new RecordingSink();
    const gone = disconnection('response', Object.assign(new Error(name), { code: name }));
    sink.disconnect(gone);
    sink.wait = Promise.reject(gone);
    const { log } = await handle(hello, sink);
    expect(log).toEqual([]);
  },
});

/** The C0 control characters and DEL. */
const CONTROLS = [...Array.from({ length: 32 }, (_, code) => code), 127].map((code) =>
  String.fromCharCode(code),
);

const CASES: readonly PortedCase[] = [
  {
    name: 'test_plain_hello',
    async run() {
      const { statusCode, text, raw } = await ask(hello);
      expect([statusCode, text]).toEqual([200, 'Hello, world!']);
      expect(raw).toMatch(/Content-Length: 13/i);
      expect(raw).toMatch(/Date: Mon, 05 Jun 2006 18:49:54 GMT/);
    },
  },
  {
    name: 'test_environ',
    differs: "repeated fields are joined by ', ', as RFC 9110 §5.3 has it, and not by ','",
    async run() {
      const echo: Application = (environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return [octets([environ.HTTP_X_TEST_HEADER, environ.QUERY_STRING, environ.PATH_INFO].join(';'))];
      };
      const { text } = await ask(validate(echo), {
        target: '/p%61th/?query=test',
        headers: [
          ['X-Test-Header', 'Python test '],
          ['X-Test-Header', 'Python test 2'],
          ['Content-Length', '0'],
        ],
      });
      expect(text).toBe('Python test, Python test 2;query=test;/path/');
    },
  },
  {
    name: 'test_request_length',
    async run() {
      expect((await ask(validate(hello), { target: `/${'x'.repeat(65_536)}` })).statusCode).toBe(414);
    },
  },
  {
    name: 'test_validated_hello',
    differs: 'the validator gives an array for an array, so Content-Length is there',
    async run() {
      const { text, raw } = await ask(validate(hello));
      expect(text).toBe('Hello, world!');
      expect(raw).toMatch(/Content-Length: 13/i);
    },
  },
  {
    name: 'test_simple_validation_error',
    async run() {
      const flat = ['Content-Type', 'text/plain'] as unknown as HeaderList;
      const { statusCode, text, log } = await ask(validate(answer(() => ['Hello, world!'], flat)));
      expect([statusCode, text]).toEqual([500, 'Internal Server Error\n']);
      expect(log).toContain(
        'the application must pass the headers as an array of [name, value] pairs of strings',
      );
      expect(log).toContain('found "Content-Type" among them');
    },
  },
  badStatus('200', 'start-response-59-status-form'),
  badStatus('20X OK', 'start-response-59-status-form'),
  badStatus('200OK', 'start-response-59-status-form'),
  {
    name: 'test_wsgi_input',
    differs: 'read() without size is allowed where the input ends by itself, and else a warning',
    async run() {
      const reading: Application = async (environ, startResponse) => {
        await environ['wsgi.input'].read();
        startResponse('200 OK', TEXT);
        return [octets('data')];
      };
      const warnings: string[] = [];
      const checked = validate(reading, { onWarning: ({ rule }) => warnings.push(rule) });
      await record((environ, startResponse) =>
        checked({ ...environ, 'wsgi.input_terminated': false }, startResponse),
      ).done;
      expect(warnings).toEqual(['input-164-size']);
      expect((await handle(reading)).content).toBe('data');
    },
  },
  {
    name: 'test_bytes_validation',
    async run() {
      const { statusCode, text, log } = await ask(validate(answer(() => [octets('data')], DATED)));
      expect([statusCode, text, log]).toEqual([200, 'data', '']);
    },
  },
  {
    name: 'test_cp1252_url',
    differs: 'our server refuses a raw octet 0x80 in a target (RFC 9112 §3.2); %80 gives the octet',
    async run() {
      const path: Application = (environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return [Buffer.from(environ.PATH_INFO, 'latin1')];
      };
      expect((await ask(validate(path), { target: '/%80%80' })).text).toBe('/\x80\x80');
    },
  },
  {
    name: 'test_interrupted_write',
    differs:
      'JavaScript has no signals that interrupt a write; content larger than a socket takes arrives whole',
    async run() {
      const large = Buffer.alloc(4_000_000);
      expect((await ask(validate(answer(() => [large])))).content.length).toBe(large.length);
    },
  },
  {
    name: 'testEnviron: wsgi keys',
    async run() {
      const { environ } = record(validate(hello));
      expect([environ['wsgi.version'], environ['wsgi.run_once'], environ['wsgi.url_scheme']]).toEqual([
        [1, 0],
        false,
        'http',
      ]);
      expect(environ['wsgi.file_wrapper']).toBe(fileWrapper);
      expect(fileWrapper({ read: () => null })).toBeInstanceOf(FileWrapper);
    },
  },
  {
    name: 'testEnviron: the environment of the process',
    differs: 'only runCgi copies it, because it has secrets',
    run: () => {
      expect(record(validate(hello)).environ).not.toHaveProperty('PATH');
      expect(createCgiEnviron({ HOME: '/my/home' })).toMatchObject({ HOME: '/my/home' });
    },
  },
  {
    name: 'testCGIEnviron',
    run: () => {
      const environ = createCgiEnviron({});
      for (const key of ['wsgi.url_scheme', 'wsgi.input', 'wsgi.errors'])
        expect(environ).toHaveProperty([key]);
      expect(validate(hello)(environ, () => async () => {})).toHaveLength(1);
    },
  },
  {
    name: 'testScheme',
    run: () => {
      expect(createCgiEnviron({ HTTPS: 'on' })['wsgi.url_scheme']).toBe('https');
      expect(createCgiEnviron({})['wsgi.url_scheme']).toBe('http');
    },
  },
  {
    name: 'testAbstractMethods',
    differs: 'a host is an interface, ResponseSink, and no class to derive from',
  },
  {
    name: 'testContentLength: an array',
    async run() {
      const { head, content } = await handle((environ, startResponse) => {
        startResponse('200 OK', []);
        return [octets(environ['wsgi.url_scheme'])];
      });
      expect([head?.contentLength, content]).toEqual([4, 'http']);
    },
  },
  {
    name: 'testContentLength: write',
    async run() {
      const { head, content } = await handle((environ, startResponse) => {
        void startResponse('200 OK', [])(octets(environ['wsgi.url_scheme']));
        return [];
      });
      expect([head?.contentLength, content]).toEqual([undefined, 'http']);
    },
  },
  {
    name: 'testContentLength: UTF-8',
    async run() {
      const { head, content } = await handle(answer(() => [octets('тест')]));
      expect([head?.contentLength, content]).toEqual([8, 'тест']);
    },
  },
  {
    name: 'testContentLength: a declared length without content',
    differs: 'it is an error unless the request is HEAD, because the client would wait',
    async run() {
      const declaring = answer(() => [], [...TEXT, ['Content-Length', '12345']]);
      expect((await handle(declaring)).rules).toEqual(['body-139-too-short']);
      const { sink, done } = record(validate(declaring), { method: 'HEAD' });
      await done;
      expect(sink.head?.contentLength).toBe(12_345);
    },
  },
  {
    name: 'testBasicErrorOutput: no error',
    async run() {
      const { head, log } = await handle(answer(() => [], []));
      expect([head?.status, head?.contentLength, log]).toEqual(['200 OK', 0, []]);
    },
  },
  {
    name: 'testBasicErrorOutput: an error',
    async run() {
      const { head, content, log } = await handle(() => {
        throw new Error('This should be caught');
      });
      expect([head?.status, content]).toEqual(['500 Internal Server Error', 'Internal Server Error\n']);
      expect(head?.headers).toEqual([['Content-Type', 'text/plain; charset=utf-8']]);
      expect(log.join()).toContain('This should be caught');
    },
  },
  {
    name: 'testErrorAfterOutput',
    async run() {
      const { sink, content, log } = await handle((_environ, startResponse) => {
        void startResponse('200 OK', TEXT)(octets('Some output has been sent'));
        throw new Error('This should be caught');
      });
      expect(content).toBe('Some output has been sent');
      expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
      expect(log.join()).toContain('This should be caught');
    },
  },
  ...['HTTP/1.0', 'HTTP/1.1'].map(
    (protocol): PortedCase => ({
      name: `testHeaderFormats: ${protocol}`,
      async run() {
        const { statusCode, raw } = await ask(validate(answer(() => [], [])), { protocol });
        expect(statusCode).toBe(200);
        expect(raw).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r?$/m);
        expect(raw).toMatch(/^Content-Length: 0\r?$/m);
      },
    }),
  ),
  { name: 'testHeaderFormats: HTTP/0.9', differs: 'HTTP/0.9 is refused (RFC 9112 §2.3)' },
  {
    name: 'testHeaderFormats: CGI',
    differs: 'audits 199 and 200 over runCgi hold it; cgi.test.ts runs them validated',
  },
  {
    name: 'testBytesData',
    async run() {
      const { head, content } = await handle(
        answer(() => [octets('data')], [['Content-Type', 'text/plain; charset=utf-8']]),
      );
      expect([head?.contentLength, content]).toEqual([4, 'data']);
    },
  },
  {
    name: 'testCloseOnError',
    async run() {
      let closed = 0;
      const { content } = await handle((_environ, startResponse) => {
        void startResponse('200 OK', TEXT)(octets('Some output has been sent'));
        return {
          *[Symbol.iterator]() {
            yield octets('blah');
            throw new Error('This should be caught');
          },
          close: () => {
            closed += 1;
          },
        };
      });
      expect([closed, content]).toEqual([1, 'Some output has been sentblah']);
    },
  },
  {
    name: 'testPartialWrite',
    differs: "node's sockets take a write whole or tell to wait; there are no partial writes",
  },
  ...['ECONNABORTED', 'EPIPE', 'ECONNRESET'].map(lost),
  {
    name: 'testDontResetInternalStateOnException',
    async run() {
      const sink = new RecordingSink();
      sink.wait = Promise.reject(new Error('CustomException'));
      const { log, head } = await handle(hello, sink);
      expect(log.join()).toContain('CustomException');
      expect(head?.status).toBe('200 OK');
    },
  },
  {
    name: 'testRaisesControlCharacters: the status',
    async run() {
      for (const control of CONTROLS.filter((one) => one !== '\t')) {
        const { rules } = await handle(answer(() => [], TEXT, `200 O${control}K`));
        expect(rules, JSON.stringify(control)).toEqual(['start-response-61-status-characters']);
      }
    },
  },
  {
    name: 'testRaisesControlCharacters: names',
    async run() {
      for (const control of CONTROLS) {
        const { rules } = await handle(answer(() => [], [[`key${control}`, 'value']]));
        expect(rules, JSON.stringify(control)).toEqual(['start-response-64-header-name']);
      }
    },
  },
  {
    name: 'testRaisesControlCharacters: values',
    async run() {
      for (const control of CONTROLS) {
        const { rules } = await handle(answer(() => [], [['Key', `value${control}`]]));
        expect(rules, JSON.stringify(control)).toEqual(
          control === '\t' ? [] : ['start-response-66-header-value'],
        );
      }
    },
  },
  { name: 'test_deprecated__version__', differs: 'about a Python module' },
];

declarePorted('CPython test_wsgiref', CASES);
