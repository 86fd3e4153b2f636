/** Changes the head of a response when the application begins it. */
import type { HeaderList, StartResponse, Write } from '../wsgi.ts';
import { copyHead, type StartedHead } from './started-head.ts';

/**
 * Makes a startResponse that changes each head and passes it on at once.
 *
 * A second call with `excInfo` replaces the head, and is changed like the first. Content is not touched, whether it is
 * written or returned. Use {@link holdHead} if the change depends on the content.
 *
 * @param startResponse What the middleware was given
 * @param onHead Changes the head in place
 * @returns what the inner application is given
 * @example
 * const start = changeHead(startResponse, ({ headers }) => headers.set('X-Robots-Tag', 'noindex'));
 * return application(environ, start);
 */
export function changeHead(startResponse: StartResponse, onHead: (head: StartedHead) => void): StartResponse {
  if (typeof startResponse !== 'function' || typeof onHead !== 'function')
    throw new TypeError(
      'changeHead must get startResponse and a function: changeHead(startResponse, onHead)',
    );
  return (status, headers, excInfo) => {
    const head = copyHead(status, headers);
    if (head === undefined) return passHead(startResponse, { status, headers, excInfo });
    onHead(head);
    return passHead(startResponse, { status: head.status, headers: head.headers.list, excInfo });
  };
}

/** The arguments of startResponse. */
export interface StartArguments {
  readonly status: string;
  readonly headers: Readonly<HeaderList>;
  readonly excInfo?: unknown;
}

/** Calls startResponse with two arguments, or with three if there is an `excInfo`. */
export function passHead(startResponse: StartResponse, { status, headers, excInfo }: StartArguments): Write {
  return excInfo === undefined || excInfo === null
    ? startResponse(status, headers)
    : startResponse(status, headers, excInfo);
}
