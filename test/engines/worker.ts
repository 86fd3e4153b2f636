/**
 * A worker for workerd that audits toFetch in its own isolate: the default entry is the host, the entry `control` runs audits, whose
 * clients connect to the host's socket.
 */
import { connect } from 'node:net';
import { type FetchHandler, toFetch } from '../../bridges/fetch/index.ts';
import { type AuditHost, gatewayAudits, missingCapabilities } from '../../src/conformance/index.ts';
import type { ApplicationFunction } from '../../src/wsgi.ts';
import { createLog } from '../conformance/listening.ts';
import { WORKER_CAPABILITIES } from './capabilities.ts';
import { judge } from './judge.ts';

let handle: FetchHandler | undefined;

function hostAt(port: number): AuditHost {
  return {
    name: 'toFetch',
    capabilities: WORKER_CAPABILITIES,
    objectKeys: ['fetch.request', 'fetch.info'],
    async serve(application, options = {}) {
      const log = createLog(options);
      handle = toFetch(application, log.gateway);
      return {
        port,
        mount: '',
        log: () => log.text(),
        connect() {
          const socket = connect({ port, host: '127.0.0.1' });
          // This runtime has it and does nothing.
          return Object.assign(socket, { resetAndDestroy: () => socket.destroy() });
        },
        close: async () => {},
      };
    },
  };
}

/** The events of an application whose client leaves. */
const events: string[] = [];

const endless: ApplicationFunction = (environ, startResponse) => {
  environ['gateway.signal']?.().addEventListener('abort', () => events.push('aborted'));
  environ['gateway.on_finished']?.(() => events.push('finished'));
  startResponse('200 OK', []);
  async function* ticks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield new Uint8Array(10);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return Object.assign(ticks(), { close: () => events.push('closed') });
};

/** Serves what the query asks for: the names of the audits, the outcome of one, or an application that never ends and its events. */
export const control = {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    if (searchParams.get('departure') === 'begin') handle = toFetch(endless);
    if (searchParams.has('departure')) return Response.json(events);
    const host = hostAt(Number(searchParams.get('port')));
    const id = searchParams.get('id');
    const applicable = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
    if (id === null) return Response.json(applicable.map((audit) => audit.id));
    const audit = applicable.find((one) => one.id === id);
    return Response.json({ id, failure: audit === undefined ? 'No such audit' : await judge(audit, host) });
  },
};

/** The host: the runtime takes the default export of a module. */
const main = {
  fetch(
    request: Request,
    _env: unknown,
    context: { waitUntil(promise: Promise<unknown>): void },
  ): Promise<Response> {
    const info = {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      waitUntil: (one: Promise<unknown>) => context.waitUntil(one),
    };
    return handle?.(request, info) ?? Promise.resolve(new Response('nothing is served', { status: 503 }));
  },
};

export { main as default };
