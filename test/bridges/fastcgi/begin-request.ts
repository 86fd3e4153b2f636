/** Begins a request as a web server does. */
import { beginRequestString } from '../../../bridges/fastcgi/records.ts';

/** Writes FCGI_BEGIN_REQUEST for a responder. */
export function encodeBeginRequest(requestId: number, keepsConnection: boolean): Uint8Array[] {
  return [Buffer.from(beginRequestString(requestId, keepsConnection), 'latin1')];
}
