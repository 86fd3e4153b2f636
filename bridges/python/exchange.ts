/**
 * One request and its response, from the call of the application to the last frame of the worker.
 *
 * An exchange is `waiting` for a lane, `sent` to the worker, `answering` once the gateway has the head, `left` when nobody wants the rest, or `over`.
 *
 * A response that is complete in what has come at once is an array: the gateway computes its length and needs no iteration.
 */
import { disconnection, isError, type Place } from '../../src/gateway/index.ts';
import {
  type Body,
  type Environ,
  type HeaderList,
  isHopByHop,
  type StartResponse,
  UpstreamError,
} from '../../src/index.ts';
import type { Watchable } from '../_process/departures.ts';
import { pythonError } from './failures.ts';
import { decodeHead, encodeFrame, FRAMES, type PythonHead } from './frames.ts';
import { RequestContent } from './request-content.ts';
import { ResponseChunks } from './response-chunks.ts';

/** The lane that serves an exchange. */
export interface ExchangeLane {
  send(octets: Uint8Array): void;
  /** The client has taken so many octets. */
  credit(octets: number): void;
  /** Nobody wants the rest of the response. */
  abort(): void;
}

/** The two ends of the promise that the gateway waits for. */
export interface Settlement {
  resolve(body: Body): void;
  reject(error: unknown): void;
}

/** One request. */
export class Exchange implements Watchable {
  readonly environ: Environ;
  /** The frame of the request. */
  readonly request: Buffer;
  /** When it began to wait for a lane. */
  queuedAt = 0;
  /** Called if the client leaves while the request waits for a lane. */
  onDeparture: (() => void) | undefined;
  /** Its place among those that are not watched yet. */
  departure: Place<Watchable> | undefined;
  readonly #startResponse: StartResponse;
  readonly #settlement: Settlement;
  #state: 'waiting' | 'sent' | 'answering' | 'left' | 'over' = 'waiting';
  #lane: ExchangeLane | undefined;
  #signal: AbortSignal | undefined;
  #content: RequestContent | undefined;
  #head: PythonHead | undefined;
  /** Chunks that have come before the gateway had the head. */
  #chunks: Uint8Array[] = [];
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;
  #body: ResponseChunks | undefined;

  constructor(
    { environ, startResponse }: { environ: Environ; startResponse: StartResponse },
    request: Buffer,
    settlement: Settlement,
  ) {
    this.environ = environ;
    this.request = request;
    this.#startResponse = startResponse;
    this.#settlement = settlement;
  }

  /** The application works, and waits neither for content nor for the client. */
  get isWorking(): boolean {
    return this.#content?.isOwed !== true && this.#body?.isFull !== true;
  }

  /** Watches for a client that leaves while the request waits. Requests that get a lane soon are not watched. */
  watch(): void {
    if (this.#state !== 'waiting') return;
    this.#signal = this.environ['gateway.signal']?.();
    if (this.#signal?.aborted === true) this.#depart();
    else this.#signal?.addEventListener('abort', this.#depart, { once: true });
  }

  readonly #depart = (): void => {
    if (this.#state === 'waiting') this.onDeparture?.();
  };

  /** It waits no more. */
  #unwatch(): void {
    this.#signal?.removeEventListener('abort', this.#depart);
    this.#signal = undefined;
    this.onDeparture = undefined;
    this.departure?.leave();
    this.departure = undefined;
  }

  /** The method and the target, for the log. */
  get name(): string {
    const { REQUEST_METHOD, SCRIPT_NAME, PATH_INFO } = this.environ;
    return `${REQUEST_METHOD} ${JSON.stringify(`${SCRIPT_NAME}${PATH_INFO}`).slice(1, -1)}`;
  }

  /** A lane has taken the request. */
  begin(lane: ExchangeLane): void {
    this.#unwatch();
    this.#state = 'sent';
    this.#lane = lane;
  }

  /** The request goes back to the line, because its frame has not left. */
  withdraw(): void {
    this.queuedAt ||= Date.now();
    this.#state = 'waiting';
    this.#lane = undefined;
  }

  /** Takes a frame of the worker. */
  take(kind: number, payload: Buffer): void {
    switch (kind) {
      case FRAMES.HEAD:
        this.#head = decodeHead(payload);
        break;
      case FRAMES.DATA:
        if (this.#body === undefined) this.#chunks.push(payload);
        else this.#body.add(payload);
        break;
      case FRAMES.END:
        this.#isComplete = true;
        break;
      case FRAMES.FAILED:
        this.#noteFailure(pythonError(payload));
        break;
      case FRAMES.WANT:
        this.#want(payload.readUInt32BE(0));
        break;
      case FRAMES.LOG:
        this.#log(payload.toString());
        break;
    }
  }

  /** Gives up a request whose client has left before the head. Nothing else tells of that: a long time has passed. */
  leaveIfAbandoned(): void {
    if (this.#state !== 'sent' || this.environ['gateway.signal']?.().aborted !== true) return;
    this.#leave();
    this.#settlement.reject(disconnection('response'));
  }

  /** The frames that have come together were taken. */
  settle(): void {
    if (this.#state === 'sent') this.#answer();
    else if (this.#state === 'answering') this.#finish();
  }

  /** The worker has ended, or takes too long. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    if (this.#state === 'waiting') this.#reject(error);
    else this.settle();
    this.end();
  }

  /** The lane is free again, or gone. */
  end(): void {
    if (this.#state === 'over') return;
    this.#unwatch();
    if (this.#state === 'sent') {
      // The worker answers every request; its END or FAILED comes before.
      this.#reject(new UpstreamError('WSGI_ERR_UPSTREAM_MALFORMED', 'the worker gave no response'));
    }
    this.#state = 'over';
    this.#content?.stop();
    this.#lane = undefined;
  }

  #noteFailure(error: Error): void {
    if (this.#isComplete || this.#state === 'left') {
      // The client has its response: the application failed in close(), or after its client had left.
      this.#log(`${error.stack}\n`);
      return;
    }
    const { failure } = this.#content ?? {};
    // An application that cannot read on fails because of that: the status is that of the cause, such as 413.
    const isCause = error.name === 'ClientLeft' && isError(failure);
    this.#failure ??= { error: isCause ? failure : error };
  }

  #log(text: string): void {
    try {
      this.environ['wsgi.errors'].write(text);
    } catch {
      // No other log is left, and this is an event of a socket.
    }
  }

  #want(octets: number): void {
    if (this.#lane === undefined) return;
    if (this.#state === 'left') {
      // An application that reads in close(), or behind its response, must not wait for ever.
      this.#lane.send(encodeFrame(FRAMES.CONTENT_FAILED, 'the response is over'));
      return;
    }
    this.#content ??= new RequestContent(this.environ, this.#lane);
    this.#content.want(octets);
  }

  #answer(): void {
    const head = this.#head;
    if (this.#failure !== undefined && (head === undefined || head.isWhole || this.#chunks.length === 0)) {
      this.#reject(this.#failure.error);
      return;
    }
    if (head === undefined || (head.isWhole && !this.#isComplete)) return;
    try {
      const write = this.#startResponse(head.status, endToEnd(head.headers));
      // The application has called write with nothing, which sends the head.
      if (this.#chunks.length === 0 && !this.#isComplete) write(EMPTY).catch(() => {});
    } catch (error) {
      this.#leave();
      this.#settlement.reject(error);
      return;
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    // A host declares the length of an array (PEP 3333). Of written or generated content the application decides, however fast it came.
    if (this.#isComplete && (head.isWhole || chunks.length === 0 || declaresLength(head.headers))) {
      this.#state = 'left';
      this.#settlement.resolve(chunks);
      return;
    }
    this.#state = 'answering';
    const body = new ResponseChunks({
      chunksTaken: (octets) => this.#lane?.credit(octets),
      chunksUnwanted: () => this.#leave(),
    });
    this.#body = body;
    for (const chunk of chunks) body.add(chunk);
    this.#finish();
    this.#settlement.resolve(body);
  }

  #finish(): void {
    if (this.#isComplete) {
      this.#body?.end();
      this.#state = 'left';
    } else if (this.#failure !== undefined) {
      this.#body?.fail(this.#failure.error);
      this.#state = 'left';
    }
  }

  #reject(error: unknown): void {
    this.#state = 'left';
    this.#settlement.reject(error);
  }

  #leave(): void {
    if (this.#state === 'over' || this.#state === 'left') return;
    this.#state = 'left';
    this.#content?.stop();
    this.#lane?.abort();
  }
}

const EMPTY = new Uint8Array(0);

function declaresLength(headers: HeaderList): boolean {
  return headers.some(([name]) => name.toLowerCase() === 'content-length');
}

/** The fields that are not about the connection to the worker, which is none (RFC 9110 §7.6.1). */
function endToEnd(headers: HeaderList): HeaderList {
  return headers.some(([name]) => isHopByHop(name)) ? headers.filter(([name]) => !isHopByHop(name)) : headers;
}
