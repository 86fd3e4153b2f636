/** Audits of the environ: the request target, the connection, the process, and the object itself. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { connect } from 'node:http2';
import type { Application, Environ } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { audit, environAudit, gate, hello, octets, text } from './kit.ts';

/** Lines 23 to 35: the request target. */
const TARGET_AUDITS: readonly GatewayAudit[] = [
  environAudit({
    id: 'environ-23-path-variables',
    sentence: 'MUST always set SCRIPT_NAME, PATH_INFO and QUERY_STRING, even if empty',
    citation: 'RFC 3875 §4.1.7 and §4.1.13',
    check(environ, { mount }) {
      equal(environ.SCRIPT_NAME, decodeURI(mount));
      equal(environ.PATH_INFO, '/');
      equal(environ.QUERY_STRING, '');
    },
  }),
  environAudit({
    id: 'environ-24-path-decoding',
    sentence: 'MUST percent-decode the path and leave the query as it is',
    citation: 'RFC 3875 §4.1.5; wsgiref test_environ',
    request: { target: '/p%61th/?query=test' },
    check(environ) {
      equal(environ.PATH_INFO, '/path/');
      equal(environ.QUERY_STRING, 'query=test');
    },
  }),
  environAudit({
    id: 'environ-25-path-octet',
    sentence: 'MUST decode %80 to one octet, never to a replacement character',
    citation: 'PEP 3333, Unicode Issues',
    needs: ['any-path'],
    request: { target: '/%80' },
    check: (environ) => equal(environ.PATH_INFO, '/\x80'),
  }),
  environAudit({
    id: 'environ-26-path-utf-8',
    sentence: 'MUST decode a path to octets, not to characters',
    citation: 'PEP 3333, Unicode Issues',
    request: { target: '/%E4%BD%A0' },
    check: (environ) => equal(environ.PATH_INFO, '/\xe4\xbd\xa0'),
  }),
  environAudit({
    id: 'environ-27-malformed-escapes',
    sentence: 'MUST leave malformed escapes in the path as they are',
    citation: 'Python urllib.parse.unquote',
    needs: ['any-path'],
    request: { target: '/%zz%4' },
    check: (environ) => equal(environ.PATH_INFO, '/%zz%4'),
  }),
  environAudit({
    id: 'environ-28-encoded-slash',
    sentence: 'MUST decode %2F in PATH_INFO and keep it in REQUEST_URI',
    citation: 'RFC 3875 §4.1.5',
    request: { target: '/a%2Fb' },
    check(environ, { mount }) {
      equal(environ.PATH_INFO, '/a/b');
      equal(environ.REQUEST_URI, `${mount}/a%2Fb`);
    },
  }),
  environAudit({
    id: 'environ-29-double-slash',
    sentence: 'MUST keep a path that begins with two slashes, and not take it for a host',
    citation: 'RFC 9112 §3.2.1',
    request: { target: '//a//b' },
    check: (environ) => equal(environ.PATH_INFO, '//a//b'),
  }),
  environAudit({
    id: 'environ-30-dot-dot-segment',
    sentence: 'MUST pass dot segments on unchanged: two dots',
    citation: 'RFC 3875 §4.1.5',
    needs: ['as-received'],
    request: { target: '/a/../b' },
    check: (environ) => equal(environ.PATH_INFO, '/a/../b'),
  }),
  environAudit({
    id: 'environ-30-dot-segment',
    sentence: 'MUST pass dot segments on unchanged: one dot',
    citation: 'RFC 3875 §4.1.5',
    needs: ['as-received'],
    request: { target: '/a/./b' },
    check: (environ) => equal(environ.PATH_INFO, '/a/./b'),
  }),
  audit({
    id: 'environ-31-fragment',
    sentence: 'MUST NOT let a fragment reach PATH_INFO or QUERY_STRING',
    citation: 'RFC 9112 §3.2',
    async run(host) {
      const seen: string[] = [];
      const application: Application = (environ, startResponse) => {
        seen.push(environ.PATH_INFO + environ.QUERY_STRING);
        startResponse('200 OK', text());
        return [];
      };
      await onStage(host, application, async ({ fetch }) => {
        for (const target of ['/a#f', '/a?q#f', '/a#f?q']) {
          const { statusCode } = await fetch({ target });
          assert.ok(statusCode === 200 || statusCode === 400, `${target} is served or refused`);
        }
        for (const path of seen) assert.doesNotMatch(path, /[#f]/);
      });
    },
  }),
  environAudit({
    id: 'environ-32-absolute-form',
    sentence: 'MUST take path and query from an absolute-form target, and HTTP_HOST from its authority',
    citation: 'RFC 9112 §3.2.2',
    request: { target: 'http://h:81/p?q', host: 'other.test' },
    check(environ) {
      equal(environ.PATH_INFO, '/p');
      equal(environ.QUERY_STRING, 'q');
      equal(environ.HTTP_HOST, 'h:81');
    },
  }),
  environAudit({
    id: 'environ-33-asterisk-form',
    sentence: 'MUST pass OPTIONS * on with PATH_INFO *',
    citation: 'RFC 9112 §3.2.4',
    needs: ['asterisk-form'],
    request: { method: 'OPTIONS', target: '*' },
    check(environ) {
      equal(environ.REQUEST_METHOD, 'OPTIONS');
      equal(environ.PATH_INFO, '*');
      equal(environ.SCRIPT_NAME, '');
    },
  }),
  audit({
    id: 'environ-33-asterisk-form-survival',
    sentence: 'MUST answer OPTIONS * without a server error, and keep serving',
    citation: 'RFC 9112 §3.2.4',
    run: (host) =>
      onStage(host, hello, async ({ fetch }) => {
        const response = await fetch({ method: 'OPTIONS', target: '*' });
        assert.ok(response.statusCode < 500, `OPTIONS * must not fail, got ${response.statusCode}`);
        equal((await fetch()).statusCode, 200);
      }),
  }),
  environAudit({
    id: 'environ-34-request-uri',
    sentence: 'MUST give the whole request target, mount included, unchanged in REQUEST_URI and RAW_URI',
    citation: 'Gateway semantics §1.2; Waitress, Gunicorn',
    request: { target: '/a%2fb//c/%7e;d=1?q=%20&r=%5B' },
    check(environ, { mount }) {
      equal(environ.REQUEST_URI, `${mount}/a%2fb//c/%7e;d=1?q=%20&r=%5B`);
      equal(environ.RAW_URI, environ.REQUEST_URI);
    },
  }),
  environAudit({
    id: 'environ-35-query-undecoded',
    sentence: 'MUST give all that follows the first question mark as QUERY_STRING, undecoded',
    citation: 'PEP 3333, environ Variables; RFC 3875 §4.1.7',
    request: { target: '/?a=%41+b&c=?d' },
    check: (environ) => equal(environ.QUERY_STRING, 'a=%41+b&c=?d'),
  }),
  environAudit({
    id: 'environ-35-query-empty',
    sentence: 'MUST give an empty QUERY_STRING for a lone question mark',
    citation: 'RFC 3875 §4.1.7',
    request: { target: '/?' },
    check(environ) {
      equal(environ.PATH_INFO, '/');
      equal(environ.QUERY_STRING, '');
    },
  }),
];

/** Lines 48 to 56: the connection, the process, and the object itself. */
const FACT_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'environ-48-remote-address',
    sentence: 'MUST give the address of the peer, never IPv4-mapped, and its port as a string',
    citation: 'RFC 3875 §4.1.8; PEP 3333, environ Variables',
    async run(host) {
      const environs: Environ[] = [];
      const application: Application = (environ, startResponse) => {
        environs.push(environ);
        startResponse('200 OK', text());
        return [];
      };
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        await exchange(client);
        equal(environs[0]?.REMOTE_ADDR, client.socket.localAddress?.replace('::ffff:', ''));
        const port = environs[0]?.REMOTE_PORT;
        // A translator before the host has a port of its own.
        if (host.capabilities.has('http1')) equal(port, String(client.socket.localPort));
        else assert.match(port ?? '', /^\d+$/);
      });
    },
  }),
  environAudit({
    id: 'environ-49-server-port',
    sentence: 'MUST give the bound port as a string of digits, and a server name',
    citation: 'RFC 3875 §4.1.15; PEP 3333, environ Variables',
    check(environ, { port }) {
      equal(environ.SERVER_PORT, String(port));
      assert.ok(environ.SERVER_NAME, 'SERVER_NAME must not be empty');
    },
  }),
  environAudit({
    id: 'environ-50-plain',
    sentence: 'MUST give the scheme http, and no HTTPS key, without TLS',
    citation: 'PEP 3333, environ Variables',
    needs: ['plain'],
    check(environ) {
      equal(environ['wsgi.url_scheme'], 'http');
      assert.ok(!('HTTPS' in environ), 'HTTPS must be absent');
    },
  }),
  environAudit({
    id: 'environ-50-tls',
    sentence: 'MUST give the scheme https, and set HTTPS to on, over TLS',
    citation: 'PEP 3333, environ Variables',
    needs: ['tls'],
    options: { tls: true },
    check(environ) {
      equal(environ['wsgi.url_scheme'], 'https');
      equal(environ.HTTPS, 'on');
    },
  }),
  environAudit({
    id: 'environ-51-forwarded-proto',
    sentence: 'MUST NOT let X-Forwarded-Proto change the scheme unless a proxy is trusted',
    citation: 'RFC 7239 §8.1; Gunicorn forwarded_allow_ips',
    needs: ['plain'],
    request: { headers: [['X-Forwarded-Proto', 'https']] },
    check(environ) {
      equal(environ['wsgi.url_scheme'], 'http');
      assert.ok(!('HTTPS' in environ), 'HTTPS must be absent');
    },
  }),
  environAudit({
    id: 'environ-52-process-model',
    sentence: 'MUST set run_once, multithread and multiprocess to false, and version to [1, 0]',
    citation: 'PEP 3333, environ Variables',
    check(environ) {
      equal(environ['wsgi.run_once'], false);
      equal(environ['wsgi.multithread'], false);
      equal(environ['wsgi.multiprocess'], false);
      deepEqual([...environ['wsgi.version']], [1, 0]);
    },
  }),
  audit({
    id: 'environ-53-fresh',
    sentence: 'MUST give each of two concurrent requests an environ of its own',
    citation: 'PEP 3333, Specification Details',
    async run(host) {
      const environs: Environ[] = [];
      const both = gate();
      const application: Application = async (environ, startResponse) => {
        environs.push(environ);
        environ['audit.order'] = environs.length;
        if (environs.length === 2) both.open();
        await both.opened;
        startResponse('200 OK', text());
        return [octets(`${environ['audit.order']} ${environ.PATH_INFO}`)];
      };
      await onStage(host, application, async ({ fetch }) => {
        const answers = await Promise.all([fetch({ target: '/a' }), fetch({ target: '/b' })]);
        const contents = answers.map(({ content }) => content.toString().split(' '));
        deepEqual(contents.map(([, path]) => path).sort(), ['/a', '/b']);
        deepEqual(contents.map(([order]) => order).sort(), ['1', '2']);
        assert.notEqual(environs[0]?.['wsgi.input'], environs[1]?.['wsgi.input']);
      });
    },
  }),
  audit({
    id: 'environ-54-mutable',
    sentence: 'MUST let the application change and empty the environ',
    citation: 'PEP 3333, Specification Details',
    async run(host) {
      const application: Application = (environ, startResponse) => {
        for (const key of Object.keys(environ)) delete environ[key];
        Object.assign(environ, { REQUEST_METHOD: 'HEAD', SERVER_PROTOCOL: 7, 'wsgi.errors': null });
        startResponse('200 OK', text());
        return [octets('changed')];
      };
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        for (let round = 0; round < 2; round += 1) {
          equal((await exchange(client)).content.toString(), 'changed');
        }
      });
    },
  }),
  audit({
    id: 'environ-55-pseudo-fields',
    sentence: 'MUST NOT turn HTTP/2 pseudo-header fields into variables, except :authority into HTTP_HOST',
    citation: 'RFC 9113 §8.3',
    needs: ['http2'],
    async run(host) {
      const environs: Environ[] = [];
      const application: Application = (environ, startResponse) => {
        environs.push(environ);
        startResponse('200 OK', text());
        return [];
      };
      const act = async ({ server }: Stage): Promise<void> => {
        const path = `${server.mount}/`;
        const socket = server.connect();
        const session = connect('http://audit.test:81', { createConnection: () => socket });
        try {
          const statusCode = await new Promise((resolve, reject) => {
            session.on('error', reject);
            const request = session.request({ ':path': path });
            request.on('error', reject).on('response', (headers) => resolve(headers[':status']));
            request.resume().end();
          });
          equal(statusCode, 200);
        } finally {
          session.destroy();
        }
      };
      await onStage(host, application, act, { http2: true });
      equal(environs[0]?.HTTP_HOST, 'audit.test:81');
      equal(environs[0]?.SERVER_PROTOCOL, 'HTTP/2.0');
      const odd = Object.keys(environs[0] ?? {}).filter((key) =>
        /:|^HTTP__?(?:PATH|METHOD|SCHEME|AUTHORITY)/.test(key),
      );
      deepEqual(odd, []);
    },
  }),
  audit({
    id: 'environ-56-operating-system',
    sentence: 'SHOULD NOT copy the environment of the operating system into the environ',
    citation: 'PEP 3333, environ Variables (optional); gateway semantics E6',
    run: (host) => {
      process.env.GATEBRIDGE_AUDIT = 'secret';
      const leaking = environAudit({
        id: 'environ-56-operating-system',
        sentence: 'SHOULD NOT copy',
        citation: '',
        check: (environ) => assert.ok(!('GATEBRIDGE_AUDIT' in environ), 'The environment must not leak'),
      });
      return leaking.run(host).finally(() => {
        delete process.env.GATEBRIDGE_AUDIT;
      });
    },
  }),
];

/** The audits of lines 23 to 35 and 48 to 56. */
export const ENVIRON_AUDITS: readonly GatewayAudit[] = [...TARGET_AUDITS, ...FACT_AUDITS];
