/**
 * Makes the fields of a response as node:http2 takes them.
 *
 * Names are lower case (RFC 9113 §8.2.1). Fields of the connection do not come so far: the gateway refuses those of an
 * application, and those of wrapped programs come apart from the others.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { NameMemory } from '../../gateway/name-memory.ts';
import type { ResponseHead } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';
import { dateValue } from '../exchange/date.ts';

/** What the server adds to the fields of a response. */
export interface OwnFields {
  /** The option `serverHeader`. */
  readonly server: string | undefined;
  readonly sendsDate: boolean;
}

const lowerCaseNames = new NameMemory((name) => name.toLowerCase());

/** Makes the fields of the head of a response. */
export function responseFields(head: ResponseHead, { server, sendsDate }: OwnFields): OutgoingHttpHeaders {
  const fields = toFields(head.headers, emptyFields(head.statusCode));
  if (head.contentLength !== undefined && !head.hasContentLengthField)
    fields['content-length'] = `${head.contentLength}`;
  if (server !== undefined && fields.server === undefined) fields.server = server;
  if (sendsDate && fields.date === undefined) fields.date = dateValue();
  return fields;
}

/** A plain object: V8 keeps one without a prototype as a dictionary, which is slower to make and to read. */
function emptyFields(statusCode?: number): OutgoingHttpHeaders {
  return statusCode === undefined ? {} : { ':status': statusCode };
}

/**
 * Makes fields of an interim response, or of a trailer section, which has no status.
 *
 * @param statusCode Of an interim response
 */
export function moreFields(pairs: HeaderList, statusCode?: number): OutgoingHttpHeaders {
  return toFields(pairs, emptyFields(statusCode));
}

function toFields(pairs: HeaderList, fields: OutgoingHttpHeaders): OutgoingHttpHeaders {
  for (let index = 0; index < pairs.length; index += 1) {
    const [name, value] = pairs[index] ?? NO_FIELD;
    const key = lowerCaseNames.get(name);
    // Any name may be that of a field, also one that objects inherit.
    const present = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (OF_CONNECTIONS.has(key)) continue;
    if (key === '__proto__')
      Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true });
    else if (present === undefined) fields[key] = value;
    else if (SINGLE.has(key)) continue;
    else fields[key] = [...(Array.isArray(present) ? present : [String(present)]), value];
  }
  return fields;
}

const NO_FIELD = ['', ''] as const;

/** node:http2 throws for these (RFC 9113 §8.2.2); the gateway refuses most of them before. */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** node:http2 throws for a repeat of these (Node 20 to 26). The first counts, as for most clients of HTTP/1.1. */
const SINGLE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);
