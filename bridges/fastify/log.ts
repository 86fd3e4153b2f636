/**
 * Tells if Fastify logs the failure of a stream that it sends, as it does for the streams of its routes.
 *
 * It does so by `warn`, unless request logging is switched off.
 */
import type { FastifyRequestLike } from './instance.ts';
import { findSymbol } from './symbols.ts';

/** Logs the error of a response that broke off. Only for a request whose log is shown. */
export function logBrokenResponse({ log }: FastifyRequestLike, err: unknown): void {
  log.warn({ err }, 'Application failed after the head of its response');
}

/** Tells if the log of a request shows the failure of a stream. */
export function showsStreamErrors(request: FastifyRequestLike): boolean {
  const { log } = request;
  // pino switches levels off. Without the option `logger` all methods are one that does nothing.
  const isEnabled: unknown = Reflect.get(log, 'isLevelEnabled');
  const isShown =
    typeof isEnabled === 'function'
      ? Reflect.apply(isEnabled, log, ['warn']) === true
      : log.warn !== log.trace;
  return isShown && !isSwitchedOff(request);
}

/** Asks the log controller. Earlier versions of Fastify 5 have none, and log such failures always. */
function isSwitchedOff(request: FastifyRequestLike): boolean {
  const symbol = findSymbol(request.server, 'fastify.logController');
  if (symbol === undefined) return false;
  const controller: { isLogDisabled?(request: FastifyRequestLike): unknown } = Reflect.get(
    request.server,
    symbol,
  );
  return Boolean(controller.isLogDisabled?.(request));
}
