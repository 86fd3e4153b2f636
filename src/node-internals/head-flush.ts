/** The head of a response without its content: `_implicitHeader` and `_send` (since Node 0.4; checked on 20 to 26). */
import { ServerResponse } from 'node:http';

const { flushHeaders: nodeFlush } = ServerResponse.prototype;

/** The methods used of a response. */
interface Flushable extends ServerResponse {
  _implicitHeader?(): void;
  _send?(text: string, encoding: 'latin1'): void;
}

/** Sends the head at once. `flushHeaders` does so in UTF-8, in which a value beyond ASCII is another one. */
export function flushHead(response: Flushable): void {
  const { _implicitHeader, _send, flushHeaders } = response;
  if (flushHeaders !== nodeFlush || _implicitHeader === undefined || _send === undefined) {
    response.flushHeaders();
    return;
  }
  if (!response.headersSent) response._implicitHeader?.();
  response._send?.('', 'latin1');
}
