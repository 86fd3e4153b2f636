/** Headers that were set on a response before an application answers in the place of whoever set them. */

import type { ResponseMessage } from '../../node-internals/index.ts';
import type { ApplicationFunction, HeaderList } from '../../wsgi.ts';

/** Makes the application start its response with what was set, but for what it sets itself; cookies are all sent. */
export function withHeaders(
  application: ApplicationFunction,
  response: ResponseMessage,
): ApplicationFunction {
  const inherited = listHeaders(response);
  if (inherited.length === 0) return application;
  return (environ, startResponse) =>
    application(environ, (status, headers, excInfo) => {
      // What is no list is startResponse's to refuse.
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
