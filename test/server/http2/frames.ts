/**
 * A client of HTTP/2 that sends frames as it is told, however wrong, and shows the frames that come.
 *
 * Fields are sent as literals, without a table (RFC 7541 §6.2.2). Field blocks that come are not decoded, but for the status.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The types of frames (RFC 9113 §6). */
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags of frames. */
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

/** Error codes (RFC 9113 §7). */
export const CODE = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export type Fields = readonly (readonly [name: string, value: string])[];

/** A frame that has come. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Makes a frame (RFC 9113 §4.1). */
export function frame(
  type: number,
  payload: Buffer | string = '',
  { flags = 0, streamId = 0 }: { flags?: number; streamId?: number } = {},
): Buffer {
  const octets = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(octets.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, octets]);
}

/** Makes a number of 32 bits. */
export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

/** Makes SETTINGS of pairs of identifier and value. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = pairs.flatMap(([id, value]) => [Buffer.from([id >> 8, id & 0xff]), uint32(value)]);
  return frame(TYPE.SETTINGS, Buffer.concat(payload));
}

/** Encodes fields as literals without indexing. */
export function block(fields: Fields): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

/** RFC 7541 §5.1, §5.2: a string of octets without Huffman's code. */
function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1');
  if (octets.length < 127) return Buffer.concat([Buffer.from([octets.length]), octets]);
  const size = [127];
  let rest = octets.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) size.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...size, rest]), octets]);
}

/** The fields of a GET, with others in the place of those with the same names. */
export function request(path = '/', more: Fields = [], method = 'GET'): Fields {
  return [[':method', method], [':scheme', 'http'], [':authority', 'a.test'], [':path', path], ...more];
}

/** Makes HEADERS of a whole field section. */
export function headers(streamId: number, fields: Fields = request(), isWhole = true): Buffer {
  const flags = END_HEADERS | (isWhole ? END_STREAM : 0);
  return frame(TYPE.HEADERS, block(fields), { flags, streamId });
}

export function data(streamId: number, content: string | Buffer, isLast = false): Buffer {
  return frame(TYPE.DATA, content, { flags: isLast ? END_STREAM : 0, streamId });
}

export function reset(streamId: number, code: number = CODE.CANCEL): Buffer {
  return frame(TYPE.RST_STREAM, uint32(code), { streamId });
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(TYPE.WINDOW_UPDATE, uint32(increment), { streamId });
}

/** A connection of frames. */
export class FrameClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  answersPings = true;
  #looked = 0;
  #octets: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (octets) => this.#take(octets));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Sends the preface with SETTINGS, then frames. */
  begin(...frames: readonly Buffer[]): this {
    return this.send(Buffer.from(PREFACE), settings(), ...frames);
  }

  send(...frames: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(frames));
    return this;
  }

  #take(octets: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, octets]);
    while (this.#octets.length >= 9) {
      const end = 9 + this.#octets.readUIntBE(0, 3);
      if (this.#octets.length < end) break;
      const [type = 0, flags = 0] = this.#octets.subarray(3, 5);
      const streamId = this.#octets.readUInt32BE(5);
      this.frames.push({ type, flags, streamId, payload: this.#octets.subarray(9, end) });
      this.#octets = this.#octets.subarray(end);
    }
    if (this.answersPings) this.#answerPings();
    this.#wake();
  }

  #answerPings(): void {
    for (; this.#looked < this.frames.length; this.#looked += 1) {
      const { type, flags = 0, payload = '' } = this.frames[this.#looked] ?? {};
      if (type === TYPE.PING && (flags & ACK) === 0) this.send(frame(TYPE.PING, payload, { flags: ACK }));
    }
  }

  /** Waits for a frame, also one that has come. */
  async next(type: number, streamId = 0): Promise<Frame> {
    const found = await this.#until(() =>
      this.frames.find((one) => one.type === type && one.streamId === streamId),
    );
    if (found !== undefined) return found;
    throw new Error(`No frame of type ${type} came on stream ${streamId}: ${this.seen()}`);
  }

  /** Waits for the end of a stream: END_STREAM, or the code of a reset. */
  async end(streamId: number): Promise<'whole' | number> {
    const found = await this.#until(() =>
      this.frames.find((one) => one.streamId === streamId && (one.type === TYPE.RST_STREAM || isLast(one))),
    );
    if (found === undefined) throw new Error(`Stream ${streamId} has no end: ${this.seen()}`);
    return found.type === TYPE.RST_STREAM ? found.payload.readUInt32BE() : 'whole';
  }

  /** Waits for the status of a response: one of RFC 7541's table, else 0. */
  async status(streamId: number): Promise<number> {
    const { payload } = await this.next(TYPE.HEADERS, streamId);
    return STATUSES[(payload[0] ?? 0) - 0x88] ?? 0;
  }

  /** Waits for GOAWAY, and gives its code. */
  async goaway(): Promise<number> {
    return (await this.next(TYPE.GOAWAY)).payload.readUInt32BE(4);
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<void> {
    await this.#until(() => (this.isClosed ? true : undefined));
    if (!this.isClosed) throw new Error(`The connection is open: ${this.seen()}`);
  }

  /** Counts frames, without waiting. */
  count(type: number): number {
    return this.frames.filter((one) => one.type === type).length;
  }

  /** The content that has come on a stream. */
  content(streamId: number): Buffer {
    const pieces = this.frames.filter((one) => one.type === TYPE.DATA && one.streamId === streamId);
    return Buffer.concat(pieces.map(({ payload }) => payload));
  }

  seen(): string {
    return this.frames.map(({ type, flags, streamId }) => `${type}/${flags}/${streamId}`).join(' ');
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #until<Found>(look: () => Found | undefined): Promise<Found | undefined> {
    const deadline = Date.now() + 8_000;
    for (;;) {
      const found = look();
      if (found !== undefined || this.isClosed || Date.now() > deadline) return found;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, delay(200)]);
    }
  }
}

const STATUSES = [200, 204, 206, 304, 400, 404, 500];

function isLast({ type, flags }: Frame): boolean {
  return (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & END_STREAM) !== 0;
}
