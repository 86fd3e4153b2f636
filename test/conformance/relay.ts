/** The other end of relay_app.py: runs an application for requests that come from Python. */
import type { Socket } from 'node:net';
import { createCgiEnviron } from '../../bridges/_cgi/environ.ts';
import type { AuditGatewayOptions } from '../../src/conformance/index.ts';
import { disconnection, isError, tryPairs } from '../../src/gateway/index.ts';
import {
  type ApplicationFunction,
  type DisconnectError,
  type InputSource,
  type ResponseHead,
  type ResponseSink,
  runApplication,
} from '../../src/index.ts';

/** Octets of content that are read at once. */
const PIECE = 65_536;

/** Answers the request of a connection. Never rejects. */
export async function answerRelay(
  socket: Socket,
  application: ApplicationFunction,
  gateway: AuditGatewayOptions,
): Promise<void> {
  const frames = new Frames(socket);
  const first = await frames.next('R').catch(() => undefined);
  if (first === undefined) return;
  const variables: Record<string, string> = JSON.parse(first.toString());
  const own = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.includes('.')));
  const host = { createInput: () => contentOf(frames), runsOnce: false, multiprocess: false };
  const environ = createCgiEnviron(own, host);
  const failure = tryPairs(environ, gateway.environ);
  await runApplication(failure ?? application, environ, new RelaySink(frames), gateway);
}

/** The frames of a connection. */
class Frames {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  /** Who waits, by the kind of frame: a chunk may be on its way while content is read. */
  readonly #waiters = new Map<string, { resolve(payload: Buffer): void; reject(error: Error): void }>();
  #gone: DisconnectError | undefined;
  #listeners: ((error: DisconnectError) => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (octets: Buffer) => {
      this.#received = Buffer.concat([this.#received, octets]);
      this.#take();
    });
    socket.on('error', () => {}).on('close', () => this.#leave());
  }

  send(kind: string, payload: Uint8Array | string = ''): void {
    const octets = Buffer.from(payload);
    const head = Buffer.alloc(5, kind);
    head.writeUInt32BE(octets.length, 1);
    if (this.socket.writable) this.socket.write(Buffer.concat([head, octets]));
  }

  /** Waits for a frame. One of kind X is the failure of a read. */
  next(kind: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiters.set(kind, { resolve, reject });
      this.#take();
      if (this.#gone !== undefined) reject(this.#gone);
    });
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone === undefined) this.#listeners.push(listener);
    else listener(this.#gone);
  }

  #take(): void {
    while (this.#received.length >= 5) {
      const end = 5 + this.#received.readUInt32BE(1);
      if (this.#received.length < end) return;
      const kind = String.fromCharCode(this.#received[0] ?? 0);
      const awaited = kind === 'X' ? 'D' : kind;
      const waiter = this.#waiters.get(awaited);
      if (waiter === undefined) return;
      const payload = this.#received.subarray(5, end);
      this.#received = this.#received.subarray(end);
      this.#waiters.delete(awaited);
      if (kind === awaited) waiter.resolve(payload);
      else waiter.reject(disconnection('request', new Error(payload.toString())));
    }
  }

  #leave(): void {
    this.#gone ??= disconnection('response');
    for (const listener of this.#listeners.splice(0)) listener(this.#gone);
    for (const waiter of this.#waiters.values()) waiter.reject(this.#gone);
  }
}

function contentOf(frames: Frames): InputSource {
  return {
    async pull() {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(PIECE);
      frames.send('r', size);
      const piece = await frames.next('D');
      return piece.length === 0 ? null : piece;
    },
  };
}

/** A response that Python gives on. */
class RelaySink implements ResponseSink {
  readonly #frames: Frames;
  #head: ResponseHead | undefined;
  /** Octets that the length of the response still allows. After the last one a server asks for no more. */
  #remaining = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(frames: Frames) {
    this.#frames = frames;
  }

  writeHead(head: ResponseHead): void {
    this.#head = head;
    this.#remaining = head.contentLength ?? Number.POSITIVE_INFINITY;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#sendHead();
    this.#frames.send('C', chunk);
    this.#remaining -= chunk.length;
    return this.#remaining === 0 ? undefined : this.#frames.next('N').then(() => {});
  }

  end(lastChunk?: Uint8Array): undefined {
    this.#isOver = true;
    this.#sendHead();
    if (lastChunk !== undefined) this.#frames.send('C', lastChunk);
    this.#frames.send('E');
  }

  abort(): void {
    this.#frames.send('F', 'the response is cut off');
  }

  fail(error: unknown): void {
    this.#isOver = true;
    this.#frames.send('F', isError(error) ? `${error.stack}` : String(error));
  }

  watch(listener: (error: DisconnectError) => void): void {
    this.#frames.watch((error) => {
      if (!this.#isOver && this.#remaining > 0) listener(error);
    });
  }

  #sendHead(): void {
    if (this.#head === undefined) return;
    const { status, headers, hasContentLengthField, contentLength } = this.#head;
    const known = hasContentLengthField || contentLength === undefined;
    const all = known ? headers : [...headers, ['Content-Length', `${contentLength}`]];
    this.#head = undefined;
    this.#frames.send('H', JSON.stringify([status, all]));
  }
}
