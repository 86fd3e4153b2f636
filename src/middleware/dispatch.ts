/** Chooses an application by path and host. */
import { toApplication } from '../gateway/application.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { describe } from '../gateway/describe.ts';
import type { OptionsOf } from '../gateway/option-table.ts';
import type { Application, ApplicationFunction } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { isBelow, type Mount, mountedEnviron, parseMount } from './mount.ts';

/** The options of `dispatch`. */
export const DISPATCH_OPTIONS = {
  /** Answers what is below no mount. It sees SCRIPT_NAME and PATH_INFO as they are. Without it the answer is a 404. */
  default: { type: 'application' },
} as const;

/** Options of {@link dispatch}. */
export interface DispatchOptions extends OptionsOf<typeof DISPATCH_OPTIONS> {}

/**
 * Makes one application of several, mounted at paths. The longest path wins, segment by segment; a mount with a host wins over
 * one without. The application finds the path of its mount in SCRIPT_NAME and the rest in PATH_INFO, in a copy of the environ.
 *
 * @param mounts Applications by `/path` or `//host/path`. `//.example.com/` is the host and all below it
 * @param options What answers the rest
 * @throws TypeError if a mount or an application is none
 * @example
 * const site = dispatch({ '/shop': shop, '/shop/admin': admin, '//static.example.com/': files }, { default: pages });
 */
export function dispatch(
  mounts: Readonly<Record<string, Application>>,
  options: DispatchOptions = {},
): ApplicationFunction {
  checkMounts(mounts);
  checkOptions(options, DISPATCH_OPTIONS);
  const rest = options.default === undefined ? undefined : toApplication(options.default);
  const routes = Object.entries(mounts)
    .map(([key, application]) => ({ mount: parseMount(key), application: toApplication(application) }))
    .sort((a, b) => rank(b.mount) - rank(a.mount) || b.mount.prefix.length - a.mount.prefix.length);
  return (environ, startResponse) => {
    for (const { mount, application } of routes) {
      if (isBelow(mount, environ)) return application(mountedEnviron(environ, mount), startResponse);
    }
    return rest === undefined
      ? answerText(environ, startResponse, { statusCode: 404 })
      : rest(environ, startResponse);
  };
}

/** JavaScript may pass anything, most likely what the dispatchers of other packages take. */
function checkMounts(mounts: unknown): void {
  if (typeof mounts === 'object' && mounts !== null && !(Symbol.iterator in mounts)) return;
  const cure =
    typeof mounts === 'function'
      ? 'dispatch(mounts, { default: application })'
      : 'Object.fromEntries(mounts)';
  throw new TypeError(
    `Mounts must be an object of applications by path, such as { '/shop': shop }, not ${describe(mounts)}: pass ${cure}`,
  );
}

/** The more exactly a mount names the host, the earlier it is asked. */
function rank({ host }: Mount): number {
  if (host === undefined) return 0;
  const exactness = (host.port === undefined ? 0 : 2) + (host.isWildcard ? 0 : 1);
  // A name has at most 253 characters.
  return 1 + exactness * 1000 + (host.name === '*' ? 0 : host.name.length);
}
