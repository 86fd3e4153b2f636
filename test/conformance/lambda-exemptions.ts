/** The audits that no host in Lambda can pass, each with the reason. docs/lambda.md has them too. */

import { type Exemptions, reasonsOf } from './exemptions.ts';

/** Of every host in Lambda. */
const PLATFORM: Exemptions = {
  'The platform takes the request whole before it invokes the function.': [
    'input-158-chunked',
    'input-166-disconnect',
    'body-236-departure-of-another',
    'bridge-217-request-backpressure',
  ],
  'Fields are text in JSON: octets that are not UTF-8 do not survive.': [
    'environ-45-field-octets',
    'environ-46-optional-white-space',
    'start-response-68-latin-1',
  ],
  'Payload 2.0 joins repeated fields by a comma without a space.': [
    'environ-36-repeated-field',
    'bridge-242-changed-fields',
  ],
  'The event has neither the port of the client nor the absolute form of a target.': [
    'environ-32-absolute-form',
    'environ-48-remote-address',
  ],
  'The server is that of the platform, and runs other copies of the function.': [
    'environ-49-server-port',
    'environ-52-process-model',
  ],
  'The platform adds the client to X-Forwarded-For.': ['middleware-197-count', 'middleware-198-malformed'],
  'Cookies and repeated fields of a result leave their place among the others.': ['bridge-215-same-answers'],
};

/** Of hosts whose response is complete before it is sent. */
const COMPLETE: Exemptions = {
  'A result is sent when it is complete.': [
    'write-91-head-with-empty-chunk',
    'write-91-head-with-first-chunk',
    'write-94-backpressure',
    'body-108-one-chunk-each-in-turn',
    'body-119-no-delay',
    'body-119-no-delay-length',
    'body-120-slow-reader-async',
    'body-120-slow-reader-sync',
    'body-231-slow-reader-5000',
    'body-231-slow-reader-20000',
  ],
  'A response that fails after its head becomes a 500, because nothing has left.': [
    'start-response-76-re-raise',
    'start-response-77-abort',
    'write-99-error-after-write',
    'body-118-too-short-array',
    'body-118-too-short-generator',
    'body-133-truncation-chunked',
    'body-133-truncation-length',
    'body-233-failing-step',
    'body-236-departure-of-nobody-late',
  ],
  'Lambda does not tell that a client has left.': [
    'write-96-disconnected',
    'body-124-close-on-disconnect',
    'body-129-finally-on-disconnect',
    'body-130-stuck-generator',
    'body-131-readable',
    'body-131-readable-stream',
    'body-132-quiet-log',
    'body-237-finally-block',
    'body-237-next-that-waits',
    'body-237-what-the-signal-aborts',
    'body-237-write-that-rejected',
    'body-238-signal',
    'body-238-steps',
    'body-239-dispose-on-disconnect',
    'bridge-217-disconnect',
    'middleware-191-departure',
  ],
  'The result is larger than a load balancer takes, or as base64 than Lambda takes.': [
    'body-121-large-chunk',
    'body-231-a-generator-1500000',
    'body-231-an-async-generator-1500000',
    'body-231-an-async-generator-without-a-turn-1500000',
    'body-231-awaited-writes-1500000',
    'body-231-a-file-1500000',
  ],
};

/** Of events that have parameters in the place of a query. */
const PARAMETERS: Exemptions = {
  'The event has parameters and not the query: `?a` is `?a=`.': ['middleware-194-transparent'],
};

/** Of a REST API. */
const DECODED: Exemptions = {
  'A REST API has decoded the query.': ['environ-35-query-undecoded'],
};

/** The reasons by audit, of a host that streams. */
export const NOT_WHEN_STREAMING: ReadonlyMap<string, string> = reasonsOf(PLATFORM);
/** The reasons by audit, of a host that collects. */
export const NOT_WHEN_COMPLETE: ReadonlyMap<string, string> = reasonsOf(PLATFORM, COMPLETE);
/** The reasons by audit, of a load balancer. */
export const NOT_BEHIND_BALANCER: ReadonlyMap<string, string> = reasonsOf(PLATFORM, COMPLETE, PARAMETERS);
/** The reasons by audit, of a REST API. */
export const NOT_ON_REST: ReadonlyMap<string, string> = reasonsOf(PLATFORM, COMPLETE, PARAMETERS, DECODED);
