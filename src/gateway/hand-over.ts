/**
 * `gateway.upgrade`: hands the socket of a request over to the application, which goes on in another protocol.
 *
 * From then on there is no response: the gateway writes nothing, ignores what the application starts, yields and writes,
 * and still closes its body and calls the callbacks of `gateway.on_finished`.
 */
import { ApplicationError, isCutByProgram } from '../errors.ts';
import type { ResponseSink } from '../port.ts';
import type { HandedOver } from '../wsgi.ts';
import { logError } from './failure-log.ts';
import type { ResponseWriter } from './response-writer.ts';

/**
 * Hands the socket over.
 *
 * @throws {@link ApplicationError} if it has been handed over, or the application has begun its response
 * @throws the DisconnectError of a client that has left
 */
export function handOver(sink: ResponseSink, writer: ResponseWriter): HandedOver {
  const { response } = writer;
  if (writer.gone !== undefined) throw writer.gone;
  if (writer.handedOver !== undefined)
    throw new ApplicationError('WSGI_ERR_UPGRADE_LATE', 'the socket was handed over before');
  if (response.state !== 'idle' || sink.handOver === undefined)
    throw new ApplicationError('WSGI_ERR_UPGRADE_LATE', 'the response has begun');
  const handedOver = sink.handOver();
  writer.handedOver = handedOver;
  response.state = 'ended';
  return handedOver;
}

/** Ends a connection whose application has failed after it was handed over: nobody else may know of it. */
export function failHandedOver({ socket }: HandedOver, error: unknown, writer: ResponseWriter): void {
  // The messages of a wrapped program end like this if an application that they reached has the socket.
  if (isCutByProgram(error)) return;
  logError(writer, error);
  socket.destroy();
}
