/**
 * The servers that the corpus is replayed against: ours, and node:http with an equivalent listener.
 *
 * The application reads the content of each request and answers 200, or follows the script of the case.
 */
import { createServer as createNodeServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { createServer } from '../../src/server/index.ts';
import type { Application, Environ } from '../../src/wsgi.ts';
import { type Script, ScriptedFault, scriptedApplication } from './script.ts';

/** A request as the application sees it, updated while content comes. */
export interface WitnessedRequest {
  method: string;
  target: string;
  content: string;
  isWhole: boolean;
  trailers: readonly string[];
}

/** The state of one connection. */
export interface Talk {
  readonly script: Script | undefined;
  readonly requests: WitnessedRequest[];
  /** The application has failed in a way that ends a process. */
  hasCrashed: boolean;
}

/** A running server. */
export interface Contestant {
  readonly port: number;
  /** The talks, by client port. */
  readonly talks: Map<string, Talk>;
  stop(): Promise<void>;
}

/** Tells if the default application answers a target, whatever the case says. */
export const isPlain = (target: string): boolean => target === '/before' || target === '/probe';

/** Starts our server. */
export async function startOurs(options: Readonly<Record<string, number | boolean>>): Promise<Contestant> {
  const talks = new Map<string, Talk>();
  const application: Application = (environ, startResponse) => {
    const talk = talks.get(environ.REMOTE_PORT ?? '');
    const request = witness(talk, environ.REQUEST_METHOD, environ.REQUEST_URI);
    const read = (): Promise<void> => readGateway(environ, request);
    if (talk?.script !== undefined && !isPlain(request.target)) {
      // If the script does not read, the case says nothing about content.
      request.isWhole = true;
      return scriptedApplication(talk.script, read)(environ, startResponse);
    }
    return read().then(() => {
      startResponse('200 OK', []);
      return [];
    });
  };
  const errors = { write() {}, writelines() {}, flush() {} };
  return listen(createServer(application, { ...options, environ: { 'wsgi.errors': errors } }), talks);
}

/** Starts a server of node:http. */
export async function startNode(options: Readonly<Record<string, number | boolean>>): Promise<Contestant> {
  const talks = new Map<string, Talk>();
  const listener = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const talk = talks.get(String(incoming.socket.remotePort));
    const request = witness(talk, incoming.method, incoming.url);
    const script = talk?.script !== undefined && !isPlain(request.target) ? talk.script : undefined;
    try {
      if (script === undefined || script.some(({ kind }) => kind === 'reads')) {
        await readNode(incoming, request);
      } else request.isWhole = true;
      if (script === undefined) response.end();
      else performOnNode(script, response);
    } catch (error) {
      // A reset by the client is an error too; a program's listener would throw any other.
      const isClients = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
      if (talk !== undefined) talk.hasCrashed ||= !isClients;
      response.destroy();
    }
  };
  const server = createNodeServer(options, (incoming, response) => void listener(incoming, response));
  if (typeof options.maxHeadersCount === 'number') server.maxHeadersCount = options.maxHeadersCount;
  return listen(server, talks);
}

function witness(talk: Talk | undefined, method = '', target = ''): WitnessedRequest {
  const request = { method, target, content: '', isWhole: false, trailers: [] };
  talk?.requests.push(request);
  return request;
}

async function readGateway(environ: Environ, request: WitnessedRequest): Promise<void> {
  for await (const piece of environ['wsgi.input'].chunks()) request.content += latin1(piece);
  request.trailers = (await environ['gateway.trailers']?.())?.flat() ?? [];
  request.isWhole = true;
}

async function readNode(incoming: IncomingMessage, request: WitnessedRequest): Promise<void> {
  for await (const piece of incoming) request.content += latin1(piece);
  request.trailers = incoming.rawTrailers;
  request.isWhole = true;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets).toString('latin1');
}

/** Performs a script on node:http, with an implicit head, so that node computes what it can. */
function performOnNode(script: Script, response: ServerResponse): void {
  const returned: Buffer[] = [];
  for (const step of script) {
    switch (step.kind) {
      case 'starts': {
        const [, code, reason = ''] = /^(\S*) ?(.*)$/s.exec(step.status) ?? [];
        response.statusCode = Number(code);
        response.statusMessage = reason;
        break;
      }
      case 'sets':
        response.appendHeader(step.name, step.value);
        break;
      case 'yields':
      case 'writes':
        response.write(Buffer.from(step.content, 'latin1'));
        break;
      case 'returns':
        returned.push(Buffer.from(step.content, 'latin1'));
        break;
      case 'throws':
        throw new ScriptedFault('Application fails on purpose');
      case 'shows':
      case 'reads':
    }
  }
  response.end(Buffer.concat(returned));
}

async function listen(
  server: NetServer & { closeAllConnections(): void },
  talks: Map<string, Talk>,
): Promise<Contestant> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The server listens on a port.
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port, talks, stop };
}
