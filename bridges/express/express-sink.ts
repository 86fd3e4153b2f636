/**
 * Sinks over Express's response: one that passes errors on, and one that passes on requests that others may answer.
 *
 * Rule: what is passed on is as it was. Whatever the application wanted of request and response is held back until
 * it is sure that the answer is its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  ApplicationError,
  type ConnectionDirectives,
  type HeaderList,
  type ResponseHead,
} from '../../src/index.ts';
import type { HostInput } from '../_node/node-input.ts';
import { NodeSink } from '../_node/node-sink.ts';
import { ReplayedInput } from '../_node/replayed-input.ts';

/** Goes on to the next handler, with an error or without. */
export type ExpressNext = (error?: unknown) => void;

/** Sends one response, or passes an error on. */
export class ExpressSink extends NodeSink {
  protected readonly next: ExpressNext;
  #isBegun = false;
  #held: ConnectionDirectives | undefined;
  /** In milliseconds, before the application set its own. */
  #timeout: number | undefined;

  /**
   * @param req The request of the host
   * @param res Its response
   * @param next Goes on to the next handler
   */
  constructor(req: IncomingMessage, res: ServerResponse, next: ExpressNext) {
    super(req, res);
    this.next = next;
  }

  override writeHead(head: ResponseHead): void {
    this.#isBegun = true;
    if (this.#held !== undefined) super.direct(this.#held);
    super.writeHead(head);
  }

  override direct(directives: ConnectionDirectives): void {
    const { close, sendDate, ...others } = directives;
    const isHeld = !this.#isBegun && (close !== undefined || sendDate !== undefined);
    if (directives.timeout !== undefined) this.#timeout ??= this.res.socket?.timeout ?? 0;
    // node's response would keep them if another handler answers.
    if (isHeld) this.#held = { ...this.#held, ...definedOf({ close, sendDate }) };
    super.direct(isHeld ? others : directives);
  }

  /** Express logs errors that go to `next`. */
  get logsAbort(): boolean {
    return this.hasHeadFailed;
  }

  override abort(error: unknown): void {
    if (this.hasHeadFailed) this.fail(error);
    else super.abort(error);
  }

  /** Gives the connection back the timeout that the host has set. */
  protected restoreTimeout(): void {
    if (this.#timeout !== undefined) this.res.socket?.setTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  fail(error: unknown): void {
    this.restoreTimeout();
    this.next(isCommand(error) ? new ApplicationError('WSGI_ERR_THROWN_VALUE', `${error}`) : error);
  }
}

function definedOf({ close, sendDate }: ConnectionDirectives): ConnectionDirectives {
  return { ...(close !== undefined && { close }), ...(sendDate !== undefined && { sendDate }) };
}

/** Tells if `next` takes a value for no error: a falsy one, and two words. */
function isCommand(error: unknown): boolean {
  return !error || error === 'route' || error === 'router';
}

/** Ways of a {@link PassingSink} out of the mount. */
interface Passing {
  readonly next: ExpressNext;
  readonly fallthrough: true | 'cascade';
}

/** Sends one response, unless the option `fallthrough` lets the next handler answer. */
export class PassingSink extends ExpressSink {
  readonly #fallthrough: true | 'cascade';
  readonly #req: IncomingMessage;
  #isPassed = false;
  #input: ReplayedInput | undefined;
  #trailers: HeaderList[] | undefined = [];

  /**
   * @param req The request of the host
   * @param res Its response
   * @param passing What is passed on, and how
   */
  constructor(req: IncomingMessage, res: ServerResponse, { next, fallthrough }: Passing) {
    super(req, res, next);
    this.#req = req;
    this.#fallthrough = fallthrough;
  }

  /** Makes the reader of the content, which is put back if the request is passed on. */
  openInput(maxReplay: number): HostInput {
    this.#input = new ReplayedInput(this.#req, this.res, maxReplay);
    return this.#input;
  }

  override writeHead(head: ResponseHead): void {
    this.#isPassed = this.#fallsThrough(head);
    if (this.#isPassed) return;
    super.writeHead(head);
    const held = this.#trailers ?? [];
    this.#trailers = undefined;
    for (const headers of held) super.trailers(headers);
  }

  override write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#isPassed ? undefined : super.write(chunk);
  }

  override end(lastChunk?: Uint8Array): Promise<void> | undefined {
    if (!this.#isPassed) return super.end(lastChunk);
    this.unwatch?.();
    this.restoreTimeout();
    this.next(this.#input?.passOn());
    return undefined;
  }

  override get logsAbort(): boolean {
    return this.#isPassed ? !this.res.destroyed : super.logsAbort;
  }

  override abort(error: unknown): void {
    if (!this.#isPassed) super.abort(error);
    else if (!this.res.destroyed) this.fail(error);
  }

  override trailers(headers: HeaderList): void {
    if (this.#trailers === undefined) super.trailers(headers);
    else this.#trailers.push(headers);
  }

  #fallsThrough(head: ResponseHead): boolean {
    if (head.statusCode !== 404) return false;
    return this.#fallthrough === true || head.headers.some(([name, value]) => isCascade(name, value));
  }
}

/** Checks for Rack's sign to ask the next handler. */
function isCascade(name: string, value: string): boolean {
  return name.toLowerCase() === 'x-cascade' && value.trim().toLowerCase() === 'pass';
}
