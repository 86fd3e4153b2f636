/** Audits of `write()`. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, ApplicationFunction, Chunk, Write } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  aMoment,
  assertTruncated,
  audit,
  eventually,
  gate,
  MAX_AHEAD,
  octets,
  openLedger,
  responseAudit,
  standstill,
  text,
  withoutUnhandledRejections,
} from './kit.ts';

/** Line 234: applications that write without waiting, and yield, by name. Each sends six pieces of one letter. */
const UNAWAITED: Readonly<Record<string, (size: number) => Application>> = {
  'below-a-generator': (size) => {
    const inner: ApplicationFunction = (_environ, startResponse) => {
      const write = startResponse('200 OK', text());
      for (const letter of 'abcd') void write(filled(letter, size));
      return [filled('e', size), filled('f', size)];
    };
    return function* (environ, startResponse) {
      // The application is not async.
      yield* inner(environ, startResponse) as Uint8Array[];
    };
  },
  'between-yields': (size) =>
    function* (_environ, startResponse) {
      const write = startResponse('200 OK', text());
      for (const [written, yielded] of ['ab', 'cd', 'ef']) {
        void write(filled(written ?? '', size));
        yield filled(yielded ?? '', size);
      }
    },
  'between-asynchronous-yields': (size) =>
    async function* (_environ, startResponse) {
      const write = startResponse('200 OK', text());
      for (const [written, yielded] of ['ab', 'cd', 'ef']) {
        void write(filled(written ?? '', size));
        await aMoment(2);
        yield filled(yielded ?? '', size);
      }
    },
  'after-the-last-yield': (size) =>
    function* (_environ, startResponse) {
      const write = startResponse('200 OK', text());
      yield filled('a', size);
      for (const letter of 'bcdef') void write(filled(letter, size));
    },
  'in-an-async-application': (size) => async (_environ, startResponse) => {
    const write = startResponse('200 OK', text());
    await write(filled('a', size));
    for (const letter of 'bcde') void write(filled(letter, size));
    return [filled('f', size)];
  },
};

/** The audits of lines 90 to 99, and 234. */
export const WRITE_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'write-90-after-failed-call',
    sentence: 'MUST reject a write once a later call of startResponse has failed, and send nothing',
    citation: 'PEP 3333, The write() Callable; wsgiref handlers',
    async run(host) {
      const outcomes: string[] = [];
      const application: Application = async (_environ, startResponse) => {
        const write = startResponse('200 OK', text());
        assert.throws(() => startResponse('200 OK\n', text(), new Error('replaced')));
        outcomes.push(await outcomeOf(write(octets('served'))));
        return [];
      };
      await onStage(host, application, async ({ fetch }) => {
        const { statusCode, content } = await fetch();
        equal(statusCode, 500);
        assert.doesNotMatch(content.toString(), /served/);
        deepEqual(outcomes, ['rejected']);
      });
    },
  }),
  ...['', 'begun'].map((first) =>
    audit({
      id: first === '' ? 'write-91-head-with-empty-chunk' : 'write-91-head-with-first-chunk',
      sentence: `MUST send the head with the first write, ${first === '' ? 'even of an empty chunk' : 'at once'}`,
      citation: 'PEP 3333, The write() Callable',
      async run(host) {
        const { opened, open: release } = gate();
        const application: Application = async (_environ, startResponse) => {
          await startResponse('202 Accepted', text())(octets(first));
          await opened;
          return [octets(' and done')];
        };
        await onStage(host, application, async ({ open, format }) => {
          const client = open();
          client.send(format());
          equal((await client.readHead()).statusCode, 202);
          if (first !== '') equal((await client.readChunk())?.toString(), first);
          release();
          equal((await client.readChunk())?.toString(), ' and done');
          equal(await client.readChunk(), null);
        });
      },
    }),
  ),
  responseAudit({
    id: 'write-92-before-the-body',
    sentence: 'MUST send written chunks before yielded ones',
    citation: 'PEP 3333, The write() Callable',
    application(_environ, startResponse) {
      const write = startResponse('200 OK', text());
      void write(octets('written '));
      return [octets('then '), octets('yielded')];
    },
    check: ({ content }) => equal(content.toString(), 'written then yielded'),
  }),
  responseAudit({
    id: 'write-93-order',
    sentence: 'MUST keep the order of writes that are not awaited',
    citation: 'Gateway semantics S16',
    application(_environ, startResponse) {
      const write = startResponse('200 OK', text());
      for (let index = 0; index < 100; index += 1) void write(octets(`${index} `.padEnd(1000, '.')));
      return [octets('end')];
    },
    check({ content }) {
      const expected = Array.from({ length: 100 }, (_, index) => String(index));
      deepEqual(content.toString().match(/\d+/g), expected);
      equal(content.toString().slice(-3), 'end');
    },
  }),
  audit({
    id: 'write-94-backpressure',
    sentence: 'MUST NOT settle the promise of a write before the host has taken the octets',
    citation: 'PEP 3333, The write() Callable',
    async run(host) {
      const size = 1 << 16;
      const count = 768;
      let written = 0;
      const application: Application = async (_environ, startResponse) => {
        const write = startResponse('200 OK', text(['Content-Length', String(count * size)]));
        for (; written < count; written += 1) await write(new Uint8Array(size));
        return [];
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format());
        const ahead = (await standstill(() => written)) * size;
        assert.ok(ahead <= MAX_AHEAD, `${ahead} octets were taken while the client read none`);
        equal((await client.readResponse()).content.length, count * size);
      });
    },
  }),
  audit({
    id: 'write-95-no-octets',
    sentence: 'MUST reject a write of a value that is neither octets nor text, and fail the response',
    citation: 'PEP 3333, The write() Callable',
    run: (host) => refuses(host, [42, null, undefined, {}, [1], new ArrayBuffer(2)]),
  }),
  audit({
    id: 'write-95-strict',
    sentence: 'MUST reject a write of text too if strict is set',
    citation: 'PEP 3333, The write() Callable',
    run: (host) => refuses(host, ['served'], true),
  }),
  audit({
    id: 'write-96-disconnected',
    sentence: 'MUST reject a write after the client has left, without an unhandled rejection',
    citation: 'PEP 3333, Error Handling; Waitress ClientDisconnected',
    async run(host) {
      const outcomes: string[] = [];
      const application: Application = async ({ PATH_INFO }, startResponse) => {
        const write = startResponse('200 OK', text());
        if (PATH_INFO !== '/') return [octets('alive')];
        for (let index = 0; index < 10_000 && outcomes.length === 0; index += 1) {
          void write(new Uint8Array(1000));
          if ((await outcomeOf(write(new Uint8Array(1000)))) === 'rejected') outcomes.push('rejected');
          await new Promise((resolve) => setImmediate(resolve));
        }
        void write(octets('nobody awaits this'));
        return [];
      };
      const act = onStage(host, application, async ({ open, format, fetch }) => {
        const client = open();
        client.send(format());
        await client.readHead();
        client.reset();
        await eventually(() => outcomes.length > 0, 'write rejects');
        equal((await fetch({ target: '/alive' })).content.toString(), 'alive');
      });
      await withoutUnhandledRejections(() => act);
    },
  }),
  audit({
    id: 'write-97-past-content-length',
    sentence: 'MUST cut off a write at Content-Length, and reject it',
    citation: 'PEP 3333, Handling the Content-Length Header',
    async run(host) {
      const outcomes: string[] = [];
      const application: Application = async (_environ, startResponse) => {
        const write = startResponse('200 OK', text(['Content-Length', '5']));
        for (const chunk of ['hel', 'lo world', 'more']) outcomes.push(await outcomeOf(write(octets(chunk))));
        return [];
      };
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        equal((await exchange(client)).content.toString(), 'hello');
        deepEqual(outcomes, ['fulfilled', 'rejected', 'rejected']);
        assert.ok(await client.isSilent(40), 'Nothing may follow the declared octets');
      });
    },
  }),
  audit({
    id: 'write-98-http-1-0',
    sentence: 'MUST NOT add a Content-Length to written content, and end it by closing to HTTP/1.0',
    citation: 'RFC 9112 §6.3; wsgiref testContentLength',
    needs: ['http1'],
    run: (host) =>
      onStage(
        host,
        (_environ, startResponse) => {
          void startResponse('200 OK', text())(octets('written'));
          return [];
        },
        async ({ fetch }) => {
          const response = await fetch({ protocol: 'HTTP/1.0' });
          equal(response.framing, 'close');
          equal(response.content.toString(), 'written');
          deepEqual(fieldValues(response, 'Content-Length'), []);
        },
      ),
  }),
  audit({
    id: 'write-99-error-after-write',
    sentence: 'MUST cut off the response when the application fails after a write, without a second head',
    citation: 'PEP 3333, Error Handling; wsgiref testErrorAfterOutput',
    async run(host) {
      const ledger = openLedger();
      const application: Application = async (_environ, startResponse) => {
        await startResponse('200 OK', text())(octets('begun'));
        return ledger.body(() => Promise.reject(new Error('audit of line 99')));
      };
      await onStage(host, application, async (stage) => {
        await assertTruncated(stage);
        await eventually(() => ledger.closes === 1, 'close is called once');
      });
    },
  }),
  ...Object.entries(UNAWAITED).flatMap(([name, application]) =>
    [3, 70_000].map((size) =>
      responseAudit({
        id: `write-234-${name}-${size}`,
        sentence: `MUST keep the order of writes that are not awaited: ${name.replaceAll('-', ' ')}, ${size} octets`,
        citation: 'PEP 3333, The write() Callable',
        application: application(size),
        check: ({ content }) => {
          equal(content.length, 6 * size);
          const letters = Array.from({ length: 6 }, (_, index) =>
            content.toString('latin1', index * size, index * size + 1),
          );
          equal(letters.join(''), 'abcdef');
        },
      }),
    ),
  ),
];

/** Gives octets that are all the same letter. */
function filled(letter: string, size: number): Uint8Array {
  return Buffer.alloc(size, letter);
}

/** Writes each value in its own request, and checks that the write rejects and the response fails. */
async function refuses(
  host: Parameters<GatewayAudit['run']>[0],
  values: readonly unknown[],
  strict = false,
): Promise<void> {
  let next = 0;
  const outcomes: string[] = [];
  const application: Application = async (_environ, startResponse) => {
    const write: Write = startResponse('200 OK', text());
    // The types forbid some of these values.
    outcomes.push(await outcomeOf(write(values[next] as Chunk)));
    return [octets('served')];
  };
  const act = onStage(
    host,
    application,
    async ({ fetch }) => {
      for (next = 0; next < values.length; next += 1) {
        const { statusCode } = await fetch();
        equal(outcomes[next], 'rejected', `The write of ${String(values[next])} must reject`);
        equal(statusCode, 500, `The write of ${String(values[next])} must fail the response`);
      }
    },
    { gateway: { strict } },
  );
  await withoutUnhandledRejections(() => act);
}

function outcomeOf(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => 'fulfilled',
    () => 'rejected',
  );
}
