/** Audits of the content of wrapped programs: it is a body, from which the gateway or middleware pulls. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { toApplication } from '../../gateway/application.ts';
import type { Application, Body, Chunk } from '../../wsgi.ts';
import type { AuditWrapper, GatewayAudit, Listener } from '../audit.ts';
import { onStage } from '../stage.ts';
import { aMoment, closing, eventually, standstill, watched } from './kit.ts';
import { wrapAudit } from './wrapping.ts';

/** Octets that a program may be ahead of its consumer: what a socket of node buffers, and a margin. */
const MAX_BUFFERED = 1 << 18;

const PIECE = 1 << 12;

/** Pieces of a program that nobody lets come to its end. They have an end, so that an audit fails instead of hanging. */
const MANY = 5000;

/** The audits of line 248. */
export const PULLED_PROGRAM_AUDITS: readonly GatewayAudit[] = [
  wrapAudit({
    id: 'bridge-248-through-the-iterable',
    sentence: 'MUST give the content of a wrapped program through the body, and nothing by write',
    citation: 'PEP 3333, The write() Callable',
    async run(host, wrapper) {
      let written = 0;
      let iterated = 0;
      const program = toApplication(wrapper.wrap(endless(8)));
      const counting: Application = async (environ, startResponse) => {
        const body = await program(environ, (...start) => {
          const write = startResponse(...start);
          return (data) => {
            written += data.length;
            return write(data);
          };
        });
        return watched(body, (chunk) => {
          iterated += chunk.length;
        });
      };
      await onStage(host, counting, async ({ fetch }) => {
        equal((await fetch()).content.length, 8 * PIECE, wrapper.name);
        deepEqual([written, iterated], [0, 8 * PIECE], wrapper.name);
      });
    },
  }),
  wrapAudit({
    id: 'bridge-248-holds-back',
    sentence: 'MUST hold a wrapped program back while nobody asks for its content',
    citation: 'PEP 3333, Buffering and Streaming',
    async run(host, wrapper) {
      let sent = 0;
      const program = toApplication(wrapper.wrap(endless(MANY, () => (sent += PIECE))));
      const stalled: Application = async (environ, startResponse) => {
        const body = await program(environ, startResponse);
        async function* first(): AsyncGenerator<Chunk> {
          for await (const chunk of body) {
            yield chunk;
            const ahead = await standstill(() => sent);
            assert.ok(ahead <= MAX_BUFFERED, `${wrapper.name}: ${ahead} octets while nobody asked`);
            return;
          }
        }
        return closing(first(), body);
      };
      await onStage(host, stalled, async ({ fetch }) => {
        equal((await fetch()).statusCode, 200, wrapper.name);
      });
    },
  }),
  ...(['return', 'close'] as const).map((method) =>
    wrapAudit({
      id: `bridge-248-${method}-is-a-departure`,
      sentence: `MUST tell a wrapped program that its client has left on ${method} while content is owed`,
      citation: 'Gateway semantics §5.7',
      async run(host, wrapper) {
        const events = await eventsOf(wrapper, endless(MANY), async (program) => {
          const cut: Application = async (environ, startResponse) => {
            const body = await program(environ, startResponse);
            return firstOnly(body, method);
          };
          await onStage(host, cut, async ({ fetch }) => {
            equal((await fetch()).statusCode, 200, wrapper.name);
          });
        });
        deepEqual(events, ['close false'], wrapper.name);
      },
    }),
  ),
  wrapAudit({
    id: 'bridge-248-no-departure',
    sentence: 'MUST NOT take the end of a whole Content-Length, of HEAD, 204 or 304 for a departure',
    citation: 'Gateway semantics §5.7',
    async run(host, wrapper) {
      const requests = [
        { target: '/length' },
        { target: '/length', method: 'HEAD' },
        { target: '/204' },
        { target: '/304' },
      ];
      const answer: Listener = (request, response) => {
        const status = Number(/\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 200);
        response.statusCode = status;
        if (status === 200) response.setHeader('Content-Length', '3');
        response.write('abc');
        setTimeout(() => response.end(), 5);
      };
      for (const request of requests) {
        const events = await eventsOf(wrapper, answer, (program) =>
          onStage(host, program, async ({ open, exchange }) => {
            // The client stays, so that only the gateway can be taken for one that leaves.
            const { statusCode } = await exchange(open(), request);
            equal(statusCode < 400, true, wrapper.name);
            await aMoment();
          }),
        );
        deepEqual(events, ['finish', 'close true'], `${wrapper.name} ${JSON.stringify(request)}`);
      }
    },
  }),
];

/** Makes a program that sends so many pieces, as fast as it is let. */
function endless(pieces: number, onPiece: () => void = () => {}): Listener {
  return (_request, response) => {
    let left = pieces;
    const send = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= 1;
        onPiece();
        if (!response.write(Buffer.alloc(PIECE, 'x'))) break;
      }
      if (left === 0) response.end();
    };
    response.on('drain', send);
    // Not before the head has been asked for, so that the response is no array.
    setImmediate(send);
  };
}

/** Runs a program, and returns the events of its response: 'finish', and 'close' with `writableFinished`. */
async function eventsOf(
  wrapper: AuditWrapper,
  listener: Listener,
  run: (program: ReturnType<typeof toApplication>) => Promise<void>,
): Promise<string[]> {
  const events: string[] = [];
  const recording: Listener = (request, response) => {
    response.on('finish', () => events.push('finish'));
    response.on('close', () => events.push(`close ${response.writableFinished}`));
    listener(request, response);
  };
  await run(toApplication(wrapper.wrap(recording)));
  await eventually(() => events.some((event) => event.startsWith('close')), `${wrapper.name}: close`);
  await aMoment();
  return events;
}

/** Passes the first chunk of a body on, then leaves it by `return` or by `close`. */
function firstOnly(body: Body, method: 'return' | 'close'): Body {
  async function* first(): AsyncGenerator<Chunk> {
    const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
    const step = await iterator.next();
    if (!step.done) yield step.value;
    if (method === 'return') await iterator.return?.();
  }
  return closing(first(), method === 'close' ? body : {});
}
