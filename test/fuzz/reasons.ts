/**
 * Reasons why we may differ from node:http: each has an id, a cited rule, and a test of the input.
 *
 * Rule 1: a reason must hold by the octets of the input: our error code alone excuses nothing.
 * Rule 2: a reason that no input needs is dead; fuzz.test.ts reports it.
 * Rule 3: a difference without a reason here is a finding.
 */
import { METHODS } from 'node:http';
import {
  type Dispute,
  elementsOf,
  extendedChunkLines,
  requestLine,
  theirMessage,
  valuesOf,
} from './dispute.ts';
import { HEAD_LIMIT, isChunkLine, isToken, type Reason } from './reason.ts';
import { REFUSALS } from './refusals.ts';

export const REASONS: readonly Reason[] = [
  ...REFUSALS,

  // Node refuses, we accept.
  {
    id: 'method-unknown',
    sentence: 'Any token may be a method; the application decides what it means',
    source: 'RFC 9110 §9.1',
    example: 'INVENTED / HTTP/1.1\r\nHost: a\r\n\r\n',
    kinds: ['laxer'],
    holds: (dispute) => {
      const method = requestLine(dispute).split(' ')[0] ?? '';
      return isToken(method) && !METHODS.includes(method);
    },
  },
  {
    id: 'version-minor',
    sentence: 'A minor version above ours is read as ours',
    source: 'RFC 9110 §2.5',
    example: 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
    kinds: ['laxer'],
    nodeCode: 'HPE_INVALID_VERSION',
    holds: (dispute) => / HTTP\/1\.[2-9]$/.test(requestLine(dispute)),
  },
  {
    id: 'tab-after-length',
    sentence: 'A tab around a value is whitespace, like a space',
    source: 'RFC 9112 §5.1',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\t\r\n\r\nhello',
    kinds: ['laxer'],
    nodeCode: 'HPE_INVALID_CONTENT_LENGTH',
    holds: (dispute) => valuesOf(dispute, 'content-length').some((value) => /[0-9][ \t]*\t/.test(value)),
  },
  {
    id: 'tab-after-coding',
    sentence: 'A tab around a value is whitespace, like a space',
    source: 'RFC 9112 §5.1',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n',
    kinds: ['laxer'],
    nodeCode: 'HPE_INVALID_TRANSFER_ENCODING',
    holds: (dispute) =>
      valuesOf(dispute, 'transfer-encoding').some((value) => /chunked[ \t]*\t/i.test(value)),
  },
  {
    id: 'header-limit',
    sentence: 'Request line and field section have separate limits',
    source: 'RFC 9110 §15.5.15, RFC 6585 §5',
    example: `GET /${'a'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\nX: ${'b'.repeat(10_000)}\r\n\r\n`,
    kinds: ['laxer'],
    nodeCode: 'HPE_HEADER_OVERFLOW',
    holds: ({ text }) => text.length > HEAD_LIMIT,
  },
  {
    id: 'chunk-extension-whitespace',
    sentence: 'Whitespace around the parts of a chunk extension is bad, but must be accepted',
    source: 'RFC 9112 §7.1.1',
    example: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0 ;a\r\n\r\n',
    kinds: ['laxer'],
    holds: (dispute) => extendedChunkLines(dispute).some((line) => isChunkLine(line) && /[ \t]/.test(line)),
  },

  // Both accept, and read differently.
  {
    id: 'error-in-content-of-upgrade',
    sentence: 'Malformed content is an error with Upgrade too; node reports none, and waits',
    source: 'RFC 9112 §7.1',
    example:
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n',
    kinds: ['stricter'],
    holds: (dispute) => {
      const message = theirMessage(dispute);
      return message?.isUpgrade === true && message.end === undefined && dispute.node.ending === 'waiting';
    },
  },
  {
    id: 'tab-after-coding-of-upgrade',
    sentence: 'A tab around a value is whitespace, like a space; node sees no content here',
    source: 'RFC 9112 §5.1',
    example:
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n',
    kinds: ['framing', 'laxer', 'stricter'],
    holds: (dispute) =>
      valuesOf(dispute, 'upgrade').length > 0 &&
      valuesOf(dispute, 'transfer-encoding').some((value) => /chunked[ \t]*\t/i.test(value)),
  },
  {
    id: 'proxy-connection',
    sentence: 'Proxy-Connection does not act like Connection',
    source: 'RFC 9112 appendix C.2.2',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n',
    kinds: ['persistence', 'upgrade'],
    holds: (dispute) => valuesOf(dispute, 'proxy-connection').length > 0,
  },
  {
    id: 'tab-after-option',
    sentence: 'A tab around a value is whitespace, like a space',
    source: 'RFC 9112 §5.1',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\t\r\n\r\n',
    kinds: ['persistence', 'upgrade'],
    holds: (dispute) =>
      valuesOf(dispute, 'connection').some((value) => /(close|keep-alive|upgrade)[ \t]*\t/i.test(value)),
  },
  {
    id: 'close-wins',
    sentence: 'The option close closes a connection, whatever other options there are',
    source: 'RFC 9112 §9.3',
    example: 'GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n',
    kinds: ['persistence'],
    holds: (dispute) =>
      ['close', 'keep-alive'].every((option) => elementsOf(dispute, 'connection').includes(option)),
  },
  {
    id: 'upgrade-in-1.0',
    sentence: 'Upgrade in HTTP/1.0 is ignored',
    source: 'RFC 9110 §7.8',
    example: 'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
    kinds: ['upgrade'],
    holds: (dispute) => requestLine(dispute).endsWith(' HTTP/1.0'),
  },
];

/** Finds the reason of a difference. */
export function findReason(dispute: Dispute): Reason | undefined {
  const { difference, ours, node } = dispute;
  return REASONS.find(
    (reason) =>
      reason.kinds.includes(difference.kind) &&
      (reason.code === undefined || reason.code === ours.code) &&
      (reason.nodeCode === undefined || reason.nodeCode === node.code) &&
      reason.holds(dispute),
  );
}
