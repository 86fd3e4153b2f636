/**
 * Field lines: field-name ":" OWS field-value OWS (RFC 9112 §5), in heads and in trailer sections.
 *
 * Rule 1: any other line is refused, not repaired. Recipients differ on whitespace before the colon, a missing colon
 *         and folded lines (§5.1, §5.2).
 * Rule 2: values are octets; their meaning is decided elsewhere.
 */
import { ProtocolError } from '../errors.ts';
import { findForbiddenOctet, NOT_FIELD_OCTET, quote, sliceTrimmed, TOKEN } from './grammar.ts';

/**
 * Parses one field line without its CRLF; appends its name and value to a flat list.
 *
 * @throws {@link ProtocolError}
 */
export function parseFieldLine(line: string, fields: string[]): void {
  const colon = line.indexOf(':');
  if (colon === -1) throw lineFault(line);
  const name = line.slice(0, colon);
  const value = sliceTrimmed(line, colon + 1, line.length);
  if (!TOKEN.test(name) || NOT_FIELD_OCTET.test(value)) throw lineFault(line);
  fields.push(name, value);
}

function lineFault(line: string): ProtocolError {
  const forbidden = findForbiddenOctet(line, NOT_FIELD_OCTET);
  if (forbidden !== undefined) return forbidden;
  // RFC 9112 §5.2 refuses obs-fold; §2.2 refuses whitespace between the request line and the first field.
  if (line.startsWith(' ') || line.startsWith('\t')) return new ProtocolError('WSGI_ERR_FIELD_FOLDED');
  return new ProtocolError('WSGI_ERR_FIELD_LINE_INVALID', quote(line));
}
