/** Writes FormData as multipart/form-data (RFC 7578; HTML, Multipart form data), with a length that is known in advance. */
import { randomUUID } from 'node:crypto';

/** A form as content. */
export interface Multipart {
  readonly type: string;
  /** Octets. */
  readonly length: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Encodes a form; files are read only as the content is. */
export function encodeMultipart(form: FormData): Multipart {
  const boundary = `gatebridge-${randomUUID()}`;
  const parts: (Uint8Array | Blob)[] = [];
  for (const [name, value] of form) {
    const isText = typeof value === 'string';
    const file = isText ? '' : `; filename="${escaped(value.name)}"`;
    const type = isText ? '' : `\r\nContent-Type: ${value.type || 'application/octet-stream'}`;
    const disposition = `Content-Disposition: form-data; name="${escaped(withCrlf(name))}"${file}`;
    parts.push(Buffer.from(`--${boundary}\r\n${disposition}${type}\r\n\r\n`));
    parts.push(isText ? Buffer.from(withCrlf(value)) : value, CRLF);
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  const length = parts.reduce((sum, part) => sum + (part instanceof Blob ? part.size : part.length), 0);
  return { type: `multipart/form-data; boundary=${boundary}`, length, pieces: read(parts) };
}

const CRLF = Buffer.from('\r\n');

async function* read(parts: readonly (Uint8Array | Blob)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Blob) yield* part.stream();
    else yield part;
  }
}

function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

function escaped(name: string): string {
  return name.replace(/["\r\n]/g, encodeURIComponent);
}
