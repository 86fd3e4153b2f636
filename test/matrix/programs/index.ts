/** The programs, in the order of the columns. A module is loaded when its program is wanted: most are, once for each process. */
import type { Program } from '../matrix.ts';

const OF_GATEWAY = { failure: 500, throws: true } as const;
const WITH_PAGE = { failure: 500, throws: false } as const;

/** The programs. */
export const PROGRAMS: readonly Program[] = [
  {
    name: 'a function',
    kind: 'your application',
    expression: 'app',
    content: 'an application of PEP 3333: a function',
    ...OF_GATEWAY,
    create: async () => (await import('./gateway.ts')).answer,
  },
  {
    name: 'a class',
    kind: 'your application',
    expression: 'App',
    content: 'the same as a class, whose instances are bodies',
    ...OF_GATEWAY,
    create: async () => (await import('./gateway.ts')).Page,
  },
  {
    name: 'an instance',
    kind: 'your application',
    expression: 'site',
    content: 'the same as an object with the method `call`',
    ...OF_GATEWAY,
    create: async () => (await import('./gateway.ts')).site,
  },
  {
    name: 'fromNode',
    kind: 'a node:http listener',
    expression: 'fromNode(listener)',
    content: 'a listener as for `http.createServer`',
    ...OF_GATEWAY,
    create: async () => (await import('./node.ts')).create(),
  },
  {
    name: 'fromExpress',
    kind: 'an Express app',
    expression: 'fromExpress(app)',
    content: 'an Express app',
    ...WITH_PAGE,
    create: async () => (await import('./express.ts')).create(),
  },
  {
    name: 'fromFastify',
    kind: 'a Fastify app',
    expression: 'fromFastify(app)',
    content: 'a Fastify app',
    ...WITH_PAGE,
    create: async () => (await import('./fastify.ts')).create(),
  },
  {
    name: 'fromFetch',
    kind: 'a fetch handler (Hono, h3, …)',
    expression: 'fromFetch(app)',
    content: 'a Hono app, which answers with a `ReadableStream`',
    ...WITH_PAGE,
    create: async () => (await import('./fetch.ts')).create(),
  },
  {
    name: 'fromCgi',
    kind: 'a CGI program',
    expression: 'fromCgi(path)',
    content: 'a script of the shell; if it fails, it ends without an answer',
    failure: 502,
    throws: true,
    create: async (peers) => (await import('./cgi.ts')).create(peers),
  },
  {
    name: 'fromFastCgi',
    kind: 'PHP (php-fpm), FastCGI',
    expression: 'fromFastCgi(options)',
    content: 'a script of PHP in php-fpm, which ends an answer as if it were whole if it fails in the middle',
    hidesLateFailure: true,
    ...WITH_PAGE,
    create: async (peers) => (await import('./fastcgi.ts')).create(peers),
  },
  {
    name: 'fromPython',
    kind: 'a WSGI application in Python',
    expression: 'fromPython(options)',
    content: 'a Flask app',
    needs: 'python',
    ...WITH_PAGE,
    create: async (peers) => (await import('./python.ts')).create(peers),
  },
];
