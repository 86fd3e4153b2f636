/** Begins a request as a web server does. */
import { requestFrame } from '../../../bridges/fastcgi/records.ts';

/** Writes FCGI_BEGIN_REQUEST for a responder. */
export function encodeBeginRequest(requestId: number, keepsConnection: boolean): Uint8Array[] {
  return [Buffer.from(requestFrame(requestId, keepsConnection).begin, 'latin1')];
}
