/** Keeps headers that were set on a response before an application answers on it. */

import { isHopByHop, saysClose } from '../../gateway/headers.ts';
import type { ResponseMessage } from '../../node-internals/index.ts';
import type { ApplicationFunction, HeaderList } from '../../wsgi.ts';

/**
 * Adds the headers set before to an application's own, unless it sets them too; cookies are all sent.
 *
 * Those of the connection cannot stand among an application's. One that closes it is passed on as a directive.
 */
export function withHeaders(
  application: ApplicationFunction,
  response: ResponseMessage,
): ApplicationFunction {
  const inherited = listHeaders(response);
  const connection = String(response.getHeader('connection') ?? '');
  if (inherited.length === 0 && connection === '') return application;
  return (environ, startResponse) => {
    const direct = environ['gateway.connection'];
    if (typeof direct === 'function' && saysClose(connection)) direct({ close: true });
    return application(environ, (status, headers, excInfo) => {
      // startResponse refuses what is no list.
      if (!Array.isArray(headers)) return startResponse(status, headers, excInfo);
      const own = new Set(headers.map((pair) => String(pair?.[0]).toLowerCase()));
      own.delete('set-cookie');
      const kept = inherited.filter(([name]) => !own.has(name.toLowerCase()));
      return startResponse(status, [...kept, ...headers], excInfo);
    });
  };
}

function listHeaders(response: ResponseMessage): HeaderList {
  const list: HeaderList = [];
  for (const name of response.getRawHeaderNames()) {
    if (isHopByHop(name)) continue;
    const value = response.getHeader(name) ?? '';
    for (const line of Array.isArray(value) ? value : [value]) list.push([name, String(line)]);
  }
  return list;
}
