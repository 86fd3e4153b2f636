/** Keeps headers that were set on a response before an application answers on it. */

import type { ResponseMessage } from '../../node-internals/index.ts';
import type { ApplicationFunction, HeaderList } from '../../wsgi.ts';

/** Adds the headers set before to an application's own, unless it sets them too; cookies are all sent. */
export function withHeaders(
  application: ApplicationFunction,
  response: ResponseMessage,
): ApplicationFunction {
  const inherited = listHeaders(response);
  if (inherited.length === 0) return application;
  return (environ, startResponse) =>
    application(environ, (status, headers, excInfo) => {
      // startResponse refuses what is no list.
      if (!Array.isArray(headers)) return startResponse(status, headers, excInfo);
      const own = new Set(headers.map((pair) => String(pair?.[0]).toLowerCase()));
      own.delete('set-cookie');
      const kept = inherited.filter(([name]) => !own.has(name.toLowerCase()));
      return startResponse(status, [...kept, ...headers], excInfo);
    });
}

function listHeaders(response: ResponseMessage): HeaderList {
  const list: HeaderList = [];
  for (const name of response.getRawHeaderNames()) {
    const value = response.getHeader(name) ?? '';
    for (const line of Array.isArray(value) ? value : [value]) list.push([name, String(line)]);
  }
  return list;
}
