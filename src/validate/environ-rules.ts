/** Rules for the call of the application and for its environ. */

/** The rules by id: group, line in the checklist of the gateway semantics, slug. An id never changes. */
export const ENVIRON_RULES = {
  'environ-187-arguments': {
    level: 'MUST',
    party: 'server',
    sentence: 'call the application with exactly two arguments: environ, and the function startResponse',
    cite: 'PEP 3333, The Application/Framework Side',
  },
  'environ-1-plain-object': {
    level: 'MUST',
    party: 'server',
    sentence:
      'pass as environ a plain object that the application may change: no array, Map or frozen object',
    cite: 'PEP 3333, Specification Details',
  },
  'environ-1-plain-properties': {
    level: 'MUST',
    party: 'server',
    sentence:
      'give environ only enumerable, writable properties without accessors, so that a copy is faithful',
    cite: 'PEP 3333, Specification Details',
  },
  'environ-2-string-keys': {
    level: 'SHOULD',
    party: 'server',
    sentence: 'use strings as keys of environ, and no symbols',
    cite: 'PEP 3333, environ Variables',
  },
  'environ-3-required-keys': {
    level: 'MUST',
    party: 'server',
    sentence: 'set each key of environ that PEP 3333 requires',
    cite: 'PEP 3333, environ Variables',
  },
  'environ-4-string-values': {
    level: 'MUST',
    party: 'server',
    sentence: 'give each key of environ without a dot a string, and leave out a key that has no value',
    cite: 'PEP 3333, environ Variables',
  },
  'environ-5-native-strings': {
    level: 'MUST',
    party: 'server',
    sentence: 'pass each octet as one code unit, and so no code unit above U+00FF',
    cite: 'PEP 3333, Unicode Issues',
  },
  'environ-6-content-keys': {
    level: 'MUST',
    party: 'server',
    sentence: 'name these fields CONTENT_TYPE and CONTENT_LENGTH, without HTTP_',
    cite: 'RFC 3875 §4.1.18',
  },
  'environ-7-query-string': {
    level: 'SHOULD',
    party: 'server',
    sentence: "set QUERY_STRING, to '' if there is no query",
    cite: 'RFC 3875 §4.1.7',
  },
  'environ-8-version': {
    level: 'MUST',
    party: 'server',
    sentence: 'set wsgi.version to the array [1, 0]',
    cite: 'PEP 3333, environ Variables',
  },
  'environ-9-url-scheme': {
    level: 'MUST',
    party: 'server',
    sentence: "set wsgi.url_scheme to 'http' or 'https'",
    cite: 'PEP 3333, environ Variables',
  },
  'environ-10-method': {
    level: 'MUST',
    party: 'server',
    sentence: 'set REQUEST_METHOD to a token',
    cite: 'PEP 3333, environ Variables; RFC 9110 §9.1',
  },
  'environ-10-known-method': {
    level: 'SHOULD',
    party: 'server',
    sentence: 'pass on only methods that are registered or in use',
    cite: 'RFC 9110 §16.1; wsgiref.validate',
  },
  'environ-11-script-name-slash': {
    level: 'MUST',
    party: 'server',
    sentence: 'begin SCRIPT_NAME with a slash unless it is empty',
    cite: 'RFC 3875 §4.1.13',
  },
  'environ-12-script-name-root': {
    level: 'MUST',
    party: 'server',
    sentence: "set SCRIPT_NAME to '' at the root, and not to '/'",
    cite: 'PEP 3333, environ Variables; wsgiref.validate',
  },
  'environ-13-script-name-end': {
    level: 'SHOULD',
    party: 'server',
    sentence: 'end SCRIPT_NAME without a slash',
    cite: 'RFC 3875 §4.1.13; Rack SPEC',
  },
  'environ-14-path-info-slash': {
    level: 'MUST',
    party: 'server',
    sentence: "begin PATH_INFO with a slash unless it is empty, or '*' for OPTIONS",
    cite: 'RFC 3875 §4.1.5',
  },
  'environ-15-path': {
    level: 'MUST',
    party: 'server',
    sentence: "set SCRIPT_NAME or PATH_INFO: PATH_INFO is at least '/' at the root",
    cite: 'PEP 3333, environ Variables; Rack SPEC',
  },
  'environ-16-path-only': {
    level: 'MUST',
    party: 'server',
    sentence: 'leave the query and the fragment out of PATH_INFO',
    cite: 'RFC 3875 §4.1.5; Rack SPEC',
  },
  'environ-17-content-length': {
    level: 'MUST',
    party: 'server',
    sentence: 'pass a CONTENT_LENGTH of digits, or none',
    cite: 'RFC 3875 §4.1.2',
  },
  'environ-18-server-name': {
    level: 'MUST',
    party: 'server',
    sentence: 'set SERVER_NAME to a host: a name, or an address with an IPv6 address in brackets',
    cite: 'RFC 3875 §4.1.14',
  },
  'environ-18-server-port': {
    level: 'MUST',
    party: 'server',
    sentence: 'set SERVER_PORT to digits',
    cite: 'RFC 3875 §4.1.15',
  },
  'environ-19-server-protocol': {
    level: 'MUST',
    party: 'server',
    sentence: "set SERVER_PROTOCOL to a version of HTTP, such as 'HTTP/1.1'",
    cite: 'RFC 3875 §4.1.16',
  },
  'environ-20-host': {
    level: 'SHOULD',
    party: 'server',
    sentence: 'refuse a request whose Host is no host with an optional port',
    cite: 'RFC 9112 §3.2',
  },
  'environ-21-input': {
    level: 'MUST',
    party: 'server',
    sentence: 'give wsgi.input the methods read, readline and readlines, and asynchronous iteration',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'environ-21-errors': {
    level: 'MUST',
    party: 'server',
    sentence: 'give wsgi.errors the methods write, writelines and flush',
    cite: 'PEP 3333, Input and Error Streams',
  },
  'environ-22-extensions': {
    level: 'MUST',
    party: 'server',
    sentence: 'set a key of an extension to a function, as the extension says, or leave it out',
    cite: 'PEP 3333, Server Extension APIs; docs/environ.md',
  },
} as const;
