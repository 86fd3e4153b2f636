/** Refuses a request that cannot be read, with the last response of its connection (RFC 9112 §2.2, §9.6). */
import type { ProtocolError } from '../../errors.ts';
import { failureResponse } from '../../gateway/failure.ts';
import { formatResponseHead } from '../../http/index.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import type { Output } from '../socket/output.ts';
import { dateField } from './date.ts';

/** The connection of a request that is refused. */
interface RefusingConnection {
  readonly server: ConnectionOwner;
  readonly output: Output;
}

/**
 * Adds the response that refuses a request. To HEAD it has no content (RFC 9110 §9.3.2).
 *
 * @param method The method of the request, if it could be read
 */
export function addRefusal(
  { server, output }: RefusingConnection,
  error: ProtocolError,
  method: string | undefined,
): void {
  const { head, content } = failureResponse(error, method === 'HEAD', false);
  const framing = `${dateField()}Connection: close\r\nContent-Length: ${content.length}\r\n`;
  const text = formatResponseHead(head.status, head.headers, framing);
  server.tally.countResponse(head.statusCode);
  output.add(text);
  if (!head.isBodiless) output.add(content);
}
