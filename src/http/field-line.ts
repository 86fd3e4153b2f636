/**
 * Field lines: field-name ":" OWS field-value OWS (RFC 9112 §5), in heads and in trailer sections.
 *
 * Rule 1: a line that is not exactly this is refused, not repaired: whitespace before the colon, a missing colon and
 *         folded lines are read differently by different recipients (§5.1, §5.2).
 * Rule 2: values are octets. What they mean is decided elsewhere.
 */
import { ProtocolError } from '../errors.ts';
import { findForbiddenOctet, NOT_FIELD_OCTET, quote, sliceTrimmed, TOKEN } from './grammar.ts';

/**
 * Parses one field line, and appends its name and its value to a flat list.
 *
 * @param text A text that holds the line
 * @param from Where the line begins
 * @param to Where its CRLF begins
 * @param fields Takes name and value
 * @throws {@link ProtocolError}
 */
export function parseFieldLine(text: string, from: number, to: number, fields: string[]): void {
  const colon = text.indexOf(':', from);
  if (colon === -1 || colon >= to) throw lineFault(text.slice(from, to));
  const name = text.slice(from, colon);
  if (!TOKEN.test(name)) throw lineFault(text.slice(from, to));
  const value = sliceTrimmed(text, colon + 1, to);
  if (NOT_FIELD_OCTET.test(value)) throw lineFault(text.slice(from, to));
  fields.push(name, value);
}

function lineFault(line: string): ProtocolError {
  const forbidden = findForbiddenOctet(line, NOT_FIELD_OCTET);
  if (forbidden !== undefined) return forbidden;
  // RFC 9112 §5.2: obs-fold is refused; §2.2: so is whitespace between the request line and the first field.
  if (line.startsWith(' ') || line.startsWith('\t')) return new ProtocolError('WSGI_ERR_FIELD_FOLDED');
  return new ProtocolError('WSGI_ERR_FIELD_LINE_INVALID', quote(line));
}
