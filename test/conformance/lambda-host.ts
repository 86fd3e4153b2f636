/**
 * toLambda behind a translator of HTTP/1.1 to events, because audits speak HTTP/1.1: as API Gateway and a load balancer do,
 * with a result that is complete, and with a response stream.
 *
 * A request is taken whole before it becomes an event, and a handler that fails cuts the connection.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type LambdaResponseStream, type LambdaResult, toLambda } from '../../bridges/lambda/index.ts';
import type { AuditCapability, AuditHost } from '../../src/conformance/index.ts';
import {
  type ClientRequest,
  functionUrlEvent,
  type LambdaEvent,
  multipleBalancerEvent,
  restEvent,
} from '../bridges/lambda/events.ts';
import { readResult } from '../bridges/lambda/kit.ts';
import { createLog, listen } from './listening.ts';
import { MIDDLEWARE } from './middleware.ts';
import { MISTAKES } from './mistakes.ts';
import { WRAPPERS } from './wrappers.ts';

const CAPABILITIES: readonly AuditCapability[] = [
  'serve',
  'own-error-page',
  'any-path',
  'wrap',
  'middleware',
];

/** Answers one request with a handler. */
type Translate = (event: LambdaEvent, response: ServerResponse) => Promise<void>;

type MakeEvent = (request: ClientRequest) => LambdaEvent;

function createLambdaHost(name: string, makeEvent: MakeEvent, isStreaming: boolean): AuditHost {
  return {
    name,
    capabilities: new Set(CAPABILITIES),
    objectKeys: ['lambda.event', 'lambda.context'],
    async serve(application, options = {}) {
      const log = createLog(options);
      const translate = isStreaming
        ? streamBy(toLambda(application, { ...log.gateway, streaming: true }))
        : answerBy(toLambda(application, log.gateway));
      const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
        try {
          await translate(makeEvent(await readRequest(request)), response);
        } catch {
          // Later, because octets that were written in this tick are still in node's buffer.
          setImmediate(() => request.socket.destroy());
        }
      };
      const server = createServer({ requireHostHeader: false }, (request, response) => {
        void answer(request, response);
      });
      return listen(server, { log });
    },
    wrappers: WRAPPERS,
    middleware: MIDDLEWARE,
    mistakes: MISTAKES,
  };
}

async function readRequest(request: IncomingMessage): Promise<ClientRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const fields = pairsOf(request.rawHeaders).map(([name, value]) => [name, asText(value)] as const);
  const { method = 'GET', url = '/' } = request;
  const content = pieces.length > 0 ? { content: Buffer.concat(pieces) } : {};
  return { method, target: url, fields, client: '127.0.0.1', ...content };
}

function pairsOf(lines: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < lines.length; index += 2)
    pairs.push([lines[index] ?? '', lines[index + 1] ?? '']);
  return pairs;
}

/** A platform decodes the octets of a field. */
function asText(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

/** A platform encodes the text of a field. */
function asOctets(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

function answerBy(handler: (event: object, context: object) => Promise<LambdaResult>): Translate {
  return async (event, response) => {
    const { statusCode, fields, content } = readResult(await handler(event, {}));
    writeHead(response, statusCode, fields);
    response.end(content);
  };
}

function writeHead(
  response: ServerResponse,
  statusCode: number,
  fields: readonly (readonly [string, string])[],
): void {
  response.writeHead(
    statusCode,
    fields.flatMap(([name, value]) => [name, asOctets(value)]),
  );
}

function streamBy(
  handler: (event: object, stream: LambdaResponseStream, context: object) => Promise<void>,
): Translate {
  return (event, response) => handler(event, streamTo(response), {});
}

/** Makes a response stream whose head becomes that of the response. */
function streamTo(response: ServerResponse): LambdaResponseStream {
  let begin: Buffer | undefined = Buffer.alloc(0);
  return {
    get writableFinished() {
      return response.writableFinished;
    },
    write(chunk, callback) {
      let content: Buffer = Buffer.from(chunk);
      if (begin !== undefined) {
        begin = Buffer.concat([begin, content]);
        const end = begin.indexOf('\0'.repeat(8));
        if (end === -1) throw new Error('Head must be one piece');
        const head = JSON.parse(begin.subarray(0, end).toString());
        content = begin.subarray(end + 8);
        begin = undefined;
        const { statusCode, fields } = readResult({ ...head, body: '', isBase64Encoded: false });
        writeHead(response, statusCode, fields);
      }
      return response.write(content, callback);
    },
    end: (callback) => response.end(callback),
    on: (event, listener) => response.on(event, listener),
  };
}

/** Payload 2.0, with a result that is complete. */
export const lambdaVersion2: AuditHost = createLambdaHost('toLambda, Function URL', functionUrlEvent, false);

/** Payload 1.0, with a result that is complete. */
export const lambdaVersion1: AuditHost = createLambdaHost('toLambda, REST API', restAtRoot, false);

/** A load balancer, which has lists of values. */
export const lambdaBalancer: AuditHost = createLambdaHost(
  'toLambda, load balancer',
  multipleBalancerEvent,
  false,
);

/** Payload 2.0, with a response stream. */
export const lambdaStreaming: AuditHost = createLambdaHost('toLambda, streaming', functionUrlEvent, true);

/** A domain of one's own, where no stage is in front of the path. */
function restAtRoot(request: ClientRequest): LambdaEvent {
  return restEvent({ ...request, domain: 'audit.test' });
}
