/** Reasons to refuse input that node:http accepts. */
import { elementsOf, extendedChunkLines, requestLine, targetOf, theirMessage, valuesOf } from './dispute.ts';
import { HEAD_LIMIT, isAuthority, isChunkLine, isTarget, isToken, type Reason } from './reason.ts';

const GOOD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const FIELD_COUNT_LIMIT = 100;
const CONTENT_LIMIT = 2 ** 30;
const END_TO_END = /^(authorization|content-.*|cookie|expect|host|transfer-encoding)$/;
const NOT_FOR_TRAILERS: readonly RegExp[] = [
  /^(connection|content-.*|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i,
  /^(forwarded|max-forwards|via|x-forwarded-.*)$/i,
  /^(authorization|cookie|proxy-.*|set-cookie|www-authenticate)$/i,
  /^(accept|accept-.*|cache-control|expect|if-.*|pragma|range)$/i,
  /^(age|date|expires|location|retry-after|vary|warning)$/i,
];

export const REFUSALS: readonly Reason[] = [
  {
    id: 'empty-lines',
    sentence: 'Only a limited number of empty lines before a request line is skipped',
    source: 'RFC 9112 §2.2',
    example: `${'\r\n'.repeat(17)}${GOOD}`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_REQUEST_LINE_INVALID',
    holds: ({ emptyLines }) => emptyLines > 16,
  },
  {
    id: 'bare-line-end',
    sentence: 'Only CRLF may precede a request line',
    source: 'RFC 9112 §2.2',
    example: `\n${GOOD}`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_LINE_END_INVALID',
    holds: ({ text }) => text.startsWith('\r') || text.startsWith('\n'),
  },
  {
    id: 'version-missing',
    sentence: 'A request line without a version is HTTP/0.9, which is not supported',
    source: 'RFC 9112 §3',
    example: 'GET /\r\n\r\n',
    kinds: ['stricter'],
    holds: (dispute) =>
      theirMessage(dispute)?.version === '0.9' && !/ HTTP\/0\.9$/.test(requestLine(dispute)),
  },
  {
    id: 'request-line-spaces',
    sentence: 'Single spaces separate the parts of a request line; no space follows',
    source: 'RFC 9112 §3',
    example: 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_REQUEST_LINE_INVALID',
    holds: (dispute) => / {2}/.test(requestLine(dispute)),
  },
  {
    id: 'protocol-name',
    sentence: 'A request line names no other protocol than HTTP',
    source: 'RFC 9112 §2.3',
    example: 'SOURCE / ICE/1.0\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_REQUEST_LINE_INVALID',
    holds: (dispute) => / (RTSP|ICE)\/[0-9.]+$/.test(requestLine(dispute)),
  },
  {
    id: 'version-major',
    sentence: 'Another major version is another protocol',
    source: 'RFC 9110 §15.6.6',
    example: 'GET / HTTP/2.0\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_VERSION_UNSUPPORTED',
    holds: (dispute) => / HTTP\/[02-9]\.[0-9]$/.test(requestLine(dispute)),
  },
  {
    id: 'target-fragment',
    sentence: 'A fragment is never sent; a recipient that cuts it off sees another path',
    source: 'RFC 9112 §3.2, CVE-2023-45539',
    example: 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_TARGET_INVALID',
    holds: (dispute) => targetOf(dispute).includes('#'),
  },
  {
    id: 'target-form',
    sentence: 'A target is a path, a URI with http and a host, an authority for CONNECT, or * for OPTIONS',
    source: 'RFC 9112 §3.2',
    example: 'GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_TARGET_INVALID',
    holds: (dispute) => !isTarget(requestLine(dispute).split(' ')[0] ?? '', targetOf(dispute)),
  },
  {
    id: 'connect',
    sentence: 'A server may refuse to open tunnels',
    source: 'RFC 9110 §9.3.6',
    example: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_CONNECT_REFUSED',
    holds: (dispute) => requestLine(dispute).startsWith('CONNECT '),
  },
  {
    id: 'connect-content',
    sentence: 'CONNECT has no content; recipients differ on fields that frame one',
    source: 'RFC 9110 §9.3.6',
    example: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    kinds: ['stricter'],
    code: 'WSGI_ERR_FRAMING_AMBIGUOUS',
    holds: (dispute) =>
      requestLine(dispute).startsWith('CONNECT ') &&
      [...valuesOf(dispute, 'content-length'), ...valuesOf(dispute, 'transfer-encoding')].length > 0,
  },
  {
    id: 'host-repeated',
    sentence: 'A request has one Host',
    source: 'RFC 9112 §3.2',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_FIELD_REPEATED',
    holds: (dispute) => valuesOf(dispute, 'host').length > 1,
  },
  {
    id: 'host-malformed',
    sentence: 'Host is a host with an optional port',
    source: 'RFC 9112 §3.2',
    example: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_HOST_INVALID',
    holds: (dispute) =>
      elementsOf(dispute, 'host').length !== 1 || !isAuthority(elementsOf(dispute, 'host')[0] ?? ''),
  },
  {
    id: 'coding-in-1.0',
    sentence: 'HTTP/1.0 has no transfer codings',
    source: 'RFC 9112 §6.1',
    example: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_FRAMING_AMBIGUOUS',
    holds: (dispute) =>
      requestLine(dispute).endsWith(' HTTP/1.0') && valuesOf(dispute, 'transfer-encoding').length > 0,
  },
  {
    id: 'coding-beside-length',
    sentence: 'A message must not have both Transfer-Encoding and Content-Length, even if one is empty',
    source: 'RFC 9112 §6.1',
    example: `${POST}Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_FRAMING_AMBIGUOUS',
    holds: (dispute) =>
      valuesOf(dispute, 'transfer-encoding').length > 0 && valuesOf(dispute, 'content-length').length > 0,
  },
  {
    id: 'coding-unsupported',
    sentence: 'A coding before chunked that is not understood gets 501',
    source: 'RFC 9112 §6.1',
    example: `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CODING_UNSUPPORTED',
    holds: (dispute) => {
      const codings = elementsOf(dispute, 'transfer-encoding');
      return codings.at(-1) === 'chunked' && codings.length > 1;
    },
  },
  {
    id: 'coding-list',
    sentence: 'Transfer-Encoding is a list of codings; chunked is the last one, and stands once',
    source: 'RFC 9112 §6.1, §7',
    example: `${POST}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CODING_INVALID',
    holds: (dispute) => {
      const codings = elementsOf(dispute, 'transfer-encoding');
      return codings.some((coding) => !isToken(coding)) || codings.indexOf('chunked') !== codings.length - 1;
    },
  },
  {
    id: 'connection-end-to-end',
    sentence: 'Connection does not name end-to-end fields',
    source: 'RFC 9110 §7.6.1, CVE-2026-26365',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_CONNECTION_INVALID',
    holds: (dispute) => elementsOf(dispute, 'connection').some((option) => END_TO_END.test(option)),
  },
  {
    id: 'connection-option',
    sentence: 'Connection is a list of tokens',
    source: 'RFC 9110 §7.6.1',
    example: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close keep-alive\r\n\r\n',
    kinds: ['stricter'],
    code: 'WSGI_ERR_CONNECTION_INVALID',
    holds: (dispute) => elementsOf(dispute, 'connection').some((option) => option !== '' && !isToken(option)),
  },
  {
    id: 'request-line-size',
    sentence: 'A server may limit the request line',
    source: 'RFC 9110 §15.5.15',
    example: `GET /${'a'.repeat(HEAD_LIMIT - 13)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_REQUEST_LINE_TOO_LONG',
    holds: (dispute) => requestLine(dispute).length + 2 > HEAD_LIMIT,
  },
  {
    id: 'section-size',
    sentence: 'A server may limit the size of a field section',
    source: 'RFC 6585 §5',
    example: `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${'a'.repeat(168)}\r\n`.repeat(95)}\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_FIELDS_TOO_LARGE',
    holds: ({ text }) => text.length > HEAD_LIMIT,
  },
  {
    id: 'field-count',
    sentence: 'A server may limit the number of fields',
    source: 'RFC 6585 §5',
    example: `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(FIELD_COUNT_LIMIT)}\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_FIELDS_TOO_MANY',
    holds: ({ text }) => text.split('\r\n').length > FIELD_COUNT_LIMIT,
  },
  {
    id: 'content-size',
    sentence: 'A server may limit content',
    source: 'RFC 9110 §15.5.14',
    example: `${POST}Content-Length: ${CONTENT_LIMIT + 1}\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CONTENT_TOO_LARGE',
    holds: (dispute) =>
      valuesOf(dispute, 'content-length').some((length) => Number(length) > CONTENT_LIMIT) ||
      dispute.text.split('\r\n').some((line) => Number.parseInt(line, 16) >= CONTENT_LIMIT),
  },
  {
    id: 'chunk-size-digits',
    sentence: 'A chunk size with too many digits is an attempt at overflow, even if they are zeros',
    source: 'RFC 9112 §7.1',
    example: `${CHUNKED}${'0'.repeat(17)}\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CONTENT_TOO_LARGE',
    holds: ({ text }) => /(^|\r\n)[0-9a-f]{17,}/i.test(text),
  },
  {
    id: 'chunk-extension-grammar',
    sentence: 'Only valid extensions may follow a chunk size',
    source: 'RFC 9112 §7.1.1, CVE-2025-55315',
    example: `${CHUNKED}1;a=\r\na\r\n0\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CHUNK_MALFORMED',
    holds: (dispute) => extendedChunkLines(dispute).some((line) => !isChunkLine(line)),
  },
  {
    id: 'chunk-extension-size',
    sentence: 'The sum of all chunk extensions is limited, and so is an endless line',
    source: 'RFC 9112 §7.1.1, CVE-2024-22019',
    example: `${CHUNKED}${`1;a=${'b'.repeat(9_000)}\r\na\r\n`.repeat(2)}0\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE',
    holds: ({ text }) => (text.match(/^[0-9a-f].*$/gim) ?? []).join('').length > HEAD_LIMIT,
  },
  {
    id: 'trailer-forbidden',
    sentence: 'A trailer section has no fields that frame, route, authenticate or modify the request',
    source: 'RFC 9110 §6.5.1',
    example: `${CHUNKED}0\r\nHost: a\r\n\r\n`,
    kinds: ['stricter'],
    code: 'WSGI_ERR_REQUEST_TRAILER_FORBIDDEN',
    holds: (dispute) =>
      (theirMessage(dispute)?.trailers ?? []).some(
        (name, index) => index % 2 === 0 && NOT_FOR_TRAILERS.some((names) => names.test(name)),
      ),
  },
];
