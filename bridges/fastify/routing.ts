/**
 * Splits a path as Fastify's router did: the prefix becomes SCRIPT_NAME, the rest PATH_INFO.
 *
 * Fastify leaves the URL whole. It matches each segment of a prefix by one slash and what follows up to the next; two
 * options of its router change that.
 */
import type { IncomingMessage } from 'node:http';
import { environOf } from '../../src/gateway/index.ts';
import { pathOf, type Routing, withMount } from '../_node/routing.ts';
import type { FastifyScope } from './instance.ts';

/** The prefix of a mount. */
export interface Prefix {
  /** How many segments it has. */
  readonly segments: number;
  /** The router takes several slashes for one. */
  readonly ignoresDuplicates: boolean;
  /** The router takes `;` for the beginning of the query. */
  readonly hasSemicolons: boolean;
}

/** Gives the prefix of a plugin's scope. */
export function prefixOf({ prefix, initialConfig = {} }: FastifyScope): Prefix {
  const { routerOptions = {} } = initialConfig;
  const isOn = (name: keyof typeof routerOptions): boolean =>
    routerOptions[name] === true || initialConfig[name] === true;
  return {
    segments: prefix.split('/').filter((segment) => segment !== '').length,
    ignoresDuplicates: isOn('ignoreDuplicateSlashes'),
    hasSemicolons: isOn('useSemicolonDelimiter'),
  };
}

/** A request as Fastify leaves it, and as an application that contains a whole instance finds it. */
interface RewrittenRequest extends IncomingMessage {
  /** The target before `rewriteUrl` or middleware. */
  readonly originalUrl?: unknown;
  /** The mount of the instance. */
  readonly baseUrl?: unknown;
}

/**
 * Tells what the prefix consumed and what it left.
 *
 * @param req The request
 * @param prefix The prefix of the mount
 */
export function readRouting(req: RewrittenRequest, prefix: Prefix): Routing {
  const { url = '/', baseUrl, originalUrl } = req;
  // Most requests: the URL is not taken apart and joined again (Node 20 to 26).
  if (typeof originalUrl !== 'string' && typeof baseUrl !== 'string' && isPlain(url, prefix)) {
    const end = endOfMount(url, prefix);
    return end === 0
      ? { target: url, url: undefined, mount: undefined }
      : { target: url, url: url.slice(end), mount: url.slice(0, end) };
  }
  const encoded = NOT_ASCII.test(url) ? url.replaceAll(ALL_NOT_ASCII, encodeURIComponent) : url;
  const outer = typeof baseUrl === 'string' ? baseUrl : '';
  const [path, query] = splitQuery(encoded, prefix);
  const end = endOfMount(path, prefix);
  const rest = path === '' ? '/' : path.slice(end);
  const mount = outer + path.slice(0, end).replace(LEADING_SLASHES, '/');
  return { target: targetOf(req, encoded, outer), url: `${rest}${query}`, mount };
}

/** Gives the request target as it was received, before every rewrite. */
function targetOf(req: RewrittenRequest, url: string, outer: string): string {
  // An instance within an application knows its environ.
  const received = environOf(req)?.REQUEST_URI;
  if (received !== undefined) return received;
  const target = typeof req.originalUrl === 'string' ? req.originalUrl : url;
  // The original that Fastify keeps lacks the outer mount.
  return outer !== '' && !pathOf(target).startsWith(outer) ? withMount(target, outer) : target;
}

/** Tells if a URL is as it should be: ASCII that begins with one slash, without fragment and parameters. */
function isPlain(url: string, { hasSemicolons }: Prefix): boolean {
  if (url.charCodeAt(0) !== SLASH || url.charCodeAt(1) === SLASH) return false;
  for (let index = 1; index < url.length; index += 1) {
    const code = url.charCodeAt(index);
    if (code > 0x7f || code === HASH || (code === SEMICOLON && hasSemicolons)) return false;
  }
  return true;
}

const SLASH = 0x2f;
const HASH = 0x23;
const SEMICOLON = 0x3b;
const LEADING_SLASHES = /^\/{2,}/;

/** Splits a URL before its query, which begins with a question mark. */
function splitQuery(url: string, { hasSemicolons }: Prefix): [path: string, query: string] {
  const whole = pathOf(url);
  const semicolon = hasSemicolons ? whole.indexOf(';', 1) : -1;
  if (semicolon === -1) {
    const question = url.indexOf('?');
    return [whole, question === -1 ? '' : url.slice(question)];
  }
  const path = whole.slice(0, semicolon);
  const [, query = ''] = url.split(/;(.*)/s, 2);
  return [path, `?${query}`];
}

/** Finds the end of a prefix in a path, which a query may follow. */
function endOfMount(path: string, { segments, ignoresDuplicates }: Prefix): number {
  if (segments === 0) return 0;
  const question = path.indexOf('?');
  const length = question === -1 ? path.length : question;
  let end = 0;
  for (let count = 0; count < segments; count += 1) {
    let start = end + 1;
    while (ignoresDuplicates && path.charCodeAt(start) === SLASH) start += 1;
    // A parameter at the end of a prefix may be empty; then the slash is the application's.
    if (start >= length) break;
    const next = path.indexOf('/', start);
    end = next === -1 || next > length ? length : next;
  }
  // An empty parameter: SCRIPT_NAME does not end in a slash, so the slash is the application's too.
  while (end > 0 && path.charCodeAt(end - 1) === SLASH) end -= 1;
  return end;
}

/** Some plugins leave a decoded URL behind. */
const NOT_ASCII = /[^\0-\x7f]/;
const ALL_NOT_ASCII = /[^\0-\x7f]+/g;
