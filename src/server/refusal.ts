/** The response to a request that cannot be read: one, and the last of its connection (RFC 9112 §2.2, §9.6). */
import type { ProtocolError } from '../errors.ts';
import { failureResponse } from '../failure.ts';
import { formatResponseHead } from '../http/index.ts';
import { dateField } from './date.ts';

/** Formats the response that refuses a request, head and content. */
export function formatRefusal(error: ProtocolError): [head: string, content: Uint8Array] {
  const { head, content } = failureResponse(error, false, false);
  const framing = `${dateField()}Connection: close\r\nContent-Length: ${content.length}\r\n`;
  return [formatResponseHead(head.status, head.headers, framing), content];
}
