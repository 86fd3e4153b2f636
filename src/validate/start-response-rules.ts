/** Rules for startResponse: its arguments, the head of the response, and what the server makes of it. */

/** The rules by id: group, line in the checklist of the gateway semantics, slug. An id never changes. */
export const START_RESPONSE_RULES = {
  'start-response-57-arguments': {
    level: 'MUST',
    party: 'application',
    sentence: 'call startResponse with a status, headers and perhaps excInfo',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-58-status-type': {
    level: 'MUST',
    party: 'application',
    sentence: "pass the status as a string such as '200 OK'",
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-59-status-form': {
    level: 'MUST',
    party: 'application',
    sentence: "pass a status of three digits, one space and a reason, which may be empty: '200 OK'",
    cite: 'PEP 3333, The start_response() Callable; RFC 9112 §4',
  },
  'start-response-60-final-status': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass the status of a final response, 200 or more; gateway.informational sends others',
    cite: 'RFC 9110 §15.2',
  },
  'start-response-61-status-characters': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass a status without control characters',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-62-headers-type': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass the headers as an array of [name, value] pairs of strings',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-63-status-header': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass the status as the first argument, and no header named Status',
    cite: 'PEP 3333, The start_response() Callable; RFC 3875 §6.3.3',
  },
  'start-response-64-header-name': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass header names that are tokens: no spaces, colons or control characters',
    cite: 'PEP 3333, The start_response() Callable; RFC 9110 §5.1',
  },
  'start-response-65-header-name-style': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass header names that begin with a letter, and do not end in - or _',
    cite: 'wsgiref.validate; RFC 9110 §16.3.2.1',
  },
  'start-response-66-header-value': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass header values without control characters, tabs aside',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-67-native-strings': {
    level: 'MUST',
    party: 'application',
    sentence:
      'pass native strings: no code unit above U+00FF in a status or a header; encodeNative makes them',
    cite: 'PEP 3333, Unicode Issues',
  },
  'start-response-69-hop-by-hop': {
    level: 'MUST',
    party: 'application',
    sentence: 'leave hop-by-hop headers to the server',
    cite: 'PEP 3333, Other HTTP Features',
  },
  'start-response-70-content-type': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass a Content-Type with content',
    cite: 'RFC 9110 §8.3; wsgiref.validate',
  },
  'start-response-70-no-content-type': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass no Content-Type with a status that has no content',
    cite: 'RFC 9110 §15.3.5 and §15.4.5; wsgiref.validate',
  },
  'start-response-71-no-content-length': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass no Content-Length with a status of 1xx or 204',
    cite: 'RFC 9110 §8.6',
  },
  'start-response-72-second-call': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass excInfo when it calls startResponse again, also if the first call failed',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-76-reraise': {
    level: 'MUST',
    party: 'server',
    sentence: 'throw excInfo from startResponse, the very value, once the head has been sent',
    cite: 'PEP 3333, Error Handling',
  },
  'start-response-78-exc-info': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass as excInfo the Error that it caught, or the array [type, error, traceback]',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-80-write': {
    level: 'MUST',
    party: 'server',
    sentence: 'return the function write from startResponse, and no promise of it',
    cite: 'PEP 3333, The write() Callable',
  },
  'start-response-84-called': {
    level: 'MUST',
    party: 'application',
    sentence: 'call startResponse before its body ends, and before it returns an array',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-89-after-the-end': {
    level: 'MUST',
    party: 'application',
    sentence: 'not call startResponse after the response has ended',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'start-response-140-etag': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'pass an ETag in double quotes, perhaps after W/',
    cite: 'RFC 9110 §8.8.3',
  },
  'start-response-140-not-modified': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'leave headers that describe content out of a 304, but for those that help caches',
    cite: 'RFC 9110 §15.4.5',
  },
  'start-response-139-content-length': {
    level: 'MUST',
    party: 'application',
    sentence: 'pass Content-Length at most once, and with digits only',
    cite: 'RFC 9110 §8.6',
  },
} as const;
