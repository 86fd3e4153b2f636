/** The head of a response, as an application has passed it to startResponse and middleware may change it. */
import { Headers } from '../gateway/headers.ts';
import type { HeaderList } from '../wsgi.ts';

/** A head that has not gone yet. Middleware may change both parts. */
export interface StartedHead {
  /** Status code and reason phrase: `200 OK`. */
  status: string;
  /** The fields, in a list of their own. */
  readonly headers: Headers;
}

/**
 * Copies a head.
 *
 * @returns undefined if it is malformed: the gateway says what is wrong when it gets it
 */
export function copyHead(status: string, headers: Readonly<HeaderList>): StartedHead | undefined {
  try {
    if (typeof status !== 'string' || !Array.isArray(headers)) return undefined;
    // So that `headers['X-Name'] = value` throws, instead of being lost.
    const own = Object.preventExtensions(new Headers(headers.map(([...pair]: HeaderList[number]) => pair)));
    return { status, headers: own };
  } catch {
    return undefined;
  }
}

/** Gives the status code of a head. */
export function statusCodeOf(head: StartedHead): number {
  return Number(head.status.slice(0, 3));
}
