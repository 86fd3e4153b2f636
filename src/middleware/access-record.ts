/** The facts of a line of the access log, and its formats. */
import { quotePath } from '../gateway/native-string.ts';
import type { Environ } from '../wsgi.ts';

/** One request and its response. Strings of the request are native strings, as the client sent them. */
export interface AccessRecord {
  /** When the application was called. */
  readonly time: Date;
  readonly address: string | undefined;
  readonly user: string | undefined;
  readonly method: string;
  /** The request target as received. */
  readonly target: string;
  readonly protocol: string;
  readonly status: number;
  /** Octets of content that the gateway took. */
  readonly bytes: number;
  /** Milliseconds from the call to the end of the response. */
  readonly duration: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** `gateway.request_id`. */
  readonly requestId: string | undefined;
  /** The client left, or the application failed in the middle of its content. */
  readonly isCut: boolean;
}

/** The part of a record that the response gives. */
type ResponseFacts = Pick<AccessRecord, 'time' | 'status' | 'bytes' | 'duration' | 'isCut'>;

/** The part of a record that the request gives. */
export type RequestFacts = Omit<AccessRecord, keyof ResponseFacts>;

/** Puts a record together, member by member: a spread costs ten times as much (V8 11 to 14). */
export function recordOf(request: RequestFacts, response: ResponseFacts): AccessRecord {
  return {
    time: response.time,
    address: request.address,
    user: request.user,
    method: request.method,
    target: request.target,
    protocol: request.protocol,
    status: response.status,
    bytes: response.bytes,
    duration: response.duration,
    referer: request.referer,
    userAgent: request.userAgent,
    requestId: request.requestId,
    isCut: response.isCut,
  };
}

/** Takes the facts of a request before the application can change them. */
export function requestFacts(environ: Readonly<Environ>): RequestFacts {
  return {
    address: environ.REMOTE_ADDR,
    user: text(environ.REMOTE_USER),
    method: environ.REQUEST_METHOD,
    target: environ.REQUEST_URI ?? targetOf(environ),
    protocol: environ.SERVER_PROTOCOL,
    referer: text(environ.HTTP_REFERER),
    userAgent: text(environ.HTTP_USER_AGENT),
    requestId: text(environ['gateway.request_id']),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function targetOf({ SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING = '' }: Readonly<Environ>): string {
  return `${quotePath(SCRIPT_NAME + PATH_INFO)}${QUERY_STRING === '' ? '' : `?${QUERY_STRING}`}`;
}

/** Formats a record as one line, without its end. */
export const ACCESS_FORMATS: Readonly<
  Record<'common' | 'combined' | 'json', (record: AccessRecord) => string>
> = {
  common: formatCommon,
  combined: (record) => {
    return `${formatCommon(record)} "${escapeText(record.referer ?? '-')}" "${escapeText(record.userAgent ?? '-')}"`;
  },
  json: formatJson,
};

/** The Common Log Format, as Apache has it. */
function formatCommon(record: AccessRecord): string {
  const { address, user, method, target, protocol, status, bytes } = record;
  const request = escapeText(`${method} ${target} ${protocol}`);
  const who = `${escapeText(address ?? '-')} - ${escapeWord(user ?? '-')}`;
  return `${who} [${formatTime(record.time)}] "${request}" ${status} ${bytes === 0 ? '-' : bytes}`;
}

const ESCAPED = /["\\]|[^\x20-\x7e]/;

/** Escapes what could end a quoted part or a line, or act on a terminal, as Apache does. */
function escapeText(value: string): string {
  // Nearly every text.
  if (!ESCAPED.test(value)) return value;
  return value.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** A user's name is not quoted, so that a space in it would move the other columns. */
function escapeWord(value: string): string {
  return escapeText(value).replaceAll(' ', '\\x20');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `10/Oct/2000:13:55:36 +0000` */
function formatTime(time: Date): string {
  const second = Math.floor(time.getTime() / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    const iso = time.toISOString();
    lastTime = `${iso.slice(8, 10)}/${MONTHS[time.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  }
  return lastTime;
}

/** Many requests come in one second. */
let lastSecond = Number.NaN;
let lastTime = '';

function formatJson(record: AccessRecord): string {
  const { time, duration, ...rest } = record;
  const values = { time: time.toISOString(), ...rest, duration: Math.round(duration * 1000) / 1000 };
  // JSON itself escapes the control characters below U+0020 only.
  return JSON.stringify(values).replace(/[\x7f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
