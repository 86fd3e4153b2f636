/** Makes hosts that break one rule of a host that is right. */
import type {
  AuditGatewayOptions,
  AuditHost,
  AuditMiddleware,
  AuditServeOptions,
  Listener,
} from '../../../src/conformance/index.ts';
import { toApplication } from '../../../src/index.ts';
import type {
  Application,
  ApplicationFunction,
  Body,
  Chunk,
  Environ,
  StartResponse,
  Write,
} from '../../../src/wsgi.ts';

/** A host with one fault, and the audits that must notice. */
export interface WrongHost {
  readonly host: AuditHost;
  readonly noticedBy: readonly string[];
}

/** Wrong hosts by their fault. */
export type WrongHosts = Readonly<Record<string, WrongHost>>;

/** A middleware that breaks a rule of a correct host. */
export type Sabotage = (application: ApplicationFunction) => ApplicationFunction;

/** Puts a sabotage around all applications of a host. */
export function sabotaged(host: AuditHost, sabotage: Sabotage): AuditHost {
  return serving(
    host,
    (serve) => (application, options) => serve(sabotage(toApplication(application)), options),
  );
}

type Serve = NonNullable<AuditHost['serve']>;

/** Makes a host that serves in another way. */
export function serving(host: AuditHost, change: (serve: Serve) => Serve): AuditHost {
  const { serve } = host;
  if (serve === undefined) throw new TypeError('Host must serve');
  return { ...host, serve: change(serve) };
}

/** Changes the options with which a host serves. */
export function withOptions(
  host: AuditHost,
  change: (options: AuditServeOptions) => AuditServeOptions,
): AuditHost {
  return serving(
    host,
    (serve) =>
      (application, options = {}) =>
        serve(application, change(options)),
  );
}

/** Changes the options of the gateway of a host. */
export function withGateway(
  host: AuditHost,
  change: (gateway: AuditGatewayOptions) => AuditGatewayOptions,
): AuditHost {
  return withOptions(host, (options) => ({ ...options, gateway: change(options.gateway ?? {}) }));
}

/** Replaces some of the middleware of a host. */
export function withMiddleware(host: AuditHost, change: Partial<AuditMiddleware>): AuditHost {
  if (host.middleware === undefined) throw new TypeError('Host must have middleware');
  return { ...host, middleware: { ...host.middleware, ...change } };
}

/** Makes a sabotage the only middleware of a host, of either kind. */
export function withLayer(host: AuditHost, sabotage: Sabotage): AuditHost {
  const layers = { wrong: (application: Application) => sabotage(toApplication(application)) };
  return withMiddleware(host, { transparent: layers, changing: layers });
}

/** Makes a sabotage of each from-bridge of a host. */
export function withPrograms(host: AuditHost, sabotage: Sabotage): AuditHost {
  const wrappers = (host.wrappers ?? []).map((wrapper) => ({
    ...wrapper,
    wrap: (listener: Listener) => sabotage(toApplication(wrapper.wrap(listener))),
  }));
  return { ...host, wrappers };
}

/** Makes a sabotage that changes the environ. */
export function changing(change: (environ: Environ) => object): Sabotage {
  return (application) => (environ, startResponse) =>
    application(Object.assign(environ, change(environ)), startResponse);
}

/** Makes a sabotage that changes calls of startResponse. */
export function starting(change: (startResponse: StartResponse) => StartResponse): Sabotage {
  return (application) => (environ, startResponse) => application(environ, change(startResponse));
}

/** Makes a sabotage that changes the calls of `write`. */
export function writing(change: (write: Write) => Write): Sabotage {
  return starting(
    (startResponse) =>
      (...start) =>
        change(startResponse(...start)),
  );
}

/** Makes a sabotage that replaces the chunks of the body. */
export function rechunking(change: (chunks: AsyncIterable<Chunk>) => AsyncIterable<Chunk>): Sabotage {
  return rebodying((body) => Object.assign(change(iterated(body)), { close: () => body.close?.() }));
}

/** Makes a sabotage that replaces the body. */
export function rebodying(change: (body: Body, environ: Environ) => Body | Promise<Body>): Sabotage {
  return (application) => async (environ, startResponse) =>
    change(await application(environ, startResponse), environ);
}

/** Makes a generator of a body, which does not close it. */
export async function* iterated(body: Body): AsyncGenerator<Chunk> {
  yield* body;
}

/** Joins all chunks to one. */
export async function* collected(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(Buffer.from(chunk as string));
  yield Buffer.concat(pieces);
}

/** Ignores each call of startResponse but the first. */
export const ignoringSecondCalls: Sabotage = (application) => (environ, startResponse) => {
  let write: Write | undefined;
  return application(
    environ,
    (status, headers, excInfo) => (write ??= startResponse(status, headers, excInfo)),
  );
};

/** Makes a body that can only be asked for its next chunk. */
export function onlyNext(body: Body): Body {
  const chunks = iterated(body);
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}
