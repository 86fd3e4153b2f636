/** Mounts an application in front of another one. */
import { toApplication } from '../gateway/application.ts';
import type { Application } from '../wsgi.ts';
import type { Middleware } from './middleware.ts';
import { isBelow, mountedEnviron, parseMount } from './mount.ts';

/**
 * Gives requests below a path to another application. All others go to the inner one.
 *
 * @param mount `/path`, or `//host/path`, as for `dispatch`
 * @param application Answers below it; finds the path in SCRIPT_NAME and the rest in PATH_INFO
 * @throws TypeError if the mount or the application is none
 * @example
 * const site = compose(accessLog(), mapPath('/admin', admin), mapPath('/files', files))(pages);
 */
export function mapPath(mount: string, application: Application): Middleware {
  const parsed = parseMount(mount);
  const mounted = toApplication(application);
  return (inner) => {
    const rest = toApplication(inner);
    return (environ, startResponse) => {
      return isBelow(parsed, environ)
        ? mounted(mountedEnviron(environ, parsed), startResponse)
        : rest(environ, startResponse);
    };
  };
}
