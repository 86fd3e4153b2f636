/** Rules for wsgi.input and wsgi.errors. */

/** The rules by id: group, line in the checklist of the gateway semantics, slug. An id never changes. */
export const STREAM_RULES = {
  'input-151-no-more': {
    level: 'MUST',
    party: 'server',
    sentence: 'give a read of wsgi.input no more octets than it asks for',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'input-153-one-line': {
    level: 'MUST',
    party: 'server',
    sentence: 'end a line of wsgi.input at its first LF',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'input-162-arguments': {
    level: 'MUST',
    party: 'application',
    sentence:
      'call the methods of wsgi.input with at most one argument, which is an integer, null or undefined',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'input-163-close': {
    level: 'MUST',
    party: 'application',
    sentence: 'leave wsgi.input open: the server closes it',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'input-163-methods': {
    level: 'MUST',
    party: 'application',
    sentence: 'use only read, readline, readlines and iteration of wsgi.input',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'input-164-size': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass a size to read unless wsgi.input_terminated is true: the input may never end',
    cite: 'PEP 3333, Input and Error Streams; wsgiref.validate',
  },
  'input-165-octets': {
    level: 'MUST',
    party: 'server',
    sentence: 'answer a read of wsgi.input with a promise of a Uint8Array, which is empty at the end',
    cite: 'PEP 3333, Input and Error Streams; docs/environ.md',
  },
  'errors-165-text': {
    level: 'MUST',
    party: 'application',
    sentence: 'write strings to wsgi.errors',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'errors-165-close': {
    level: 'MUST',
    party: 'application',
    sentence: 'leave wsgi.errors open: the server closes it',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'errors-165-methods': {
    level: 'MUST',
    party: 'application',
    sentence: 'use only write, writelines and flush of wsgi.errors',
    cite: 'PEP 3333, Input and Error Streams',
  },
} as const;
