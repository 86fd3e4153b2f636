/** A lane: one socket to one thread of a worker, which serves one request at a time. */
import type { Socket } from 'node:net';
import type { Exchange, ExchangeLane } from './exchange.ts';
import { encodeFrame, encodeNumber, FRAMES, FrameReader } from './frames.ts';

/** Listener for what becomes of a lane. */
export interface LaneListener {
  /** The worker has closed its application: the lane is free. */
  laneFree(lane: Lane): void;
  /** The request could not be sent, because the worker has ended: nothing of it has left. */
  laneUnsent(exchange: Exchange): void;
}

/** One lane. */
export class Lane implements ExchangeLane {
  readonly #socket: Socket;
  readonly #listener: LaneListener;
  readonly #reader = new FrameReader();
  #exchange: Exchange | undefined;
  /** When the worker has last sent, or was given, something. */
  movedAt = 0;
  /** When it has taken the request. */
  startedAt = 0;
  /** The application has not moved for too long. */
  isStuck = false;

  constructor(socket: Socket, listener: LaneListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.unref();
    socket.on('data', (octets) => this.#take(octets));
    // The end of the process tells what has happened.
    socket.on('error', () => {});
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** Sends a request. */
  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.startedAt = Date.now();
    this.movedAt = this.startedAt;
    // A program that waits for nothing else waits for the response.
    this.#socket.ref();
    exchange.begin(this);
    this.#socket.write(exchange.request, (error) => {
      if (error !== undefined && error !== null) this.#takeBack(exchange);
    });
  }

  /** The frame did not leave: its process had ended before. */
  #takeBack(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    exchange.withdraw();
    this.#listener.laneUnsent(exchange);
  }

  send(octets: Uint8Array): void {
    this.movedAt = Date.now();
    if (this.#socket.writable) this.#socket.write(octets);
  }

  credit(octets: number): void {
    this.send(encodeNumber(FRAMES.CREDIT, octets));
  }

  abort(): void {
    this.send(encodeFrame(FRAMES.ABORT));
  }

  /** Closes the lane; its thread ends after the current request. */
  close(): void {
    this.#socket.end();
  }

  /** The process is gone. */
  fail(error: unknown): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    exchange?.fail(error);
  }

  #take(octets: Buffer): void {
    this.movedAt = Date.now();
    this.#reader.push(octets, this.#takeFrame);
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.settle();
    if (this.#isIdle) this.#free(exchange);
  }

  #isIdle = false;

  readonly #takeFrame = (kind: number, payload: Buffer): void => {
    if (kind === FRAMES.IDLE) this.#isIdle = true;
    else this.#exchange?.take(kind, payload);
  };

  #free(exchange: Exchange): void {
    this.#isIdle = false;
    this.#exchange = undefined;
    this.#socket.unref();
    exchange.end();
    this.#listener.laneFree(this);
  }
}
