/** Hosts whose middleware is wrong. */
import { toApplication } from '../../../src/index.ts';
import { expressMounted } from '../hosts.ts';
import {
  collected,
  ignoringSecondCalls,
  iterated,
  rebodying,
  rechunking,
  type WrongHosts,
  withLayer,
  withMiddleware,
} from './wrong-host.ts';

/** The hosts. */
export const WRONG_MIDDLEWARE: WrongHosts = {
  'middleware that never closes': {
    host: withLayer(expressMounted, rebodying(iterated)),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that closes twice': {
    host: withLayer(
      expressMounted,
      rebodying((body) => {
        const close = (): void => {
          body.close?.();
          body.close?.();
        };
        return Object.assign(iterated(body), { close });
      }),
    ),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that gathers the body': {
    host: withLayer(expressMounted, rechunking(collected)),
    noticedBy: ['middleware-192-block-boundaries', 'middleware-191-departure'],
  },
  'middleware that keeps the old length': {
    host: withLayer(
      expressMounted,
      rechunking(async function* (chunks) {
        for await (const chunk of chunks) yield Buffer.concat([Buffer.from(chunk), Buffer.from(chunk)]);
      }),
    ),
    noticedBy: ['middleware-193-changed-length', 'middleware-194-transparent'],
  },
  'middleware that ignores a second head': {
    host: withLayer(expressMounted, ignoringSecondCalls),
    noticedBy: ['middleware-193-second-head'],
  },
  'a dispatcher by prefix of letters': {
    host: withMiddleware(expressMounted, {
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
  'proxies that are all trusted': {
    host: withMiddleware(expressMounted, {
      trustedProxy: () => (inner) => (environ, startResponse) => {
        environ.REMOTE_ADDR = String(environ.HTTP_X_FORWARDED_FOR).split(',', 1)[0] ?? '';
        return toApplication(inner)(environ, startResponse);
      },
    }),
    noticedBy: ['middleware-197-count', 'middleware-198-untrusted', 'middleware-198-malformed'],
  },
};
