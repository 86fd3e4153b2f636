/** Follows redirects as browsers do (RFC 9110 §15.4), within one application. */
import assert from 'node:assert/strict';
import type { Headers } from '../gateway/headers.ts';
import { isOctets } from '../gateway/octets.ts';
import { applicationUri, requestUri } from '../gateway/uri.ts';
import type { Environ } from '../wsgi.ts';
import type { BuildEnvironOptions } from './build-environ.ts';
import { listHeaders } from './request-headers.ts';

/** One request in a chain of redirects. */
export interface Hop {
  readonly path: string;
  readonly options: BuildEnvironOptions;
}

/** The parts of a response that are needed to follow it. */
export interface Redirecting {
  readonly statusCode: number;
  readonly headers: Headers;
  readonly request: Environ;
  text(): Promise<string>;
}

const CONTENT_FIELD = /^(?:content-|transfer-encoding$)/i;

/** Tells if a response is a redirect. */
export function isRedirect({ statusCode, headers }: Redirecting): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode) && headers.has('Location');
}

/**
 * Reads the body of a redirect, and returns the request that it asks for.
 *
 * @throws AssertionError if it leads out of the application, or repeats content that can be read only once
 */
export async function nextHop(hop: Hop, response: Redirecting): Promise<Hop> {
  await response.text();
  const { statusCode, headers, request } = response;
  const { method = 'GET' } = hop.options;
  const path = pathWithin(request, headers.get('Location', ''));
  const { query: _query, ...options } = hop.options;
  if (!becomesGet(statusCode, method)) {
    const { content } = options;
    const isRepeatable = content === undefined || typeof content === 'string' || isOctets(content);
    assert.ok(
      isRepeatable || Array.isArray(content),
      `Content that is read once cannot be sent again for ${statusCode}`,
    );
    return { path, options };
  }
  const {
    content: _content,
    json: _json,
    form: _form,
    contentType: _type,
    contentLength: _length,
    trailers: _trailers,
    ...bare
  } = options;
  const kept = listHeaders(options.headers).filter(([name]) => !CONTENT_FIELD.test(name));
  return { path, options: { ...bare, method: 'GET', headers: kept } };
}

/**
 * Checks that a redirect was not followed before.
 *
 * @throws AssertionError if it was
 */
export function assertNoLoop(history: readonly Redirecting[], response: Redirecting): void {
  const step = showStep(response);
  assert.ok(!history.some((earlier) => showStep(earlier) === step), `Redirect loop: ${step}`);
}

/** Tells if a redirect turns the method into GET: RFC 9110 §15.4.2 to §15.4.4, as browsers do it. */
function becomesGet(statusCode: number, method: string): boolean {
  if (statusCode === 303) return method !== 'GET' && method !== 'HEAD';
  return statusCode < 303 && method === 'POST';
}

/** Returns the location as a path below the mount. */
export function pathWithin(request: Environ, location: string, what = 'Redirect'): string {
  const root = new URL(applicationUri(request));
  const target = new URL(location, requestUri(request));
  const mount = root.pathname.replace(/\/$/, '');
  const isWithin =
    target.origin === root.origin && (target.pathname === mount || target.pathname.startsWith(`${mount}/`));
  assert.ok(isWithin, `${what} leaves the application at ${root.href}: ${location}`);
  return target.pathname.slice(mount.length) + target.search;
}

function showStep({ statusCode, headers, request }: Redirecting): string {
  return `${request.REQUEST_METHOD} ${requestUri(request)} → ${statusCode} ${headers.get('Location')}`;
}
