/** toFetch behind node:http: a small translator between node's messages and those of the Fetch API. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type FetchHandler, toFetch } from '../../bridges/fetch/index.ts';
import type { AuditCapability, AuditHost, Listener } from '../../src/conformance/index.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';
import { MIDDLEWARE } from './middleware.ts';
import { MISTAKES } from './mistakes.ts';
import { WRAPPERS } from './wrappers.ts';

/** A handler of the Fetch API. */
export const fetchOverNode: AuditHost = {
  name: 'toFetch',
  capabilities: new Set<AuditCapability>([
    'serve',
    'plain',
    'tls',
    'http1',
    'own-error-page',
    'any-path',
    'wrap',
    'middleware',
    'deep-pipeline',
  ]),
  objectKeys: ['fetch.request', 'fetch.info'],
  async serve(application, options = {}) {
    const log = createLog(options);
    const listener = listenerOf(toFetch(application, log.gateway));
    const server = options.tls ? createHttpsServer(SHARED_KEY, listener) : createHttpServer(listener);
    return listen(server, { log, isTls: options.tls });
  },
  wrappers: WRAPPERS,
  middleware: MIDDLEWARE,
  mistakes: MISTAKES,
};

/** Makes a listener for node:http of a handler of the Fetch API. */
export function listenerOf(handler: FetchHandler): Listener {
  return (req, res) => {
    const left = new AbortController();
    res.on('close', () => {
      if (!res.writableFinished) left.abort(new Error('The client has left'));
    });
    const { remoteAddress, remotePort } = req.socket;
    handler(requestOf(req, left.signal), { remoteAddress, remotePort })
      .then((response) => send(response, res))
      .catch(() => res.destroy());
  };
}

function requestOf(req: IncomingMessage, signal: AbortSignal): Request {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http';
  const { localAddress, localPort } = req.socket;
  // The URL of a request that comes to an address is that of the address.
  const { url: target = '' } = req;
  const isAbsolute = /^https?:/.test(target);
  const path = target === '*' ? '/*' : target;
  const url = isAbsolute ? target : `${scheme}://${localAddress}:${localPort}${path}`;
  const headers = new Headers();
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2)
    headers.append(req.rawHeaders[index] ?? '', req.rawHeaders[index + 1] ?? '');
  // RFC 9112 §3.2.2: the authority of an absolute-form target replaces Host.
  if (isAbsolute) headers.set('Host', new URL(target).host);
  const hasContent = 'transfer-encoding' in req.headers || 'content-length' in req.headers;
  const request = new Request(url, { method: 'POST', headers, signal });
  // The constructor refuses methods that servers get, and content of GET.
  Object.defineProperty(request, 'method', { value: req.method });
  if (hasContent) Object.defineProperty(request, 'body', { value: contentOf(req) });
  return request;
}

function contentOf(req: IncomingMessage): ReadableStream<Uint8Array> {
  const content = req.iterator({ destroyOnReturn: false });
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await content.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await content.return?.();
        req.resume();
      },
    },
    { highWaterMark: 0 },
  );
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  const fields = [...response.headers].flat();
  res.writeHead(response.status, response.statusText, fields);
  const reader = response.body?.getReader();
  if (reader === undefined) {
    res.end();
    return;
  }
  res.on('close', () => void reader.cancel().catch(() => {}));
  res.flushHeaders();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    if (!res.write(step.value))
      await new Promise((resolve) => res.once('drain', resolve).once('close', resolve));
  }
  res.end();
}
