/**
 * Cross-Origin Resource Sharing (Fetch, §3.2): tells browsers which pages of other origins may read responses.
 *
 * It keeps nobody out: a client that is no browser ignores it, and a request that needs no preflight is answered as always.
 */
import { toApplication } from '../gateway/application.ts';
import { Headers, TOKEN_PATTERN } from '../gateway/headers.ts';
import { type OptionsOf, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import type { Environ } from '../wsgi.ts';
import { changeHead } from './change-head.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';
import { addVary } from './vary.ts';

/** The options of `cors`. */
export const CORS_OPTIONS = {
  /**
   * Origins that may read responses: `https://example.com`, `https://*.example.com` for the hosts below it, `*` for all, `null` for
   * pages without an origin. With `allow` none by default.
   */
  origins: { type: 'names', default: ['*'] },
  /** Called with an origin that is not listed, and the environ; returns true if it may read the response. */
  allow: { type: 'function' },
  /** Methods that a preflight allows. */
  methods: { type: 'names', default: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'] },
  /** Fields that a preflight allows. Without it: those that it asks for. */
  headers: { type: 'names' },
  /** Fields of the response that scripts may read. */
  exposed: { type: 'names', default: [] },
  /** Requests may carry cookies and credentials. Not with the origin `*`. */
  credentials: { type: 'boolean', default: false },
  /** Seconds that a browser may remember a preflight. */
  maxAge: { type: 'count' },
} as const;

/** Options of the package cors. */
const CORS = { origin: 'origins', allowedHeaders: 'headers', exposedHeaders: 'exposed' } as const;

/** Options of {@link cors}. */
export interface CorsOptions extends OptionsOf<typeof CORS_OPTIONS> {
  readonly allow?: ((origin: string, environ: Environ) => boolean) | undefined;
}

type Settings = SettingsOf<typeof CORS_OPTIONS>;

/** An origin as browsers send it: without a path and without a slash at its end (RFC 6454 §6.2). */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?[^\s/?#@*]+$/;

/**
 * Lets pages of other origins read responses, and answers preflights with 204. What the application itself says by
 * Access-Control-Allow-Origin stays. Responses that depend on the origin say so by Vary.
 *
 * @param options Origins, methods, fields
 * @throws TypeError if an option is wrong, an origin is none, or the origin `*` would get credentials
 * @example
 * const api = cors({ origins: ['https://example.com'], credentials: true })(application);
 */
export function cors(options: CorsOptions = {}): Middleware {
  checkLayerOptions(options, CORS_OPTIONS, { meant: CORS });
  const settings = settingsOf(CORS_OPTIONS, options);
  const origins = options.origins ?? (options.allow === undefined ? settings.origins : []);
  const isAllowed = originTest(origins, options.allow);
  const isForAll = origins.includes('*');
  if (isForAll && settings.credentials) {
    throw new TypeError(
      "Option credentials needs a list of origins: '*' would give every site the user's data",
    );
  }
  const grant = (headers: Headers, environ: Environ): boolean => {
    if (!isForAll) addVary(headers, 'Origin');
    const origin = environ.HTTP_ORIGIN;
    if (headers.has('Access-Control-Allow-Origin')) return false;
    if (!isForAll && !(typeof origin === 'string' && isAllowed(origin, environ))) return false;
    headers.set('Access-Control-Allow-Origin', isForAll ? '*' : String(origin));
    if (settings.credentials) headers.set('Access-Control-Allow-Credentials', 'true');
    return true;
  };
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      if (isPreflight(environ)) {
        const headers = new Headers();
        const isGranted = grant(headers, environ);
        answerPreflight(headers, environ, isGranted ? settings : undefined);
        startResponse('204 No Content', headers.list);
        return [];
      }
      const start = changeHead(startResponse, ({ headers }) => {
        const isGranted = grant(headers, environ);
        if (isGranted && settings.exposed.length > 0) {
          headers.set('Access-Control-Expose-Headers', settings.exposed.join(', '));
        }
      });
      return inner(environ, start);
    };
  };
}

/** Fetch §3.2.2: OPTIONS with these two fields. Any other OPTIONS is for the application. */
function isPreflight(environ: Environ): boolean {
  return (
    environ.REQUEST_METHOD === 'OPTIONS' &&
    environ.HTTP_ORIGIN !== undefined &&
    environ.HTTP_ACCESS_CONTROL_REQUEST_METHOD !== undefined
  );
}

/** Names of fields, separated by commas. */
const FIELD_NAMES = new RegExp(String.raw`^${TOKEN_PATTERN}(?:[ \t]*,[ \t]*${TOKEN_PATTERN})*$`);

/** @param settings Undefined if the origin may not read the response */
function answerPreflight(headers: Headers, environ: Environ, settings: Settings | undefined): void {
  if (settings?.headers === undefined) addVary(headers, 'Access-Control-Request-Headers');
  if (settings === undefined) return;
  headers.set('Access-Control-Allow-Methods', settings.methods.join(', '));
  const wanted = environ.HTTP_ACCESS_CONTROL_REQUEST_HEADERS;
  const isList = typeof wanted === 'string' && FIELD_NAMES.test(wanted);
  const fields = settings.headers?.join(', ') ?? (isList ? wanted : '');
  if (fields !== '') headers.set('Access-Control-Allow-Headers', fields);
  if (settings.maxAge !== undefined) headers.set('Access-Control-Max-Age', String(settings.maxAge));
}

type OriginTest = (origin: string, environ: Environ) => boolean;

function originTest(origins: readonly string[], allow: CorsOptions['allow']): OriginTest {
  const exact = new Set<string>();
  const wildcards: { readonly scheme: string; readonly end: string }[] = [];
  for (const origin of origins) {
    if (origin === '*' || origin === 'null') {
      exact.add(origin);
      continue;
    }
    if (!ORIGIN.test(origin.toLowerCase())) {
      throw new TypeError(
        `Origin must be 'scheme://host', without a path and a slash at its end, 'null' or '*', not ${JSON.stringify(origin)}`,
      );
    }
    const [scheme = '', end] = origin.toLowerCase().split('*');
    if (end === undefined) exact.add(scheme);
    else wildcards.push({ scheme, end });
  }
  exact.delete('*');
  return (origin, environ) => {
    if (exact.has(origin)) return true;
    const isBelow = wildcards.some(({ scheme, end }) => {
      const name = origin.slice(scheme.length, -end.length);
      return origin.startsWith(scheme) && origin.endsWith(end) && /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(name);
    });
    return isBelow || allow?.(origin, environ) === true;
  };
}
