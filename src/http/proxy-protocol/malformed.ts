import { ProtocolError } from '../../errors.ts';

/** Makes the error of a header that has come and cannot be read. */
export function malformed(detail: string): ProtocolError {
  return new ProtocolError('WSGI_ERR_PROXY_HEADER_INVALID', detail);
}
