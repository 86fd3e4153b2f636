/**
 * The records of FastCGI 1.0 (specification §3): what travels on a connection, in both directions.
 *
 * Rule 1: no I/O, and no knowledge of requests. Both ends use this file.
 * Rule 2: memory is bounded by one record: its length has two octets.
 */

/** The types of records (§8). */
export const RecordType = {
  beginRequest: 1,
  abortRequest: 2,
  endRequest: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
  data: 8,
  getValues: 9,
  getValuesResult: 10,
  unknownType: 11,
} as const;

/** The role of an application that answers requests (§6.2). */
export const RESPONDER = 1;

/** The flag of FCGI_BEGIN_REQUEST that keeps the connection open (§5.1). */
export const KEEP_CONNECTION = 1;

/** How a request ended (§5.5). */
export const ProtocolStatus = {
  complete: 0,
  cannotMultiplex: 1,
  overloaded: 2,
  unknownRole: 3,
} as const;

/** One record. */
export interface FastCgiRecord {
  readonly type: number;
  /** 0 for records about the connection (§4). */
  readonly requestId: number;
  /** Refers to the octets that were pushed, if it came in one piece: who keeps it copies it. */
  readonly content: Buffer;
}

/** The version of FastCGI. */
const VERSION = 1;

/** Octets of a header. */
const HEADER = 8;

/** Octets of content, at most. A multiple of 8 needs no padding. */
const MAX_CONTENT = 65_528;

const EMPTY = Buffer.alloc(0);

/** Parses records as their octets arrive. */
export class RecordParser {
  readonly #header = Buffer.alloc(HEADER);
  #headerLength = 0;
  #parts: Buffer[] = [];
  /** Octets of content and padding that are still to come. */
  #content = 0;
  #padding = 0;
  /** The octets that are being read, and how far. */
  #octets: Buffer = EMPTY;
  #at = 0;

  /**
   * Takes the next octets, and gives the records that are complete now, one after another: those before a fault count. A record is
   * valid until the memory of the octets is used again.
   *
   * @throws Error if the octets are no FastCGI 1.0
   */
  *push(octets: Uint8Array): Generator<FastCgiRecord, void, undefined> {
    this.feed(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
    for (let record = this.next(); record !== undefined; record = this.next()) yield record;
  }

  /** Takes the next octets. `next` gives their records, without the cost of a generator. */
  feed(octets: Buffer): void {
    this.#octets = octets;
    this.#at = 0;
  }

  /** Gives the next record of what was fed; undefined if it has no more, and only then more may be fed. Throws as `push`. */
  next(): FastCgiRecord | undefined {
    const whole = this.#takeWhole();
    if (whole !== undefined) return whole;
    const buffer = this.#octets;
    while (this.#at < buffer.length) {
      if (this.#headerLength < HEADER) this.#at = this.#takeHeader(buffer, this.#at);
      this.#at = this.#takeContent(buffer, this.#at);
      const skipped = Math.min(this.#padding, buffer.length - this.#at);
      if (this.#content === 0) {
        this.#padding -= skipped;
        this.#at += skipped;
      }
      if (this.#headerLength === HEADER && this.#content === 0 && this.#padding === 0)
        return this.#complete();
    }
    this.#octets = EMPTY;
    // The caller may use its memory again.
    const last = this.#parts.pop();
    if (last !== undefined) this.#parts.push(Buffer.from(last));
    return undefined;
  }

  /** Most records come in one piece, and need no memory of their parts. */
  #takeWhole(): FastCgiRecord | undefined {
    const buffer = this.#octets;
    const at = this.#at;
    const start = at + HEADER;
    if (this.#headerLength > 0 || start > buffer.length || buffer[at] !== VERSION) return undefined;
    const length = buffer.readUInt16BE(at + 4);
    const end = start + length + buffer.readUInt8(at + 6);
    if (end > buffer.length) return undefined;
    this.#at = end;
    return {
      type: buffer.readUInt8(at + 1),
      requestId: buffer.readUInt16BE(at + 2),
      content: length === 0 ? EMPTY : buffer.subarray(start, start + length),
    };
  }

  #takeHeader(buffer: Buffer, at: number): number {
    const end = Math.min(buffer.length, at + HEADER - this.#headerLength);
    buffer.copy(this.#header, this.#headerLength, at, end);
    this.#headerLength += end - at;
    if (this.#header[0] !== VERSION) throw otherProtocol(this.#header.subarray(0, this.#headerLength));
    if (this.#headerLength === HEADER) {
      this.#content = this.#header.readUInt16BE(4);
      this.#padding = this.#header.readUInt8(6);
    }
    return end;
  }

  #takeContent(buffer: Buffer, at: number): number {
    if (this.#content === 0) return at;
    const part = buffer.subarray(at, at + this.#content);
    if (part.length > 0) this.#parts.push(part);
    this.#content -= part.length;
    return at + part.length;
  }

  #complete(): FastCgiRecord {
    const [first = EMPTY] = this.#parts;
    const content = this.#parts.length > 1 ? Buffer.concat(this.#parts) : first;
    this.#parts = [];
    this.#headerLength = 0;
    return { type: this.#header.readUInt8(1), requestId: this.#header.readUInt16BE(2), content };
  }
}

/** Makes the error of octets that begin no record. A server of HTTP at the address is a likely cause. */
function otherProtocol(octets: Buffer): Error {
  const isText = /^[\x20-\x7e]+$/.test(octets.toString('latin1'));
  const seen = isText
    ? `${JSON.stringify(octets.toString('latin1'))} is no record`
    : `version ${octets[0]} is not 1`;
  return new Error(`${seen} (FastCGI §3.3)`);
}

/**
 * Writes a stream, or a piece of it, as records (§3.3). Empty content makes the record that ends a stream.
 *
 * @returns buffers to write one after another. They refer to large content, and copy small content
 */
export function encodeRecords(type: number, requestId: number, content: Uint8Array = EMPTY): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  let start = 0;
  do {
    const piece = content.subarray(start, start + MAX_CONTENT);
    const padding = -piece.length & 7;
    const isCopied = piece.length <= COPIED;
    const header = Buffer.allocUnsafe(isCopied ? HEADER + piece.length + padding : HEADER);
    header[0] = VERSION;
    header[1] = type;
    header.writeUInt16BE(requestId, 2);
    header.writeUInt16BE(piece.length, 4);
    header[6] = padding;
    header[7] = 0;
    buffers.push(header);
    if (isCopied) {
      header.set(piece, HEADER);
      header.fill(0, HEADER + piece.length);
    } else {
      buffers.push(piece);
      if (padding > 0) buffers.push(PADDING.subarray(0, padding));
    }
    start += piece.length;
  } while (start < content.length);
  return buffers;
}

const PADDING = Buffer.alloc(7);

/** Writes a stream, or a piece of it, as `encodeRecords` does, but from and to native strings. */
export function recordString(type: number, requestId: number, content = ''): string {
  let records = '';
  let start = 0;
  do {
    const piece = content.slice(start, start + MAX_CONTENT);
    const padding = -piece.length & 7;
    const [idHigh, idLow] = [requestId >> 8, requestId & 0xff];
    const [high, low] = [piece.length >> 8, piece.length & 0xff];
    records += String.fromCharCode(VERSION, type, idHigh, idLow, high, low, padding, 0);
    records += piece + '\0'.repeat(padding);
    start += piece.length;
  } while (start < content.length);
  return records;
}

/** Octets of content, at most, that are copied behind their header: one write costs less than three. */
const COPIED = 8_192;

/** A header of a version that FastCGI does not have: its reader takes the connection for broken. */
export const BROKEN_RECORD: Uint8Array = Buffer.alloc(HEADER);

/** The records before and behind the parameters of a request, as native strings. */
export interface RequestFrame {
  /** FCGI_BEGIN_REQUEST for a responder (§5.1). */
  readonly begin: string;
  /** The end of the parameters. */
  readonly endOfParams: string;
  /** The end of parameters and of content that has no octets. */
  readonly end: string;
}

/** Writes the records before and behind the parameters of a request. */
export function requestFrame(requestId: number, keepsConnection: boolean): RequestFrame {
  const flags = keepsConnection ? KEEP_CONNECTION : 0;
  const content = String.fromCharCode(0, RESPONDER, flags, 0, 0, 0, 0, 0);
  const endOfParams = recordString(RecordType.params, requestId);
  return {
    begin: recordString(RecordType.beginRequest, requestId, content),
    endOfParams,
    end: endOfParams + recordString(RecordType.stdin, requestId),
  };
}

/** The content of FCGI_BEGIN_REQUEST. */
export interface BeginRequest {
  readonly role: number;
  readonly keepsConnection: boolean;
}

/** Reads FCGI_BEGIN_REQUEST. @throws Error if it is too short */
export function decodeBeginRequest(content: Buffer): BeginRequest {
  if (content.length < 3) throw new Error('FCGI_BEGIN_REQUEST is too short (FastCGI §5.1)');
  return {
    role: content.readUInt16BE(0),
    keepsConnection: (content.readUInt8(2) & KEEP_CONNECTION) !== 0,
  };
}

/** Writes FCGI_END_REQUEST (§5.5). */
export function encodeEndRequest(requestId: number, end: EndRequest): Uint8Array[] {
  const content = Buffer.alloc(8);
  content.writeUInt32BE(end.appStatus, 0);
  content.writeUInt8(end.protocolStatus, 4);
  return encodeRecords(RecordType.endRequest, requestId, content);
}

/** The content of FCGI_END_REQUEST. */
export interface EndRequest {
  /** As the exit code of a CGI program. */
  readonly appStatus: number;
  readonly protocolStatus: number;
}

/** Reads FCGI_END_REQUEST. @throws Error if it is too short */
export function decodeEndRequest(content: Buffer): EndRequest {
  if (content.length < 5) throw new Error('FCGI_END_REQUEST is too short (FastCGI §5.5)');
  return { appStatus: content.readUInt32BE(0), protocolStatus: content.readUInt8(4) };
}

/** Writes FCGI_UNKNOWN_TYPE, the answer to a management record of another type (§4.2). */
export function encodeUnknownType(type: number): Uint8Array[] {
  return encodeRecords(RecordType.unknownType, 0, Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]));
}
