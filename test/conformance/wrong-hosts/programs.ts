/** Hosts whose bridges wrap programs wrongly. */
import type { AuditHost, AuditWrapper, Listener } from '../../../src/conformance/index.ts';
import type { Environ, HeaderList, Write } from '../../../src/wsgi.ts';
import { expressMounted } from '../hosts.ts';
import { relayed } from './relay.ts';
import {
  changing,
  collected,
  onlyNext,
  rebodying,
  rechunking,
  type Sabotage,
  starting,
  type WrongHosts,
  withPrograms,
} from './wrong-host.ts';

/** Joins repeated headers, as a Map does. */
const joining: Sabotage = starting((startResponse) => (status, headers, excInfo) => {
  const joined = new Map<string, string>();
  for (const [name, value] of headers) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return startResponse(status, [...joined], excInfo);
});

const keepingConnection: Sabotage = starting(
  (startResponse) => (status, headers, excInfo) =>
    startResponse(status, [...headers, ['Connection', 'close']], excInfo),
);

/** Shows a program the fields that the host has received. */
const showingReceived: Sabotage = (application) => (environ, startResponse) => {
  const received: HeaderList = [];
  const raw = environ['gateway.raw_headers'] ?? [];
  for (let index = 0; index < raw.length; index += 2) received.push([raw[index] ?? '', raw[index + 1] ?? '']);
  const fields = received.map(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value]);
  return application(Object.assign(environ, Object.fromEntries(fields)), startResponse);
};

/** Reads the content before the program does. */
const readingFirst: Sabotage = (application) => async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  const pieces = [content];
  const input = { read: async () => pieces.pop() ?? new Uint8Array(0) };
  // Programs use only this method.
  return application(Object.assign(environ, { 'wsgi.input': input as Environ['wsgi.input'] }), startResponse);
};

const writingContent: Sabotage = (program) => async (environ, startResponse) => {
  let write: Write | undefined;
  const body = await program(environ, (...start) => (write = startResponse(...start)));
  for await (const chunk of body) await write?.(chunk);
  return [];
};

/** Lets nothing tell a program of a departure: neither the body nor a key beyond those of PEP 3333. */
const leavingSilently: Sabotage = (program) => async (environ, startResponse) => {
  const plain = Object.entries(environ).filter(([key]) => !/^(?:gateway|node|express|fastify)\./.test(key));
  // The others are optional.
  return onlyNext(await program(Object.fromEntries(plain) as Environ, startResponse));
};

const leavingEarly: Sabotage = (program) => async (environ, startResponse) => {
  const body = await program(environ, startResponse);
  // Before a single octet was taken.
  body.close?.();
  return [Buffer.from('abc')];
};

/** Wraps a listener that sees another response. */
function withListeners(host: AuditHost, change: (listener: Listener) => Listener): AuditHost {
  const wrappers = (host.wrappers ?? []).map(
    (wrapper): AuditWrapper => ({ ...wrapper, wrap: (listener) => wrapper.wrap(change(listener)) }),
  );
  return { ...host, wrappers };
}

/** The hosts. */
export const WRONG_PROGRAMS: WrongHosts = {
  'programs whose repeated headers are joined': {
    host: withPrograms(expressMounted, joining),
    noticedBy: ['bridge-215-same-answers', 'bridge-218-round-trip'],
  },
  'programs that keep their Connection field': {
    host: withPrograms(expressMounted, keepingConnection),
    noticedBy: ['bridge-216-hop-by-hop'],
  },
  'programs whose content is read first': {
    host: withPrograms(expressMounted, readingFirst),
    noticedBy: ['bridge-217-request-backpressure'],
  },
  'programs whose response never counts as ended': {
    host: withListeners(expressMounted, (listener) => (request, response) => {
      Object.defineProperty(response, 'writableEnded', { value: false });
      listener(request, response);
    }),
    noticedBy: ['bridge-217-finish'],
  },
  'programs that see the fields as they came': {
    host: withPrograms(expressMounted, showingReceived),
    noticedBy: ['bridge-242-changed-fields'],
  },
  'programs without content': {
    host: withPrograms(
      expressMounted,
      changing(() => ({ 'wsgi.input': { read: async () => new Uint8Array(0) } })),
    ),
    noticedBy: ['bridge-242-changed-content'],
  },
  'two framings of one response': {
    host: relayed(expressMounted, {
      response: (octets) =>
        octets.replace(/^Transfer-Encoding: chunked\r\n/im, (line) => `${line}Content-Length: 3\r\n`),
    }),
    noticedBy: ['bridge-246-one-framing'],
  },
  'programs whose content goes through write': {
    host: withPrograms(expressMounted, writingContent),
    noticedBy: ['bridge-248-through-the-iterable'],
  },
  'programs that run ahead': {
    host: withPrograms(expressMounted, rechunking(collected)),
    noticedBy: ['bridge-248-holds-back'],
  },
  'programs that are not told of a departure': {
    host: withPrograms(expressMounted, rebodying(onlyNext)),
    noticedBy: ['bridge-248-return-is-a-departure', 'bridge-248-close-is-a-departure'],
  },
  'programs that learn of no departure at all': {
    host: withPrograms(expressMounted, leavingSilently),
    noticedBy: ['bridge-217-disconnect'],
  },
  'programs that are left too early': {
    host: withPrograms(expressMounted, leavingEarly),
    noticedBy: ['bridge-248-no-departure'],
  },
};
