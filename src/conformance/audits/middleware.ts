/** Audits of middleware on the host under audit: closing, block boundaries, heads, mounts, proxies. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { toApplication } from '../../gateway/application.ts';
import { validate } from '../../validate/index.ts';
import type { Application, ApplicationFunction, Environ, HeaderList } from '../../wsgi.ts';
import type { AuditHost, AuditLayer, AuditMiddleware, GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  type AuditRow,
  aMoment,
  answering,
  audit,
  eventually,
  octets,
  openLedger,
  text,
  watched,
  yielding,
} from './kit.ts';

/** The forms of one response. */
const RESPONSES: Readonly<Record<string, () => ApplicationFunction>> = {
  array: () => answering(() => [octets('hello '), octets('world')]),
  'array with a length': () =>
    answering(() => [octets('hello '), octets('world')], text(['Content-Length', '11'])),
  chunks: () => yielding([octets('hello '), octets('world')]),
  'chunks with a length': () => yielding([octets('hello '), octets('world')], text(['Content-Length', '11'])),
  write: () => async (_environ, startResponse) => {
    const write = startResponse('200 OK', text());
    await write(octets('hello '));
    return [octets('world')];
  },
};

/** Lines 191 to 193: bodies and heads. */
const BODY_AUDITS: readonly GatewayAudit[] = [
  layerAudit({
    id: 'middleware-191-close-at-the-end',
    sentence: 'MUST let middleware close the body of its application exactly once at the end',
    citation: 'PEP 3333, Specification Details',
    async run(host, layer, name) {
      const ledger = openLedger();
      const application = answering(() => ledger.body((index) => (index < 2 ? octets('ab') : undefined)));
      await onStage(host, layer(application), async ({ fetch }) => {
        equal((await fetch()).statusCode, 200, name);
        await eventually(() => ledger.closes > 0, `close through ${name}`);
        await aMoment(10);
        equal(ledger.closes, 1, `${name} must forward close once`);
      });
    },
  }),
  layerAudit({
    id: 'middleware-191-departure',
    sentence: 'MUST let middleware forward an early return, and close once, when the client leaves',
    citation: 'PEP 3333, Specification Details',
    async run(host, layer, name) {
      const ledger = openLedger();
      const application = answering(() =>
        ledger.body((index) => (index === 0 ? octets('begun') : aMoment(5).then(() => octets('more')))),
      );
      await onStage(host, layer(application), async ({ open, format }) => {
        const client = open();
        client.send(format());
        await client.readHead();
        client.reset();
        await eventually(() => ledger.closes > 0, `close through ${name}`);
        await aMoment(10);
        deepEqual([ledger.returns, ledger.closes], [1, 1], `${name} must forward return and close once`);
      });
    },
  }),
  layerAudit({
    id: 'middleware-192-block-boundaries',
    sentence: 'MUST let middleware yield at least once for each chunk that its application yields',
    citation: 'PEP 3333, Middleware Handling of Block Boundaries',
    async run(host, layer, name) {
      const ledger = openLedger();
      const inner = answering(() => ledger.body((index) => (index < 5 ? octets('abcdef') : undefined)));
      const middle = toApplication(layer(inner));
      const steps: number[] = [];
      const outer: Application = async (environ, startResponse) =>
        watched(await middle(environ, startResponse), () => steps.push(ledger.steps));
      await onStage(host, outer, async ({ fetch }) => {
        equal((await fetch()).statusCode, 200, name);
        for (const [index, asked] of steps.entries()) {
          assert.ok(asked <= index + 1, `${name} has asked for ${asked} chunks before it gave ${index + 1}`);
        }
        equal(ledger.steps, 6, name);
      });
    },
  }),
  layerAudit({
    id: 'middleware-193-changed-length',
    sentence: 'MUST let middleware that changes the content replace or remove Content-Length',
    citation: 'PEP 3333, Middleware',
    layers: ({ changing }) => changing,
    async run(host, layer, name) {
      for (const [form, application] of Object.entries(RESPONSES)) {
        await onStage(host, layer(application()), async ({ fetch, exchange, open }) => {
          const { statusCode, content } = await fetch();
          equal(statusCode, 200, `${name}, ${form}`);
          assert.notEqual(content.length, 11, `${name} must change the length: ${form}`);
          // A wrong length would cut the content off, or leave the connection waiting.
          const client = open();
          deepEqual((await exchange(client)).content, content, `${name}, ${form}`);
          deepEqual((await exchange(client)).content, content, `${name}, ${form}, second request`);
        });
      }
    },
  }),
  layerAudit({
    id: 'middleware-193-second-head',
    sentence: 'MUST let middleware start again when its application replaces its head',
    citation: 'PEP 3333, Middleware',
    async run(host, layer, name) {
      const answers: Buffer[] = [];
      const head: HeaderList = [['Content-Length', '5']];
      const application: ApplicationFunction = (_environ, startResponse) => {
        startResponse('200 OK', text(['Content-Length', '99'], ['X-Old', '1']));
        startResponse('203 Changed', text(...head), new Error('audit of line 193'));
        return [octets('hello')];
      };
      const plain = answering(() => [octets('hello')], text(['Content-Length', '5']), '203 Changed');
      for (const each of [plain, application]) {
        await onStage(host, layer(each), async ({ fetch }) => {
          const response = await fetch();
          equal(response.statusCode, 203, name);
          deepEqual(fieldValues(response, 'X-Old'), [], name);
          answers.push(response.content);
        });
      }
      deepEqual(answers[1], answers[0], name);
    },
  }),
];

/** Line 194: middleware that changes nothing. */
const NESTING_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'middleware-194-validator',
    sentence:
      'MUST answer alike with a validator around a validator around the application, framing included',
    citation: 'PEP 3333, Middleware',
    run: (host) => compareNested(host, validate, 'validate', true),
  }),
  layerAudit({
    id: 'middleware-194-transparent',
    sentence:
      'MUST let middleware that changes no content nest in itself, and leave status and content alone',
    citation: 'PEP 3333, Middleware',
    layers: ({ transparent }) => transparent,
    run: (host, layer, name) => compareNested(host, layer, name, false),
  }),
];

const MOUNTS: Readonly<Record<string, readonly string[]>> = {
  '/test1': ['one', '/test1', ''],
  '/test1/': ['one', '/test1', '/'],
  '/test1/asfd': ['one', '/test1', '/asfd'],
  '/test1x': ['rest', '', '/test1x'],
  '/test1/deep': ['deep', '/test1/deep', ''],
  '/test1/deeper': ['one', '/test1', '/deeper'],
  '/': ['rest', '', '/'],
};

/** Lines 195 and 196: dispatchers. */
const DISPATCH_AUDITS: readonly GatewayAudit[] = [
  middlewareAudit({
    id: 'middleware-195-dispatch',
    sentence: 'MUST let a dispatcher choose by whole segments, and move the mount to SCRIPT_NAME',
    citation: 'RFC 3875 §4.1.5 and §4.1.13; werkzeug test_dispatcher',
    async run(host, { dispatch }) {
      const mounts = { '/test1': named('one'), '/test1/deep': named('deep') };
      await onStage(host, dispatch(mounts, named('rest')), async ({ fetch, server }) => {
        const mount = decodeURIComponent(server.mount);
        for (const [target, [name, script, path]] of Object.entries(MOUNTS)) {
          const { content } = await fetch({ target });
          deepEqual(JSON.parse(content.toString()), [name, `${mount}${script}`, path], target);
        }
      });
    },
  }),
  middlewareAudit({
    id: 'middleware-196-environ',
    sentence: "MUST NOT let a dispatcher change its caller's environ",
    citation: 'Rack URLMap; gateway semantics §5.3',
    async run(host, { dispatch }) {
      const site = toApplication(dispatch({ '/test1': named('one') }, named('rest')));
      const kept: [Environ, Environ][] = [];
      const caller: Application = async (environ, startResponse) => {
        const before = { ...environ };
        const body = await site(environ, startResponse);
        kept.push([before, { ...environ }]);
        return body;
      };
      await onStage(host, caller, async ({ fetch }) => {
        await fetch({ target: '/test1/x' });
        const [[before, after] = []] = kept;
        deepEqual([after?.SCRIPT_NAME, after?.PATH_INFO], [before?.SCRIPT_NAME, before?.PATH_INFO]);
        deepEqual(Object.keys(after ?? {}), Object.keys(before ?? {}));
      });
    },
  }),
];

/** Line 197: proxies, the value of X-Forwarded-For, and the address that counts; undefined: the peer's. */
const PROXIES: readonly (readonly [proxies: number, value: string, address: string | undefined])[] = [
  [1, '192.0.2.1', '192.0.2.1'],
  [1, '192.0.2.9, 192.0.2.1', '192.0.2.1'],
  [2, '192.0.2.9, 192.0.2.1, 192.0.2.2', '192.0.2.1'],
  [3, '192.0.2.1, 192.0.2.2', undefined],
  [0, '192.0.2.1', undefined],
  [1, '[2001:db8::1]', '2001:db8::1'],
  [1, '[2001:db8::1]:5678', '2001:db8::1'],
];

/** Lines 197 and 198: proxies. */
const PROXY_AUDITS: readonly GatewayAudit[] = [
  middlewareAudit({
    id: 'middleware-197-count',
    sentence: 'MUST let the middleware for proxies count from the right, and ignore lists that are too short',
    citation: 'werkzeug test_proxy_fix; RFC 7239 §7.4',
    async run(host, { trustedProxy }) {
      for (const [proxies, value, address = '127.0.0.1'] of PROXIES) {
        await onStage(host, trustedProxy(proxies)(showAddress), async ({ fetch }) => {
          const { content } = await fetch({ headers: [['X-Forwarded-For', value]] });
          equal(content.toString(), address, `${proxies} proxies: ${value}`);
        });
      }
    },
  }),
  middlewareAudit({
    id: 'middleware-198-untrusted',
    sentence: 'MUST let the middleware for proxies take fields that do not count out of the environ',
    citation: 'Waitress clear_untrusted_proxy_headers',
    async run(host, { trustedProxy }) {
      const show: Application = (environ, startResponse) => {
        startResponse('200 OK', text());
        return [octets(Object.keys(environ).filter(isForwarded).join())];
      };
      const headers: HeaderList = ['Forwarded', 'X-Forwarded-Proto', 'X-Forwarded-Host'].map((name) => [
        name,
        name === 'Forwarded' ? 'for=192.0.2.1' : 'https',
      ]);
      await onStage(host, trustedProxy(0)(show), async ({ fetch }) => {
        equal((await fetch({ headers })).content.toString(), '');
      });
    },
  }),
  middlewareAudit({
    id: 'middleware-198-malformed',
    sentence: 'MUST let the middleware for proxies answer 400 to a malformed value that counts',
    citation: 'Waitress proxy headers; RFC 7239 §4',
    async run(host, { trustedProxy }) {
      await onStage(host, trustedProxy(1)(showAddress), async ({ fetch }) => {
        for (const value of ['garbage value', '192.0.2.1, "', '[2001:db8::1']) {
          equal((await fetch({ headers: [['X-Forwarded-For', value]] })).statusCode, 400, value);
        }
      });
    },
  }),
];

/** The audits of lines 191 to 198. */
export const MIDDLEWARE_AUDITS: readonly GatewayAudit[] = [
  ...BODY_AUDITS,
  ...NESTING_AUDITS,
  ...DISPATCH_AUDITS,
  ...PROXY_AUDITS,
];

/** Makes an audit of the middleware of a host. */
function middlewareAudit(
  row: AuditRow & { run(host: AuditHost, middleware: AuditMiddleware): Promise<void> },
): GatewayAudit {
  return audit({
    ...row,
    needs: ['middleware'],
    run(host) {
      assert.ok(host.middleware, `Host ${host.name} has the capability 'middleware' but none`);
      return row.run(host, host.middleware);
    },
  });
}

/** Makes an audit that runs on each layer; by default on all. */
function layerAudit(
  row: AuditRow & {
    layers?(middleware: AuditMiddleware): Readonly<Record<string, AuditLayer>>;
    run(host: AuditHost, layer: AuditLayer, name: string): Promise<void>;
  },
): GatewayAudit {
  const { layers = ({ transparent, changing }) => ({ ...transparent, ...changing }) } = row;
  return middlewareAudit({
    ...row,
    async run(host, middleware) {
      for (const [name, layer] of Object.entries(layers(middleware))) await row.run(host, layer, name);
    },
  });
}

/** Compares the responses of an application, alone and within a layer within that layer. */
async function compareNested(
  host: AuditHost,
  layer: AuditLayer,
  name: string,
  isFramingKept: boolean,
): Promise<void> {
  const application: ApplicationFunction = (environ, startResponse) => {
    const makeApplication = RESPONSES[decodeURIComponent(environ.QUERY_STRING)];
    assert.ok(makeApplication, 'The query must name a response');
    return toApplication(makeApplication())(environ, startResponse);
  };
  const ask = async (served: Application): Promise<Map<string, unknown>> => {
    const answers = new Map<string, unknown>();
    await onStage(host, served, async ({ fetch }) => {
      for (const form of Object.keys(RESPONSES)) {
        for (const method of ['GET', 'HEAD']) {
          const response = await fetch({ method, target: `/?${encodeURIComponent(form)}` });
          const { statusCode, reason, framing, content } = response;
          const kept = isFramingKept && [framing, fieldValues(response, 'Content-Length')];
          answers.set(`${form}, ${method}`, [statusCode, reason, content.toString(), kept]);
        }
      }
    });
    return answers;
  };
  deepEqual(await ask(layer(layer(application))), await ask(application), name);
}

/** Makes an application that answers its name, SCRIPT_NAME and PATH_INFO. */
function named(name: string): Application {
  return (environ, startResponse) => {
    startResponse('200 OK', text());
    return [octets(JSON.stringify([name, environ.SCRIPT_NAME, environ.PATH_INFO]))];
  };
}

const showAddress: Application = (environ, startResponse) => {
  startResponse('200 OK', text());
  return [octets(String(environ.REMOTE_ADDR))];
};

function isForwarded(key: string): boolean {
  return /^HTTP_(?:X_)?FORWARDED/.test(key);
}
