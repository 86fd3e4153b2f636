/** Audits of errors that tell of a departure: whose it was, and what an application throws after it. */
import assert, { equal } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { DisconnectError } from '../../errors.ts';
import type { ApplicationFunction, Environ, StartResponse } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import {
  aMoment,
  assertTruncated,
  audit,
  collectFaults,
  eventually,
  octets,
  text,
  withoutUnhandledRejections,
} from './kit.ts';

/** Applications that throw once their client has left, by name. */
const LATE_THROWERS: Readonly<Record<string, (left: Promise<unknown>) => ApplicationFunction>> = {
  'async-application': (left) => async () => {
    await left;
    throw new Error('audit of line 237');
  },
  'next-that-waits': (left) =>
    async function* (_environ, startResponse) {
      startResponse('200 OK', text());
      yield octets('begun');
      await left;
      throw new Error('audit of line 237');
    },
  'finally-block': () =>
    async function* (_environ, startResponse) {
      startResponse('200 OK', text());
      try {
        for (;;) {
          yield octets('tick');
          await aMoment(2);
        }
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: this is what is audited
        throw new Error('audit of line 237');
      }
    },
  'write-that-rejected': () => async (_environ, startResponse) => {
    const write = startResponse('200 OK', text());
    try {
      for (;;) {
        await write(octets('tick'));
        await aMoment(2);
      }
    } catch {
      throw new Error('audit of line 237');
    }
  },
};

/** The audits of lines 236, 237 and 250. */
export const DEPARTURE_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'body-236-departure-of-nobody',
    sentence: 'MUST answer 500 to a DisconnectError whose client has not left, and tell the operator',
    citation: 'Gateway semantics, line 236',
    async run(host) {
      const faults = collectFaults();
      const application: ApplicationFunction = ({ PATH_INFO }, startResponse) => {
        const error = new DisconnectError('WSGI_ERR_DISCONNECTED', 'audit of line 236');
        if (PATH_INFO === '/async') return Promise.reject(error);
        if (PATH_INFO !== '/') throw error;
        startResponse('200 OK', text());
        return [octets('alive')];
      };
      const act = async (stage: Stage): Promise<void> => {
        for (const target of ['/sync', '/async']) {
          equal((await stage.fetch({ target })).statusCode, 500, `The answer must be 500 for ${target}`);
        }
        assert.match(faults.told(stage), /audit of line 236/);
        equal((await stage.fetch()).content.toString(), 'alive');
      };
      await onStage(host, application, act, faults.options);
    },
  }),
  audit({
    id: 'body-236-departure-of-nobody-late',
    sentence: 'MUST break off the response at a DisconnectError whose client has not left, and log it',
    citation: 'Gateway semantics, line 236',
    async run(host) {
      const application: ApplicationFunction = async function* (_environ, startResponse) {
        startResponse('200 OK', text());
        yield octets('begun');
        throw new DisconnectError('WSGI_ERR_DISCONNECTED', 'audit of line 236');
      };
      await onStage(host, application, async (stage) => {
        await assertTruncated(stage);
        await eventually(() => stage.server.log().includes('audit of line 236'), 'the error is logged');
      });
    },
  }),
  audit({
    id: 'body-236-departure-of-another',
    sentence: 'MUST answer 500 to the client that waits for the content of another, which has left',
    citation: 'Gateway semantics, line 236',
    async run(host) {
      const faults = collectFaults();
      let upload: Promise<unknown> | undefined;
      const application: ApplicationFunction = async (environ: Environ, startResponse: StartResponse) => {
        if (environ.REQUEST_METHOD === 'POST') upload = environ['wsgi.input'].read();
        await upload;
        startResponse('200 OK', text());
        return [octets('shared')];
      };
      const act = async (stage: Stage): Promise<void> => {
        const uploader = stage.open();
        uploader.send(stage.format({ method: 'POST', headers: [['Content-Length', '100']] }));
        uploader.send('only a part');
        await eventually(() => upload !== undefined, 'the upload begins');
        const other = stage.fetch();
        await aMoment();
        uploader.reset();
        equal((await other).statusCode, 500);
        assert.match(faults.told(stage), /DisconnectError/);
      };
      await withoutUnhandledRejections(() => onStage(host, application, act, faults.options));
    },
  }),
  ...Object.entries(LATE_THROWERS).map(([name, makeApplication]) =>
    audit({
      id: `body-237-${name}`,
      sentence: `MUST log what an application throws after its client has left: ${name.replaceAll('-', ' ')}`,
      citation: 'Gateway semantics, line 237',
      async run(host) {
        let leave = (): void => {};
        const left = new Promise<void>((resolve) => {
          leave = resolve;
        });
        const act = onStage(host, makeApplication(left), async ({ open, format, server }) => {
          const client = open();
          client.send(format());
          if (name === 'async-application') await aMoment();
          else await client.readHead();
          client.reset();
          await aMoment();
          leave();
          await eventually(() => server.log().includes('audit of line 237'), 'the error is logged');
        });
        await withoutUnhandledRejections(() => act);
      },
    }),
  ),
  audit({
    id: 'body-237-what-the-signal-aborts',
    sentence: 'MUST NOT log what the signal of a client that left has aborted',
    citation: 'Gateway semantics, line 237',
    async run(host) {
      let hasAborted = false;
      const application: ApplicationFunction = async (environ) => {
        const signal = environ['gateway.signal']?.();
        assert.ok(signal, 'gateway.signal must be a function');
        return delay(60_000, [], { signal }).finally(() => {
          hasAborted = true;
        });
      };
      await onStage(host, application, async ({ open, format, server }) => {
        const client = open();
        client.send(format());
        await aMoment();
        client.reset();
        await eventually(() => hasAborted, 'the application is told');
        await aMoment();
        equal(server.log(), '');
      });
    },
  }),
  audit({
    id: 'body-250-another-copy',
    sentence: 'MUST recognise an error of another copy of the package by its code and status',
    citation: 'Gateway semantics, line 250',
    async run(host) {
      const application: ApplicationFunction = ({ PATH_INFO }) => {
        const [code, statusCode] = COPIED[PATH_INFO] ?? ['', 0];
        throw Object.assign(new Error('of another copy'), { name: 'ProtocolError', code, statusCode });
      };
      await onStage(host, application, async ({ fetch, server }) => {
        for (const [target, [, statusCode]] of Object.entries(COPIED)) {
          equal((await fetch({ target })).statusCode, statusCode);
        }
        equal(server.log(), '');
      });
    },
  }),
];

/** Errors that are the client's fault, by path. */
const COPIED: Readonly<Record<string, readonly [code: string, statusCode: number]>> = {
  '/malformed': ['WSGI_ERR_CONTENT_MALFORMED', 400],
  '/too-large': ['WSGI_ERR_CONTENT_TOO_LARGE', 413],
  '/unsupported': ['WSGI_ERR_CONTENT_UNSUPPORTED', 415],
  '/of-a-later-version': ['WSGI_ERR_SOMETHING_NEW', 422],
};
