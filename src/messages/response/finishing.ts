/**
 * The end of a response: when it has gone, and what node's server does then.
 *
 * node emits 'finish' when the operating system has everything, which is mostly at once, and then 'close'. The gateway reports
 * it, but mostly nobody has to wait for that: a small response counts as gone in the next tick, because its memory
 * is not the program's or was copied; a large one has gone if nothing of it waits in the connection below.
 */
import { hasListeners, type RequestMessage, type ResponseMessage } from '../../node-internals/index.ts';
import { isFinishHeard, publishFinish } from '../diagnostics.ts';
import { isOver, type Phase } from '../exchange-phase.ts';
import type { MessageSocket } from '../socket/message-socket.ts';
import type { Delivery } from './delivery.ts';
import type { Outgoing } from './outgoing.ts';
import { emitResponseClose, isUnheard, setSocket } from './response-endings.ts';

/** An exchange whose response may finish. */
export interface Finishing {
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly socket: MessageSocket;
  readonly outgoing: Outgoing;
  readonly delivery: Delivery;
  /** The program cut the connection after its response was complete. */
  readonly isCut: boolean;
  phase: Phase;
  /** Only a tick is left before 'finish'. */
  isFinishing: boolean;
  /** 'finish' comes: ends the request too. */
  finished(): void;
}

/** Nobody listens for the end of the response, and no callback waits for it. */
export function isUnobserved({ request, response, outgoing, isCut }: Finishing): boolean {
  if (hasListeners(request) || !isUnheard(response) || isFinishHeard()) return false;
  return !isCut && outgoing.finishesQuietly(response);
}

/** Finishes a small response in the next tick. */
export function finishSoon(exchange: Finishing): void {
  exchange.isFinishing = true;
  exchange.outgoing.copyBorrowed();
  process.nextTick(finish, exchange);
}

/**
 * Finishes after the gateway's turn if the connection below has taken everything by then. On a connection of node's server only
 * the gateway can tell: octets that have gone may be those of an earlier request, which node serves at the same time.
 */
export function finishIfGone(exchange: Finishing, isCalling: boolean): void {
  const { socket, outgoing } = exchange;
  if (socket.isServedByNode) return;
  afterGateway(
    isCalling,
    socket.whenGone(outgoing.contentLength, () => finish(exchange)),
  );
}

/** The gateway pulls everything in its reactions to a promise; finishes after them if it has gone by then. */
export function finishOncePulled(exchange: Finishing): void {
  exchange.isFinishing = true;
  afterGateway(false, () => {
    exchange.isFinishing = exchange.delivery.isGone;
    if (exchange.isFinishing) finish(exchange);
  });
}

/** Calls back after the gateway's turn, which comes right after the program's call, or when promises are settled. */
function afterGateway(isCalling: boolean, callback: () => void): void {
  if (isCalling) process.nextTick(callback);
  else queueMicrotask(() => process.nextTick(callback));
}

/** Finishes the response, unless the exchange is over. */
export function finish(exchange: Finishing): void {
  const { response, outgoing, delivery } = exchange;
  if (isOver(exchange.phase)) return;
  exchange.phase = 'finishing';
  delivery.settle();
  if (outgoing.mayFinishLate(response)) hearFinish(exchange);
  else finished(exchange);
  outgoing.finish?.(null);
}

/** Hears 'finish' before other listeners, as node's server does. */
export function hearFinish(exchange: Finishing): void {
  const { response } = exchange;
  response.prependOnceListener('finish', () => {
    finish(exchange);
    if (exchange.phase === 'finishing') finished(exchange);
    setSocket(response, null);
  });
}

/** Does what node's server does when a response has been sent. */
export function finished(exchange: Finishing): void {
  const { request, response, socket } = exchange;
  exchange.phase = 'finished';
  publishFinish(request, response, socket);
  socket.detachResponse(response);
  if (response._last) socket.endWriting();
  setSocket(response, null);
  exchange.finished();
  if (exchange.isCut && !exchange.delivery.isEndReported) socket.destroyHostSocket();
  // Without listeners nobody sees that it comes a tick early.
  if (isUnheard(response)) emitResponseClose(response);
  else process.nextTick(emitResponseClose, response);
}
