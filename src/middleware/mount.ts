/** Mounts: a path, perhaps of one host only, below which an application answers. */
import { encodeNative } from '../gateway/native-string.ts';
import type { Environ } from '../wsgi.ts';
import { type HostPattern, matchesHost, parseHost, parseHostPattern } from './host-pattern.ts';

/** A parsed mount. */
export interface Mount {
  /** Undefined for all hosts. */
  readonly host: HostPattern | undefined;
  /** A native string without slashes at its end; `''` for the root. */
  readonly prefix: string;
}

/**
 * Parses `/path`, or `//host/path`, where the host may have a port, or be `.example.com`.
 *
 * @throws TypeError if it is neither
 */
export function parseMount(mount: string): Mount {
  const [, host, path] = /^(?:\/\/([^/]+))?(\/.*)?$/s.exec(mount) ?? [];
  if (typeof mount !== 'string' || mount === '' || (host === undefined && path === undefined)) {
    throw new TypeError(`Mount must be '/path' or '//host/path', not ${JSON.stringify(mount)}`);
  }
  return {
    host: host === undefined ? undefined : parseHostPattern(host),
    prefix: encodeNative((path ?? '').replace(/\/+$/, '')),
  };
}

/** Tells if a request is below a mount, segment by segment. */
export function isBelow(mount: Mount, environ: Readonly<Environ>): boolean {
  return matchesPath(mount.prefix, environ.PATH_INFO ?? '') && matchesMountHost(mount.host, environ);
}

function matchesPath(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix === '' || path.length === prefix.length || path[prefix.length] === '/';
}

function matchesMountHost(pattern: HostPattern | undefined, environ: Readonly<Environ>): boolean {
  if (pattern === undefined) return true;
  const host = parseHost(environ.HTTP_HOST || environ.SERVER_NAME);
  return host !== undefined && matchesHost(pattern, host);
}

/** Copies an environ, and moves the path of a mount from PATH_INFO to SCRIPT_NAME. */
export function mountedEnviron(environ: Environ, { prefix }: Mount): Environ {
  return {
    ...environ,
    SCRIPT_NAME: `${environ.SCRIPT_NAME ?? ''}${prefix}`,
    PATH_INFO: (environ.PATH_INFO ?? '').slice(prefix.length),
  };
}
