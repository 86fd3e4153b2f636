/**
 * Interim responses on node's ServerResponse: `_sent100`, set by `writeContinue` (since Node 0.4), and `_writeRaw`,
 * which sends them in every version (since Node 0.9; checked on 20 to 26).
 */
import type { ServerResponse } from 'node:http';

interface InterimResponse extends ServerResponse {
  readonly _sent100?: boolean;
  _writeRaw?(text: string, encoding: 'latin1'): void;
}

/** Tells if a response has sent 100 (Continue). */
export function hasSentContinue(response: InterimResponse): boolean {
  return response._sent100 === true;
}

/** Writes text past the response. Without `_writeRaw` it sends nothing: an interim response is advice. */
export function writeRaw(response: InterimResponse, text: string): void {
  response._writeRaw?.(text, 'latin1');
}
