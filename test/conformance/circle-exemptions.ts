/** The audits that circles cannot pass although they have the capabilities, each with the reason. docs/conformance.md has them too. */
import { type Exemptions, reasonsOf } from './exemptions.ts';

/** Of every circle of the Fetch API. */
const BY_URL: Exemptions = {
  'The URL of a `Request` is made of its Host field, and so are `SERVER_NAME` and `SERVER_PORT`.': [
    'environ-49-server-port',
  ],
};

const CGI: Exemptions = {
  'CGI needs the length of content, which is taken in before if it is not known (`unknownLength`).': [
    'input-158-chunked',
    'bridge-217-request-backpressure',
  ],
  'CGI does not tell that a response is cut off: many programs exit with another code than 0 after a complete one.':
    [
      'start-response-76-re-raise',
      'start-response-77-abort',
      'write-99-error-after-write',
      'body-133-truncation-chunked',
      'body-233-failing-step',
      'body-236-departure-of-nobody-late',
    ],
  'Thousands of requests, each with a process of its own, take longer than an audit may.': [
    'body-232-array-on-finished',
    'body-232-halves-on-finished',
    'body-232-array-close',
    'body-232-generator-close',
  ],
};

const PYTHON: Exemptions = {
  'An application in Python hears that its client has left when it gives its next chunk or reads.': [
    'body-124-close-on-disconnect',
    'body-130-stuck-generator',
    'body-131-readable',
    'body-131-readable-stream',
    'body-237-what-the-signal-aborts',
    'body-238-signal',
    'body-238-steps',
    'body-239-dispose-on-disconnect',
    'bridge-217-disconnect',
  ],
  '`wsgi.input.read(n)` of Python waits for `n` octets or the end.': ['input-166-disconnect'],
  'The content of a request ends with its response.': ['input-235-read-on'],
  'An exception of Python has no status.': ['body-250-another-copy'],
  'A response has a computed length if its end comes from Python together with its head.': [
    'middleware-194-validator',
  ],
};

/** Reasons by audit, of fromFetch and toFetch. */
export const NOT_THROUGH_FETCH: ReadonlyMap<string, string> = reasonsOf(BY_URL);

/** Reasons by audit, of fromCgi and runCgi. */
export const NOT_THROUGH_CGI: ReadonlyMap<string, string> = reasonsOf(CGI);

/** Reasons by audit, of fromPython. */
export const NOT_THROUGH_PYTHON: ReadonlyMap<string, string> = reasonsOf(PYTHON);
