/** Refuses requests for hosts that the site does not have. */
import { toApplication } from '../gateway/application.ts';
import { answerText } from './answer.ts';
import { matchesHost, parseHost, parseHostPattern } from './host-pattern.ts';
import type { Middleware } from './middleware.ts';

/**
 * Answers 400 to a request for another host (RFC 9110 §7.2): a client can send any Host, and an application that puts it into links,
 * e-mails or a cache would send its users there.
 *
 * Names are compared as Django compares them: without case, port and a dot at the end. Without Host the name of the server counts.
 * Put it inside of `trustedProxy`, so that it sees the host that the proxy was asked for.
 *
 * @param hosts `example.com`, `127.0.0.1`, `[::1]`; `.example.com` for that and all hosts below it; `*` for all. With a port only that
 *   port
 * @throws TypeError if one is none of these, RangeError if there is none
 * @example
 * const site = allowedHosts(['example.com', '.example.org'])(application);
 */
export function allowedHosts(hosts: readonly string[]): Middleware {
  if (!(Array.isArray(hosts) && hosts.length > 0)) {
    throw new RangeError('Allowed hosts must be a list of one host at least');
  }
  const patterns = hosts.map((host: string) => parseHostPattern(host));
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const host = parseHost(environ.HTTP_HOST || environ.SERVER_NAME);
      if (host !== undefined && patterns.some((pattern) => matchesHost(pattern, host))) {
        return inner(environ, startResponse);
      }
      return answerText(environ, startResponse, { statusCode: 400, text: 'Host is not allowed' });
    };
  };
}
