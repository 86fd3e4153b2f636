/** Rules for `write` and for the body: what it is, what it gives, how it is iterated and closed, whose its memory is. */

/** The rules by id: group, line in the checklist of the gateway semantics, slug. An id never changes. */
export const BODY_RULES = {
  'write-90-after-the-end': {
    level: 'MUST',
    party: 'application',
    sentence: 'not call write after the response has ended',
    cite: 'PEP 3333, The write() Callable',
  },
  'write-92-while-iterating': {
    level: 'MUST',
    party: 'application',
    sentence:
      'yield content, and not write it, once its body is iterated; write of an empty chunk may send the head',
    cite: 'PEP 3333, The write() Callable',
  },
  'write-94-promise': {
    level: 'MUST',
    party: 'server',
    sentence: 'return from write a promise that settles when the octets were taken',
    cite: 'docs/start-response.md, write(data)',
  },
  'write-95-arguments': {
    level: 'MUST',
    party: 'application',
    sentence: 'call write with one chunk',
    cite: 'PEP 3333, The write() Callable',
  },
  'body-100-iterable': {
    level: 'MUST',
    party: 'application',
    sentence: 'return an iterable or async iterable of Uint8Array, such as [chunk]',
    cite: 'PEP 3333, Specification Details',
  },
  'body-101-octets': {
    level: 'MUST',
    party: 'application',
    sentence: 'give only Uint8Array as chunks',
    cite: 'PEP 3333, Specification Details',
  },
  'body-101-strings': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'give octets as chunks, and not strings: only hosts of gatebridge send them, as UTF-8',
    cite: 'PEP 3333, Specification Details',
  },
  'body-102-start-response-first': {
    level: 'MUST',
    party: 'application',
    sentence: 'call startResponse before its body gives the first chunk, even an empty one',
    cite: 'PEP 3333, The start_response() Callable',
  },
  'body-114-no-content': {
    level: 'MUST',
    party: 'application',
    sentence: 'give no content with a status that has none: 1xx, 204, 205, 304',
    cite: 'RFC 9110 §6.4.1',
  },
  'body-119-one-at-a-time': {
    level: 'MUST',
    party: 'server',
    sentence: 'ask for a chunk only after the one before has come',
    cite: 'PEP 3333, Buffering and Streaming',
  },
  'body-129-return': {
    level: 'MUST',
    party: 'server',
    sentence: 'call return() of an iteration that it cuts short, so that generators run their finally',
    cite: 'PEP 3333, Specification Details; docs/start-response.md, When something fails',
  },
  'body-137-closed': {
    level: 'MUST',
    party: 'server',
    sentence: 'not ask for a chunk of a body that it has closed',
    cite: 'PEP 3333, Specification Details',
  },
  'body-137-iterated-twice': {
    level: 'MUST',
    party: 'server',
    sentence: 'iterate a body once',
    cite: 'PEP 3333, Specification Details',
  },
  'body-138-close': {
    level: 'MUST',
    party: 'server',
    sentence: 'close the body at the end of the response, however it ends',
    cite: 'PEP 3333, Specification Details',
  },
  'body-138-close-once': {
    level: 'MUST',
    party: 'server',
    sentence: 'close a body only once',
    cite: 'PEP 3333, Specification Details',
  },
  'body-139-too-long': {
    level: 'MUST',
    party: 'application',
    sentence: 'give no more content than its Content-Length declares',
    cite: 'PEP 3333, Handling the Content-Length Header',
  },
  'body-139-too-short': {
    level: 'MUST',
    party: 'application',
    sentence: 'give as much content as its Content-Length declares',
    cite: 'PEP 3333, Handling the Content-Length Header',
  },
  'body-139-head': {
    level: 'SHOULD',
    party: 'application',
    sentence: 'give no content in answer to HEAD: the server drops it',
    cite: 'RFC 9110 §9.3.2',
  },
  'body-231-memory-kept': {
    level: 'MUST',
    party: 'application',
    sentence:
      'leave the memory of a chunk alone until the next one is asked for, or the promise of write has settled',
    cite: 'docs/start-response.md, The body',
  },
  'body-231-memory-unchanged': {
    level: 'MUST',
    party: 'server',
    sentence: 'not change the memory of a chunk',
    cite: 'docs/start-response.md, The body',
  },
  'body-239-return-after-the-end': {
    level: 'SHOULD',
    party: 'server',
    sentence: 'not call return() of an iteration that has ended or thrown',
    cite: 'ECMA-262, AsyncIterator Interface; docs/hosts.md',
  },
} as const;
