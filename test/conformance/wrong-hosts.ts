/** Hosts that each have one wrong part of their own, with the audits that must notice. */
import type { AuditHost, AuditMiddleware, AuditServeOptions, Listener } from '../../src/conformance/index.ts';
import { toApplication } from '../../src/index.ts';
import type { Application, Body, Chunk } from '../../src/wsgi.ts';
import { collected, ignoringSecondCalls, rechunking, type Sabotage, sabotaged, serving } from './sabotage.ts';

/** Each wrong host by its fault, with the audits that must notice it. */
export const WRONG_HOSTS: Readonly<
  Record<string, { host(right: AuditHost): AuditHost; noticedBy: readonly string[] }>
> = {
  'no view of changed fields': {
    host: (right) => withOptions(right, ({ changeRequest: _, ...options }) => options),
    noticedBy: ['bridge-243-added-fields', 'bridge-243-changed-fields', 'bridge-243-removed-fields'],
  },
  'fields that are changed though they were only looked at': {
    host: (right) =>
      withOptions(right, (options) => ({
        ...options,
        changeRequest: ({ headers }) => {
          headers.referer = 'one';
          headers['x-user'] = 'other';
        },
      })),
    noticedBy: ['bridge-243-looked-at-fields'],
  },
  'a proxy that it never trusts': {
    host: (right) => withOptions(right, ({ trustProxy: _, ...options }) => options),
    noticedBy: ['bridge-244-trusted-proxy'],
  },
  'a proxy that it always trusts': {
    host: (right) => withOptions(right, (options) => ({ ...options, trustProxy: true })),
    noticedBy: ['bridge-244-untrusted-proxy'],
  },
  'a Vary of the application alone': {
    host: (right) => withOptions(right, ({ hostFields: _, ...options }) => options),
    noticedBy: ['bridge-245-vary-array', 'bridge-245-vary-stream'],
  },
  'answers that never fall through': {
    host: (right) => withOptions(right, ({ next: _, ...options }) => options),
    noticedBy: ['bridge-247-after-nothing', 'bridge-247-after-one-octet', 'bridge-247-after-everything'],
  },
  'anything taken for an application': {
    host: (right) =>
      serving(
        right,
        (serve) => (application, options) =>
          // Looks at the value when a request comes.
          serve((environ, startResponse) => toApplication(application)(environ, startResponse), options),
      ),
    noticedBy: ['forms-249-mistaken-values'],
  },
  'listeners that answer nothing': {
    host: (right) =>
      sabotaged(right, () => (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [];
      }),
    noticedBy: ['forms-249-listener'],
  },
  'middleware that never closes': {
    host: (right) =>
      withLayer(
        right,
        (inner) =>
          async (...call) =>
            iterated(await inner(...call)),
      ),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that closes twice': {
    host: (right) =>
      withLayer(right, (inner) => async (...call) => {
        const body = await inner(...call);
        const close = (): void => {
          body.close?.();
          body.close?.();
        };
        return Object.assign(iterated(body), { close });
      }),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that gathers the body': {
    host: (right) => withLayer(right, rechunking(collected)),
    noticedBy: ['middleware-192-block-boundaries', 'middleware-191-departure'],
  },
  'middleware that keeps the old length': {
    host: (right) =>
      withLayer(
        right,
        rechunking(async function* (chunks) {
          for await (const chunk of chunks) yield Buffer.concat([Buffer.from(chunk), Buffer.from(chunk)]);
        }),
      ),
    noticedBy: ['middleware-193-changed-length', 'middleware-194-transparent'],
  },
  'middleware that ignores a second head': {
    host: (right) => withLayer(right, ignoringSecondCalls),
    noticedBy: ['middleware-193-second-head'],
  },
  'a dispatcher by prefix of letters': {
    host: (right) =>
      withMiddleware(right, {
        dispatch: (mounts, rest) => (environ, startResponse) => {
          const [path = '', mounted = rest] =
            Object.entries(mounts).find(([path]) => environ.PATH_INFO.startsWith(path)) ?? [];
          environ.SCRIPT_NAME += path;
          environ.PATH_INFO = environ.PATH_INFO.slice(path.length);
          return toApplication(mounted)(environ, startResponse);
        },
      }),
    noticedBy: ['middleware-195-dispatch', 'middleware-196-environ'],
  },
  'programs whose content goes through write': {
    host: (right) =>
      withPrograms(right, (program) => async (environ, startResponse) => {
        let write: ReturnType<typeof startResponse> | undefined;
        const body = await program(environ, (...start) => (write = startResponse(...start)));
        for await (const chunk of body) await write?.(chunk);
        return [];
      }),
    noticedBy: ['bridge-248-through-the-iterable'],
  },
  'programs that run ahead': {
    host: (right) => withPrograms(right, rechunking(collected)),
    noticedBy: ['bridge-248-holds-back'],
  },
  'programs that are not told of a departure': {
    host: (right) =>
      withPrograms(
        right,
        (program) =>
          async (...call) =>
            onlyNext(await program(...call)),
      ),
    noticedBy: ['bridge-248-return-is-a-departure', 'bridge-248-close-is-a-departure'],
  },
  'programs that are left too early': {
    host: (right) =>
      withPrograms(right, (program) => async (...call) => {
        const body = await program(...call);
        // Before a single octet was taken.
        body.close?.();
        return [Buffer.from('abc')];
      }),
    noticedBy: ['bridge-248-no-departure'],
  },
  'proxies that are all trusted': {
    host: (right) =>
      withMiddleware(right, {
        trustedProxy: () => (inner) => (environ, startResponse) => {
          environ.REMOTE_ADDR = String(environ.HTTP_X_FORWARDED_FOR).split(',', 1)[0] ?? '';
          return toApplication(inner)(environ, startResponse);
        },
      }),
    noticedBy: ['middleware-197-count', 'middleware-198-untrusted', 'middleware-198-malformed'],
  },
};

/** Makes a sabotage of each from-bridge of a host. */
function withPrograms(host: AuditHost, sabotage: Sabotage): AuditHost {
  const wrappers = (host.wrappers ?? []).map((wrapper) => ({
    ...wrapper,
    wrap: (listener: Listener) => sabotage(toApplication(wrapper.wrap(listener))),
  }));
  return { ...host, wrappers };
}

/** Makes a body that can only be asked for its next chunk. */
function onlyNext(body: Body): Body {
  const chunks = iterated(body);
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}

/** Changes the options with which a host serves. */
function withOptions(host: AuditHost, change: (options: AuditServeOptions) => AuditServeOptions): AuditHost {
  return serving(
    host,
    (serve) =>
      (application, options = {}) =>
        serve(application, change(options)),
  );
}

/** Replaces some of the middleware of a host. */
function withMiddleware(host: AuditHost, change: Partial<AuditMiddleware>): AuditHost {
  if (host.middleware === undefined) throw new TypeError('Host must have middleware');
  return { ...host, middleware: { ...host.middleware, ...change } };
}

/** Makes a sabotage the only middleware of a host, of either kind. */
function withLayer(host: AuditHost, sabotage: Sabotage): AuditHost {
  const layers = { wrong: (application: Application) => sabotage(toApplication(application)) };
  return withMiddleware(host, { transparent: layers, changing: layers });
}

/** Makes a generator of a body, which does not close it. */
async function* iterated(body: Body): AsyncGenerator<Chunk> {
  yield* body;
}
