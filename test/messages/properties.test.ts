/** Every property of request, response and socket, on node:http and on the standalone server. */
import { type IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { describeProperties, differingProperties, type PropertyTable } from './properties.ts';
import { listenNode, listenOurs, pause, request, transcript } from './side-by-side.ts';

/** Properties that differ on purpose, with the reason. */
const ALLOWED: Record<'req' | 'res', Readonly<Record<string, string>>> = {
  req: {
    socket: 'a socket of its own class stands in for the connection',
    client: 'the same',
    connection: 'the same',
    joinDuplicateHeaders: 'null where http.createServer was told nothing, which means false',
  },
  res: {
    socket: 'a socket of its own class stands in for the connection',
    connection: 'the same',
    _events: "node's server listens for 'finish' itself",
    _eventsCount: 'the same',
    _header: 'the text of the head is the host’s to write; here stands the status line',
    _keepAliveTimeout: 'the host sends it with the connection',
    _maxRequestsPerSocket: 'the same',
    _onPendingData: "node's server pauses reading with it; here the gateway does",
    _send: 'the response is caught here',
    _writeRaw: 'the same',
    writableLength: 'from Node 26 on the length of _header counts until the head has left',
  },
};

/** Properties of node's socket that ours lacks, by purpose. */
const MISSING_OF_SOCKET: readonly string[] = [
  // Reading: programs read content from the request.
  ...['read', 'push', 'unshift', 'unpipe', 'wrap', 'iterator', 'readableFlowing', 'readableLength'],
  ...[
    'readableObjectMode',
    'readableEncoding',
    'readableDidRead',
    'readableBuffer',
    'asIndexedPairs',
    'drop',
  ],
  ...['filter', 'flatMap', 'map', 'take', 'compose', 'every', 'forEach', 'reduce', 'toArray', 'some', 'find'],
  // Writing: data written to the socket passes by the response, straight to the connection.
  ...['setDefaultEncoding', 'writableObjectMode', 'writableBuffer', 'writableAborted'],
  // Connecting, and the server's own use of its sockets.
  ...['connect', 'parser', 'autoSelectFamilyAttemptedAddresses', 'getTypeOfService', 'setTypeOfService'],
];

const MOMENTS = ['start', 'read', 'written', 'sent', 'ended', 'closed'] as const;

interface Look {
  readonly req: PropertyTable;
  readonly res: PropertyTable;
  readonly socket: PropertyTable;
}

/** Describes the messages at several moments of an exchange. */
async function watch(req: IncomingMessage, res: ServerResponse, looks: Look[]): Promise<void> {
  const { socket } = req;
  const look = (): void =>
    void looks.push({
      req: describeProperties(req),
      res: describeProperties(res),
      socket: describeProperties(socket),
    });
  look();
  for await (const _ of req);
  await pause(5);
  look();
  res.write('x');
  look();
  await pause(5);
  look();
  res.end('y');
  look();
  await pause(10);
  look();
}

const TEXT = request('POST', '/p?q=1', ['X-A: 1', 'x-a: 2', 'Cookie: a=b', 'Cookie: c=d'], 'hello').replace(
  'Connection: close\r\n',
  '',
);

/** Serves one request on both servers with the same program. */
async function onBoth<T>(
  program: (...args: [...Parameters<RequestListener>, T[]]) => unknown,
): Promise<[T[], T[]]> {
  const seen: [T[], T[]] = [[], []];
  const node = await listenNode((req, res) => void program(req, res, seen[0]));
  const ours = await listenOurs(fromNode((req, res) => program(req, res, seen[1])));
  for (const server of [node, ours]) {
    await transcript(server, TEXT, 'answer', 60, 'end');
    await server.close();
  }
  return seen;
}

/** The one member of a request that is ours: `environOf` reads it. */
const ENVIRON = Symbol.for('gatebridge.environ');

describe('the messages of a wrapped program', () => {
  it('have the properties of node’s messages, with the same values', async () => {
    const [node, ours] = await onBoth(watch);
    expect([node.length, ours.length]).toEqual([MOMENTS.length, MOMENTS.length]);
    for (const [index, moment] of MOMENTS.entries()) {
      for (const message of ['req', 'res'] as const) {
        const differing = differingProperties(node[index]?.[message] ?? {}, ours[index]?.[message] ?? {});
        const unexpected = Object.entries(differing).filter(([name]) => !(name in ALLOWED[message]));
        expect(unexpected, `${message}, ${moment}`).toEqual([]);
      }
    }
  });

  it('have a socket with the properties of node’s socket, apart from those of a stream', async () => {
    const [node, ours] = await onBoth(watch);
    const differing = differingProperties(node[0]?.socket ?? {}, ours[0]?.socket ?? {});
    const unexpected = Object.entries(differing).filter(
      ([name, both]) =>
        !name.startsWith('_') &&
        !MISSING_OF_SOCKET.includes(name) &&
        !both.startsWith('undefined / ') &&
        !/^(function of \d) \/ function of \d$/.test(both) &&
        !/^(remote|local)Port$/.test(name),
    );
    expect(unexpected).toEqual([]);
    // They are hidden, because the classes of node's sockets are in the prototype chain.
    const hidden = [undefined, 'undefined'];
    const missing = MISSING_OF_SOCKET.filter((name) => !hidden.includes(ours[0]?.socket[name]));
    expect(missing).toEqual([]);
  });

  it('list the same names when they are copied or logged', async () => {
    const [node, ours] = await onBoth((req, res, seen: unknown[]) => {
      const inherited: string[] = [];
      for (const name in req) inherited.push(name);
      seen.push(
        Object.keys(req),
        inherited,
        JSON.stringify(req.headers),
        JSON.stringify(req.headersDistinct),
      );
      const own = new Set(['_maxRequestsPerSocket', '_storeHeader', '_send', '_writeRaw', '_finish']);
      seen.push(Object.keys(res).filter((name) => !own.has(name)));
      const symbols = Object.getOwnPropertySymbols(req).filter((symbol) => symbol !== ENVIRON);
      seen.push(Object.keys({ ...req }), symbols.map(String));
      res.end();
    });
    expect(ours).toEqual(node);
  });

  it('can be inspected', async () => {
    const [node, ours] = await onBoth((req, res, seen: string[]) => {
      for (const depth of [0, 1, 5, null]) seen.push(inspect(req, { depth }).split(' ')[0] ?? '');
      seen.push(inspect(res, { showHidden: true }).split(' ')[0] ?? '', `${req} ${res}`, String(req.socket));
      res.end(inspect(req.socket).length > 0 ? 'y' : 'n');
    });
    expect(ours).toEqual(node);
  });

  it('have node’s classes', async () => {
    const [node, ours] = await onBoth((req, res, seen: unknown[]) => {
      seen.push(res instanceof ServerResponse, res.constructor === ServerResponse, req.constructor.name);
      seen.push(Object.getPrototypeOf(res) === ServerResponse.prototype, Object.prototype.toString.call(req));
      seen.push(
        req.socket === res.socket,
        req.connection === req.socket,
        Reflect.get(req, 'client') === req.socket,
      );
      seen.push(res.req === req, Reflect.get(res, 'connection') === req.socket);
      res.end();
    });
    expect(ours).toEqual(node);
  });
});
