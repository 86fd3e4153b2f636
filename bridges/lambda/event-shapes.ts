/**
 * The shapes of events that carry a request, each with its members and the result that belongs to it.
 *
 * How a path and a query are encoded differs, and no document of the platform tells all of it: an HTTP API has decoded
 * the path, a REST API the query, and the others neither.
 *
 * Rule: a shape is told by what only its events have. A new one is a new row of the table.
 */
import type { ResponseHead } from '../../src/index.ts';
import type { EventRequest } from './event-request.ts';
import {
  escapePath,
  escapeQuery,
  joinQuery,
  type Members,
  membersOf,
  textOf,
  valuesIn,
} from './event-text.ts';
import { cookiesHead, listHead, mixedHead, type ResultHead, singleHead } from './result.ts';

/** Octets of JSON that Lambda passes on, which are 6 MB. */
const LAMBDA_LIMIT = 6_291_456;
/** Octets of JSON that an Application Load Balancer takes. */
const BALANCER_LIMIT = 1_048_576;

/** One shape of events. */
export interface EventShape {
  /** For messages. */
  readonly name: string;
  /** Octets of a result. */
  readonly limit: number;
  /** The platform can take a response as a stream. */
  readonly canStream: boolean;
  matches(event: Members): boolean;
  read(event: Members): EventRequest;
  formatHead(head: ResponseHead): ResultHead;
}

/** The shapes. */
export const EVENT_SHAPES: readonly EventShape[] = [
  {
    name: 'Application Load Balancer with multi-value headers',
    limit: BALANCER_LIMIT,
    canStream: false,
    matches: (event) => isBalancer(event) && isObject(event.multiValueHeaders),
    read: readBalancer,
    formatHead: listHead,
  },
  {
    name: 'Application Load Balancer',
    limit: BALANCER_LIMIT,
    canStream: false,
    matches: isBalancer,
    read: readBalancer,
    formatHead: singleHead,
  },
  {
    name: 'API Gateway HTTP API (payload 2.0) and Function URL',
    limit: LAMBDA_LIMIT,
    canStream: true,
    // An event for an authorizer has it too, and wants a policy.
    matches: (event) =>
      textOf(membersOf(contextOf(event).http).method) !== undefined && event.routeArn === undefined,
    read: readVersion2,
    formatHead: cookiesHead,
  },
  {
    name: 'API Gateway REST API and HTTP API (payload 1.0)',
    limit: LAMBDA_LIMIT,
    canStream: true,
    // An event for an authorizer has them too, and wants a policy.
    matches: (event) => textOf(event.httpMethod) !== undefined && event.methodArn === undefined,
    read: readVersion1,
    formatHead: mixedHead,
  },
  {
    name: 'VPC Lattice (1.0 and 2.0)',
    limit: LAMBDA_LIMIT,
    canStream: false,
    matches: (event) => textOf(event.method) !== undefined && latticePath(event) !== undefined,
    read: readLattice,
    formatHead: singleHead,
  },
];

/**
 * Finds the shape of an event.
 *
 * @throws TypeError if it carries no request
 */
export function shapeOf(event: unknown): EventShape {
  const members = membersOf(event);
  const shape = EVENT_SHAPES.find(({ matches }) => matches(members));
  if (shape !== undefined) return shape;
  const names = EVENT_SHAPES.map(({ name }) => name).join(', ');
  throw new TypeError(
    `toLambda takes events that carry a request: ${names}; not ${describeEvent(event, members)}`,
  );
}

/** Says what an event is, as far as its members tell. */
function describeEvent(event: unknown, members: Members): string {
  const [record] = Array.isArray(members.Records) ? members.Records : [];
  const { eventSource, EventSource } = membersOf(record);
  const source = textOf(eventSource) ?? textOf(EventSource) ?? textOf(members.source);
  if (source !== undefined) return `an event of ${source}: handle it before you call the handler`;
  if ('cf' in membersOf(record)) return 'an event of Lambda@Edge';
  if ('connectionId' in contextOf(members)) return 'an event of a WebSocket API';
  if ('methodArn' in members || 'routeArn' in members) return 'an event for an authorizer';
  if ('wsgi.input' in members) return 'an environ: give our own hosts the application itself';
  if ('headers' in members && 'url' in members)
    return "node's request: toNode(application) and toExpress(application) take that";
  if ('register' in members) return 'an instance of Fastify: register(toFastify(application))';
  const keys = Object.keys(members).slice(0, 5).join(', ');
  return isObject(event) ? `an object with ${keys || 'no members'}` : String(event);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function contextOf(event: Members): Members {
  return membersOf(event.requestContext);
}

function isBalancer(event: Members): boolean {
  return isObject(contextOf(event).elb) && textOf(event.httpMethod) !== undefined;
}

function readBalancer(event: Members): EventRequest {
  const fields = [membersOf(event.multiValueHeaders), membersOf(event.headers)];
  const scheme = lastField(fields, 'x-forwarded-proto') === 'https' ? 'https' : 'http';
  return {
    method: textOf(event.httpMethod) ?? '',
    path: escapePath(textOf(event.path) ?? '/', false),
    stage: '',
    query: joinQuery(event.multiValueQueryStringParameters ?? event.queryStringParameters, false),
    fields,
    protocol: undefined,
    scheme,
    serverName: undefined,
    serverPort: lastField(fields, 'x-forwarded-port'),
    ...forwardedPeer(fields),
    content: event.body,
    isBase64: event.isBase64Encoded === true,
  };
}

function readVersion1(event: Members): EventRequest {
  const context = contextOf(event);
  const isHttpApi = event.version === '1.0';
  const received = escapePath(textOf(event.path) ?? '/', isHttpApi);
  return {
    method: textOf(event.httpMethod) ?? '',
    ...(isHttpApi ? cutStage(received, context) : findStage(received, context)),
    query: joinQuery(event.multiValueQueryStringParameters ?? event.queryStringParameters, true),
    fields: [membersOf(event.multiValueHeaders), membersOf(event.headers)],
    protocol: protocolOf(context.protocol),
    scheme: 'https',
    serverName: textOf(context.domainName),
    serverPort: undefined,
    remoteAddress: textOf(membersOf(context.identity).sourceIp),
    content: event.body,
    isBase64: event.isBase64Encoded === true,
  };
}

function readVersion2(event: Members): EventRequest {
  const context = contextOf(event);
  const http = membersOf(context.http);
  const isDecoded = !isFunctionUrl(context);
  const received = escapePath(textOf(event.rawPath) ?? textOf(http.path) ?? '/', isDecoded);
  const cookies = valuesIn(event.cookies);
  return {
    method: textOf(http.method) ?? '',
    ...cutStage(received, context),
    query: escapeQuery(textOf(event.rawQueryString) ?? ''),
    fields: [cookies.length > 0 ? { cookie: cookies.join('; ') } : {}, membersOf(event.headers)],
    protocol: protocolOf(http.protocol),
    scheme: 'https',
    serverName: textOf(context.domainName),
    serverPort: undefined,
    remoteAddress: textOf(http.sourceIp),
    content: event.body,
    isBase64: event.isBase64Encoded === true,
  };
}

function readLattice(event: Members): EventRequest {
  const fields = [membersOf(event.headers)];
  const [path = '', query] = splitAtQuestion(latticePath(event) ?? '/');
  return {
    method: textOf(event.method) ?? '',
    path: escapePath(path, false),
    stage: '',
    query:
      query === undefined
        ? joinQuery(event.queryStringParameters ?? event.query_string_parameters, false)
        : escapeQuery(query),
    fields,
    protocol: undefined,
    scheme: lastField(fields, 'x-forwarded-proto') === 'http' ? 'http' : 'https',
    serverName: undefined,
    serverPort: lastField(fields, 'x-forwarded-port'),
    ...forwardedPeer(fields),
    content: event.body,
    isBase64: event.isBase64Encoded === true || event.is_base64_encoded === true,
  };
}

/** Version 1.0 has the path as `raw_path`; version 2.0 has a context with names of Lattice. */
function latticePath(event: Members): string | undefined {
  const { serviceArn, serviceNetworkArn, targetGroupArn } = contextOf(event);
  const isVersion2 = (serviceArn ?? serviceNetworkArn ?? targetGroupArn) !== undefined;
  return textOf(event.raw_path) ?? (isVersion2 ? textOf(event.path) : undefined);
}

function splitAtQuestion(path: string): [path: string, query?: string] {
  const question = path.indexOf('?');
  return question === -1 ? [path] : [path.slice(0, question), path.slice(question + 1)];
}

/** The stage of a REST API is not in `path`, but in the path of the context if the client had it in its URL. */
function findStage(path: string, context: Members): { path: string; stage: string } {
  const whole = escapePath(textOf(context.path) ?? path, false);
  return { path, stage: whole.endsWith(path) ? whole.slice(0, whole.length - path.length) : '' };
}

/**
 * The stage of an HTTP API is in the path, also where a domain of your own has mapped it away; only payload 1.0 has the
 * path of the client then.
 */
function cutStage(path: string, context: Members): { path: string; stage: string } {
  const domain = textOf(context.domainName);
  const isOwnDomain = domain !== undefined && !/\.execute-api\./.test(domain);
  const name = textOf(context.stage) ?? '$default';
  const stage = `/${name}`;
  const isInPath = name !== '$default' && (path === stage || path.startsWith(`${stage}/`));
  const isVersion1 = context.http === undefined;
  if (!isInPath || (isOwnDomain && isVersion1)) return { path, stage: '' };
  return { path: path.slice(stage.length), stage: isOwnDomain ? '' : stage };
}

function isFunctionUrl(context: Members): boolean {
  return /\.lambda-url\./.test(textOf(context.domainName) ?? '');
}

function protocolOf(value: unknown): string | undefined {
  const protocol = textOf(value);
  return protocol !== undefined && /^HTTP\/\d\.\d$/.test(protocol) ? protocol : undefined;
}

/** Gives the last value of a field: the one that the load balancer itself has added. */
function lastField(fields: readonly Members[], wanted: string): string | undefined {
  for (const map of fields) {
    const name = Object.keys(map).find((one) => one.toLowerCase() === wanted);
    if (name !== undefined) return textOf(valuesIn(map[name]).join(',').split(',').at(-1)?.trim());
  }
  return undefined;
}

/** The peer of a load balancer is what it has added to X-Forwarded-For, with a port if it is told to. */
function forwardedPeer(fields: readonly Members[]): Pick<EventRequest, 'remoteAddress' | 'remotePort'> {
  const peer = lastField(fields, 'x-forwarded-for');
  const [, version6, version4, port] = /^(?:\[(.+)\]|([\d.]+))(?::(\d+))?$/.exec(peer ?? '') ?? [];
  return { remoteAddress: version6 ?? version4 ?? peer, remotePort: port };
}
