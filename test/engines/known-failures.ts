/**
 * The audits that fail in a runtime, each with the reason. engines.test.ts checks both directions; `npm run docs` makes a table of it
 * in docs/fetch.md.
 */

/** Why an audit cannot pass. */
export const REASONS = {
  url: 'the URL of a request is made of its Host field, so that `SERVER_PORT` and `HTTP_HOST` are what that says',
  remote: 'the runtime does not tell the address of the client; a proxy before it sends a field',
  parser: 'the runtime parses requests, answers some faults in its own way, and lets others pass',
  octets:
    'fields are UTF-8 on the wire: octets that are not UTF-8 are lost in requests, and sent as other octets',
  cookie: 'two Cookie lines are joined like any others',
  reason: 'a reason phrase that is not ASCII is not sent as it is',
  framing:
    'the runtime frames the response: a stream has no `Content-Length`, or a 304 none, or a short stream has one',
  type: 'the runtime adds a Content-Type of its own',
  date: 'the runtime adds no Date',
  connection: 'the runtime decides how connections of HTTP/1.0 and `Connection: close` go on and end',
  flush: 'the head leaves with the first octets of content, not before',
  pipelining: 'requests behind another one on the same connection are lost',
  unread:
    'the connection is closed, or the content ends, if the response is over before the content was read',
  departure:
    'here the client of the audits lives in the isolate of its server, which does not see it pause and leave; with a client outside it does',
  property: '`signal.onabort` is called without the asynchronous context in which it was set',
  asterisk: 'the server refuses `OPTIONS *`',
  absolute: 'the router of the framework gets the whole of an absolute-form target',
  psk: 'audits of TLS use a shared key, which the runtime does not know',
  slow: 'more responses than the runtime can send within the time of an audit',
} as const;

/** A reason by name. */
export type Reason = keyof typeof REASONS;

type Failures = Readonly<Partial<Record<Reason, readonly string[]>>>;

/** Failures by runtime and host. */
export const KNOWN_FAILURES: Readonly<Record<string, Readonly<Record<string, Failures>>>> = {
  Bun: {
    toFetch: {
      url: ['environ-32-absolute-form', 'environ-49-server-port'],
      type: ['start-response-74-replacement'],
      reason: ['start-response-68-latin-1-reason'],
      framing: [
        'write-98-http-1-0',
        'body-108-generator',
        'body-108-async-generator',
        'body-109-http-1-0',
        'body-118-too-short-array',
        'body-118-too-short-generator',
        'body-119-no-delay-length',
        'body-231-slow-reader-5000',
        'body-231-slow-reader-20000',
      ],
      flush: ['write-91-head-with-empty-chunk'],
      pipelining: ['body-136-pipelining'],
      property: ['body-238-signal'],
      parser: [
        'input-174-http-1-0',
        'input-174-unknown-expectation',
        'protocol-178-field-lines',
        'protocol-178-request-line-trailing-space',
        'protocol-178-request-line-lower-case-version',
        'protocol-178-request-line-version-suffix',
        'protocol-177-chunks',
      ],
      unread: ['input-235-read-on'],
      connection: [
        'protocol-181-http-1-0-keep-alive',
        'protocol-182-close-length',
        'protocol-182-close-chunked',
      ],
    },
    server: { psk: ['environ-50-tls'], property: ['body-238-signal'] },
    toNode: {
      pipelining: ['upgrade-252-pipelined'],
      psk: ['environ-50-tls'],
      asterisk: ['environ-33-asterisk-form'],
      reason: ['start-response-68-latin-1-reason'],
      framing: [
        'body-106-one-chunk',
        'body-107-several-chunks',
        'body-110-empty-array',
        'body-110-empty-empty-chunk',
        'body-110-empty-generator',
        'body-134-error-page',
        'file-wrapper-147-known-size',
        'bridge-215-same-answers',
      ],
      flush: ['write-91-head-with-empty-chunk'],
      property: ['body-238-signal'],
      connection: ['input-172-no-read', 'protocol-181-http-1-0-keep-alive'],
    },
    toExpress: {
      pipelining: ['upgrade-252-pipelined'],
      psk: ['environ-50-tls'],
      reason: ['start-response-68-latin-1-reason'],
      flush: ['write-91-head-with-empty-chunk'],
      property: ['body-238-signal'],
      connection: ['input-172-no-read', 'protocol-181-http-1-0-keep-alive'],
    },
    toFastify: {
      pipelining: ['upgrade-252-pipelined'],
      psk: ['environ-50-tls'],
      reason: ['start-response-68-latin-1-reason'],
      flush: ['write-91-head-with-empty-chunk'],
      slow: ['body-232-halves-on-finished', 'body-232-array-close', 'body-232-generator-close'],
      property: ['body-238-signal'],
      connection: ['input-172-no-read', 'protocol-181-http-1-0-keep-alive'],
    },
    'toFastify with hijack': {
      pipelining: ['upgrade-252-pipelined'],
      psk: ['environ-50-tls'],
      reason: ['start-response-68-latin-1-reason'],
      framing: [
        'body-106-one-chunk',
        'body-107-several-chunks',
        'body-110-empty-array',
        'body-110-empty-empty-chunk',
        'body-110-empty-generator',
        'file-wrapper-147-known-size',
      ],
      flush: ['write-91-head-with-empty-chunk'],
      slow: [
        'body-232-halves-on-finished',
        'body-232-array-on-finished',
        'body-232-array-close',
        'body-232-generator-close',
      ],
      property: ['body-238-signal'],
      connection: ['input-172-no-read', 'protocol-181-http-1-0-keep-alive'],
    },
  },
  Deno: {
    toFetch: {
      url: ['environ-32-absolute-form', 'environ-49-server-port'],
      parser: [
        'environ-40-missing-host',
        'input-174-http-1-0',
        'input-174-unknown-expectation',
        'protocol-178-field-lines',
        'protocol-177-chunks',
        'protocol-180-field-section',
      ],
      reason: ['start-response-68-latin-1-reason'],
      framing: ['body-114-status-304'],
      unread: ['input-235-read-on', 'input-235-left-unread'],
    },
    server: { psk: ['environ-50-tls'] },
    toNode: { psk: ['environ-50-tls'], connection: ['input-172-no-read'] },
    toExpress: { psk: ['environ-50-tls'], connection: ['input-172-no-read'] },
    toFastify: {
      absolute: ['environ-32-absolute-form'],
      psk: ['environ-50-tls'],
      connection: ['input-172-no-read'],
    },
    'toFastify with hijack': {
      absolute: ['environ-32-absolute-form'],
      psk: ['environ-50-tls'],
      connection: ['input-172-no-read'],
    },
  },
  workerd: {
    toFetch: {
      url: ['environ-32-absolute-form', 'environ-49-server-port'],
      remote: ['environ-48-remote-address'],
      cookie: ['environ-37-cookie'],
      octets: ['environ-45-field-octets', 'environ-46-optional-white-space', 'start-response-68-latin-1'],
      reason: ['start-response-68-latin-1-reason'],
      date: ['start-response-87-date-added'],
      departure: [
        'write-96-disconnected',
        'body-124-close-on-disconnect',
        'body-130-stuck-generator',
        'body-131-readable',
        'body-131-readable-stream',
        'body-239-dispose-on-disconnect',
        'body-237-write-that-rejected',
        'body-237-what-the-signal-aborts',
        'body-238-signal',
        'body-238-steps',
      ],
      framing: ['body-109-http-1-0', 'body-114-status-304'],
      unread: [
        'input-169-ignored-content',
        'input-170-ignored-upload',
        'input-235-read-on',
        'input-235-left-unread',
      ],
      parser: [
        'input-174-unknown-expectation',
        'protocol-177-length-and-coding',
        'protocol-178-field-lines',
        'protocol-177-chunks',
        'protocol-180-field-section',
      ],
    },
  },
};

/** Lists the audits that are known to fail. */
export function knownFailures(engine: string, host: string): string[] {
  return Object.values(KNOWN_FAILURES[engine]?.[host] ?? {}).flat();
}

/** Tells if an audit fails for want of time only, and so passes on a faster machine. */
export function isSlow(id: string): boolean {
  return Object.values(KNOWN_FAILURES).some((hosts) =>
    Object.values(hosts).some(({ slow = [] }) => slow.includes(id)),
  );
}
