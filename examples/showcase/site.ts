/** The whole site: one application, made of others by middleware. */
import { join } from 'node:path';
import { type Application, requestUri } from 'gatebridge';
import {
  accessLog,
  allowedHosts,
  compose,
  compress,
  dispatch,
  type Middleware,
  securityHeaders,
  staticFiles,
} from 'gatebridge/middleware';
import { failing, failingShown } from './failing.ts';
import { hosts } from './hosts.ts';
import { leaving } from './leaving.ts';
import { live } from './live.ts';
import { upload } from './upload.ts';

/** The page loads nothing from other origins. */
const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'";

/** @param host The address to listen on: a showcase of this machine alone answers to its own names alone. */
export function createSite(host: string): Application {
  return compose(
    accessLog({ log: (line) => console.log(line) }),
    namesOf(host),
    securityHeaders({ contentSecurityPolicy: POLICY, hidePoweredBy: false }),
    compress(),
  )(
    dispatch(
      {
        '/live': live,
        '/leaving': leaving,
        '/upload': upload,
        '/error': failing,
        '/error/shown': failingShown,
        '/in': hosts,
        '/choose': choose,
        '/docs': textFiles(join(import.meta.dirname, '../../docs')),
        '/source': textFiles(import.meta.dirname),
      },
      { default: staticFiles(join(import.meta.dirname, 'public'))(missing) },
    ),
  );
}

/** Otherwise a page of another site could give this machine's address to its own name, and read what is here (DNS rebinding). */
function namesOf(host: string): Middleware {
  const isOpen = !/^(localhost|127\..*|::1)$/.test(host);
  return allowedHosts(
    isOpen ? ['*'] : ['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host],
  );
}

function textFiles(root: string): Application {
  return staticFiles(root, { index: [], contentType: () => 'text/plain; charset=utf-8' })(missing);
}

/** Leads the form of the page to the program in the host, for browsers without scripts. */
const choose: Application = (environ, startResponse) => {
  const chosen = new URLSearchParams(environ.QUERY_STRING);
  const [host, program, path = ''] = ['host', 'program', 'path'].map((name) => chosen.get(name) ?? '');
  // As a whole URL: a path that begins with two slashes would lead to another site.
  const target = new URL(`/in/${host}/${program}/${path.replace(/^\/+/, '')}`, requestUri(environ));
  startResponse('303 See Other', [['Location', target.href]]);
  return [];
};

const missing: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  return [Buffer.from('There is nothing here.\n')];
};
