/** Hosts that treat requests and connections wrongly, and hosts that do not heed their options. */
import type { InputStream } from '../../../src/wsgi.ts';
import { node, standalone } from '../hosts.ts';
import { behind, pass, relayed } from './relay.ts';
import { type Sabotage, sabotaged, serving, type WrongHosts, withGateway } from './wrong-host.ts';

const WELL_FORMED = 'GET / HTTP/1.1\r\nHost: audit.test\r\n\r\n';

const MALFORMED = [
  'environ-39-repeated-singletons',
  'environ-40-missing-host',
  'input-174-unknown-expectation',
  'protocol-177-length-and-coding',
  'protocol-177-content-length',
  'protocol-177-chunks',
  'protocol-178-field-lines',
  'protocol-178-request-line-trailing-space',
  'protocol-178-request-line-lower-case-version',
  'protocol-178-request-line-version-suffix',
  'protocol-180-field-section',
];

const readingAhead: Sabotage = (application) => async (environ, startResponse) => {
  await environ['wsgi.input'].read();
  return application(environ, startResponse);
};

/** Lets no read succeed once the application has answered. */
const readingNoLonger: Sabotage = (application) => async (environ, startResponse) => {
  const input = environ['wsgi.input'];
  let isOver = false;
  const refuse = async <Result>(read: () => Promise<Result>): Promise<Result> => {
    const result = await read();
    if (isOver) throw new Error('Response is over');
    return result;
  };
  const own: InputStream = {
    read: (size) => refuse(() => input.read(size)),
    readline: (size) => refuse(() => input.readline(size)),
    readlines: (hint) => refuse(() => input.readlines(hint)),
    async *chunks() {
      for await (const chunk of input.chunks()) yield refuse(async () => chunk);
      return undefined;
    },
    async *[Symbol.asyncIterator]() {
      for await (const line of input) yield refuse(async () => line);
      return undefined;
    },
  };
  const body = await application({ ...environ, 'wsgi.input': own }, startResponse);
  isOver = true;
  return body;
};

/** Makes variables of the trailer section. */
const mergingTrailers: Sabotage = (application) => (environ, startResponse) => {
  const input = environ['wsgi.input'];
  const read = async (): Promise<Uint8Array> => {
    const content = await input.read();
    // The request of node:http, with its trailers.
    const { rawTrailers = [] } = Object(environ['node.req']) as { rawTrailers?: readonly string[] };
    for (const [index, name] of rawTrailers.entries()) {
      if (index % 2 === 0)
        environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = rawTrailers[index + 1];
    }
    return content;
  };
  return application(Object.assign(environ, { 'wsgi.input': { read } }), startResponse);
};

/** The hosts. */
export const WRONG_REQUESTS: WrongHosts = {
  'malformed requests that are mended': {
    host: relayed(node, { request: () => WELL_FORMED }),
    noticedBy: MALFORMED,
  },
  'malformed requests that are mended, on its own wire': {
    host: relayed(standalone, { request: () => WELL_FORMED }),
    noticedBy: [
      'protocol-178-request-line-two-spaces',
      'protocol-179-transfer-coding',
      'protocol-180-request-line',
    ],
  },
  'options that are ignored': {
    host: withGateway(node, ({ environ = {} }) => ({ environ })),
    noticedBy: [
      'environ-42-underscore-refused',
      'environ-42-underscore-allowed',
      'start-response-69-hop-by-hop-dropped',
      'write-95-strict',
      'body-135-exposed-errors',
      'body-240-close-that-never-settles',
      'body-240-callback-that-never-settles',
    ],
  },
  'options that are ignored, on its own wire': {
    host: withGateway(standalone, ({ environ = {} }) => ({ environ })),
    noticedBy: ['start-response-88-server-configured', 'input-167-too-large', 'input-168-too-large-chunked'],
  },
  'answers to pipelined requests as they come': {
    host: behind(node, (client, connect) => {
      client.on('data', (octets: Buffer) => {
        for (const request of octets.toString('latin1').match(/.+?\r\n\r\n/gs) ?? []) {
          const upstream = connect();
          upstream.write(request, 'latin1');
          upstream.on('data', (answer) => client.write(answer));
        }
      });
    }),
    noticedBy: ['body-136-pipelining'],
  },
  'content that is taken for requests': {
    host: relayed(node, {
      request: (octets) => octets.replace(/^Content-Length: \d+/m, 'Content-Length: 0'),
    }),
    noticedBy: ['input-169-ignored-content', 'input-235-left-unread'],
  },
  'uploads that are cut off': {
    host: behind(node, (client, connect) => {
      const upstream = connect();
      let length = 0;
      client.on('data', (octets: Buffer) => {
        length += octets.length;
        if (length > 1 << 18) client.resetAndDestroy();
      });
      pass(client, upstream);
      pass(upstream, client);
    }),
    noticedBy: ['input-170-ignored-upload'],
  },
  'connections that are never closed': {
    host: behind(standalone, (client, connect) => {
      const upstream = connect();
      client.on('data', (octets) => upstream.write(octets));
      upstream.on('data', (octets) => client.write(octets));
    }),
    noticedBy: [
      'input-170-bounded-drain',
      'protocol-181-http-1-0',
      'protocol-182-close-length',
      'protocol-182-close-chunked',
    ],
  },
  'a half-close that counts as a departure': {
    host: behind(standalone, (client, connect) => {
      const upstream = connect();
      pass(client, upstream);
      pass(upstream, client);
      client.on('end', () => client.destroy());
    }),
    noticedBy: ['protocol-184-half-close'],
  },
  'a stop that cuts everything off': {
    host: serving(standalone, (serve) => async (...call) => {
      const server = await serve(...call);
      return { ...server, stop: () => server.close() };
    }),
    noticedBy: ['protocol-183-graceful-stop'],
  },
  'a stop that waits without end': {
    host: serving(standalone, (serve) => async (...call) => ({
      ...(await serve(...call)),
      stop: async () => {},
    })),
    noticedBy: ['protocol-183-hard-stop'],
  },
  'an input that is read ahead': {
    host: sabotaged(node, readingAhead),
    noticedBy: ['input-151-read', 'input-160-octet-by-octet', 'input-174-http-1-0', 'bridge-214-unparsed'],
  },
  'an input that ends with the response': {
    host: sabotaged(node, readingNoLonger),
    noticedBy: ['input-235-read-on'],
  },
  'trailers that become variables': {
    host: sabotaged(node, mergingTrailers),
    noticedBy: ['input-176-trailers-without-framing'],
  },
  'a third argument to functions': {
    host: sabotaged(
      node,
      (application) => (environ, startResponse) =>
        Reflect.apply(application, undefined, [environ, startResponse, 3]),
    ),
    noticedBy: ['forms-189-function-call'],
  },
};
