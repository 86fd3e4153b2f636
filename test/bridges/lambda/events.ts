/**
 * Events as the platforms in front of Lambda send them, each made of the same request.
 *
 * The members and their encoding are those of the platform's documents and of captured events: an HTTP API decodes the path
 * and adds the stage, a REST API decodes the query, the others pass both on as they are.
 */

/** One request of a client. */
export interface ClientRequest {
  readonly method?: string;
  /** Path and query, percent-encoded, without a stage. */
  readonly target?: string;
  /** Field lines in order. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly content?: string | Uint8Array;
  readonly stage?: string;
  /** A domain of one's own in front of an API, with its mapping. */
  readonly domain?: string;
  readonly mapping?: string;
  /** The address of the client. @default '203.0.113.7' */
  readonly client?: string;
}

/** An event as it is after JSON. */
export type LambdaEvent = Record<string, unknown>;

interface Parts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
  readonly stage: string;
  readonly domainName: string;
  readonly client: string;
}

function partsOf(request: ClientRequest, defaultDomain: string): Parts {
  const { method = 'GET', target = '/', fields = [], content, stage = '$default', domain } = request;
  const { client = '203.0.113.7' } = request;
  const [path = '/', query = ''] = target.split(/\?(.*)/s);
  const octets = content === undefined ? undefined : Buffer.from(content);
  const isText = octets === undefined || octets.equals(Buffer.from(octets.toString('utf8')));
  const domainName = domain ?? defaultDomain;
  const lines = [...fields];
  const has = (wanted: string): boolean => lines.some(([name]) => name.toLowerCase() === wanted);
  if (!has('host')) lines.unshift(['Host', domainName]);
  if (octets !== undefined && !has('content-length')) lines.push(['Content-Length', `${octets.length}`]);
  return {
    method,
    path,
    query,
    fields: lines,
    body: octets === undefined ? null : octets.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
    stage,
    domainName,
    client,
  };
}

type Lists = Record<string, string[]>;

function listed(fields: readonly (readonly [string, string])[], isLowerCase: boolean): Lists {
  const lists: Lists = {};
  for (const [name, value] of fields) {
    const key = isLowerCase ? name.toLowerCase() : name;
    lists[key] = [...(lists[key] ?? []), value];
  }
  return lists;
}

const lastOf = (lists: Lists): Record<string, string> =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1) ?? '']));

const joinedOf = (lists: Lists): Record<string, string> =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.join(',')]));

function decodedQuery(query: string): Lists | null {
  return query === '' ? null : listed([...new URLSearchParams(query)], false);
}

function rawQuery(query: string): Lists {
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split(/=(.*)/s));
  return listed(
    pairs.map(([name = '', value = '']) => [name, value] as const),
    false,
  );
}

/** API Gateway, REST API. */
export function restEvent(request: ClientRequest = {}): LambdaEvent {
  const { stage = 'prod', domain, mapping = '' } = request;
  const parts = partsOf(request, 'abc123.execute-api.eu-central-1.amazonaws.com');
  const fields = [
    ...parts.fields,
    ['X-Forwarded-For', parts.client] as const,
    ['X-Forwarded-Port', '443'] as const,
    ['X-Forwarded-Proto', 'https'] as const,
  ];
  const query = decodedQuery(parts.query);
  return {
    resource: '/{proxy+}',
    path: `${mapping}${parts.path}`,
    httpMethod: parts.method,
    headers: lastOf(listed(fields, false)),
    multiValueHeaders: listed(fields, false),
    queryStringParameters: query && lastOf(query),
    multiValueQueryStringParameters: query,
    pathParameters: { proxy: parts.path.slice(1) },
    stageVariables: null,
    requestContext: {
      resourceId: '123456',
      resourcePath: '/{proxy+}',
      httpMethod: parts.method,
      extendedRequestId: 'request-id',
      requestTime: '04/Mar/2026:19:15:17 +0000',
      path: domain === undefined ? `/${stage}${parts.path}` : `${mapping}${parts.path}`,
      accountId: '123456789012',
      protocol: 'HTTP/1.1',
      stage,
      domainPrefix: parts.domainName.split('.')[0],
      requestTimeEpoch: 1_583_349_317_135,
      requestId: '00000000-0000-0000-0000-000000000000',
      identity: { accountId: null, caller: null, sourceIp: parts.client, userAgent: 'test', user: null },
      domainName: parts.domainName,
      apiId: 'abc123',
    },
    body: parts.body,
    isBase64Encoded: parts.isBase64Encoded,
  };
}

/** API Gateway, HTTP API, with the payload of a REST API. */
export function httpApiVersion1Event(request: ClientRequest = {}): LambdaEvent {
  const { stage = '$default', domain, mapping = '' } = request;
  const event = restEvent({ ...request, stage });
  const [path = '/'] = (request.target ?? '/').split('?');
  const inFront = domain === undefined ? (stage === '$default' ? '' : `/${stage}`) : mapping;
  const received = `${inFront}${decodeURIComponent(path)}`;
  return {
    ...event,
    version: '1.0',
    path: received,
    requestContext: { ...(event.requestContext as object), path: received },
  };
}

/** API Gateway, HTTP API. */
export function httpApiEvent(request: ClientRequest = {}): LambdaEvent {
  const parts = partsOf(request, 'abc123.execute-api.eu-central-1.amazonaws.com');
  const stage = parts.stage === '$default' ? '' : `/${parts.stage}`;
  // A domain of one's own sees no stage, but the event has it, and not the mapping.
  return version2(parts, { path: `${stage}${decodeURIComponent(parts.path)}`, apiId: 'abc123' });
}

/** Function URL. */
export function functionUrlEvent(request: ClientRequest = {}): LambdaEvent {
  const parts = partsOf(request, 'abc123.lambda-url.eu-central-1.on.aws');
  return version2(parts, { path: parts.path, apiId: 'abc123' });
}

function version2(parts: Parts, { path, apiId }: { path: string; apiId: string }): LambdaEvent {
  const fields = [
    ...parts.fields,
    ['x-forwarded-for', parts.client] as const,
    ['x-forwarded-port', '443'] as const,
    ['x-forwarded-proto', 'https'] as const,
  ];
  const isCookie = ([name]: readonly [string, string]): boolean => name.toLowerCase() === 'cookie';
  const cookies = fields.filter(isCookie).flatMap(([, value]) => value.split('; '));
  const query = decodedQuery(parts.query);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: parts.query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: joinedOf(
      listed(
        fields.filter((field) => !isCookie(field)),
        true,
      ),
    ),
    ...(query === null ? {} : { queryStringParameters: joinedOf(query) }),
    requestContext: {
      accountId: '123456789012',
      apiId,
      domainName: parts.domainName,
      domainPrefix: parts.domainName.split('.')[0],
      http: { method: parts.method, path, protocol: 'HTTP/1.1', sourceIp: parts.client, userAgent: 'test' },
      requestId: 'request-id',
      routeKey: '$default',
      stage: parts.stage,
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_583_348_638_390,
    },
    ...(parts.body === null ? {} : { body: parts.body }),
    isBase64Encoded: parts.isBase64Encoded,
  };
}

function balancerEvent(request: ClientRequest, isMultiple: boolean): LambdaEvent {
  const parts = partsOf(request, 'lb-1234567890.eu-central-1.elb.amazonaws.com');
  const forwarded = parts.fields.filter(([name]) => name.toLowerCase() === 'x-forwarded-for');
  const others = parts.fields.filter(([name]) => name.toLowerCase() !== 'x-forwarded-for');
  const fields = listed(
    [
      ...others,
      ['x-amzn-trace-id', 'Root=1-5c536348-3d683b8b04734faae651f476'],
      ['x-forwarded-for', [...forwarded.map(([, value]) => value), parts.client].join(', ')],
      ['x-forwarded-port', '443'],
      ['x-forwarded-proto', 'https'],
    ],
    true,
  );
  const query = rawQuery(parts.query);
  return {
    requestContext: {
      elb: {
        targetGroupArn:
          'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/t/6d0ecf831eec9f09',
      },
    },
    httpMethod: parts.method,
    path: parts.path,
    ...(isMultiple
      ? { multiValueQueryStringParameters: query, multiValueHeaders: fields }
      : { queryStringParameters: lastOf(query), headers: lastOf(fields) }),
    body: parts.body ?? '',
    isBase64Encoded: parts.isBase64Encoded,
  };
}

/** Application Load Balancer. */
export function singleBalancerEvent(request: ClientRequest = {}): LambdaEvent {
  return balancerEvent(request, false);
}

/** Application Load Balancer whose target group has multi-value headers. */
export function multipleBalancerEvent(request: ClientRequest = {}): LambdaEvent {
  return balancerEvent(request, true);
}

/** The health check of an Application Load Balancer. */
export function healthCheckEvent(): LambdaEvent {
  return {
    requestContext: {
      elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/t/1' },
    },
    httpMethod: 'GET',
    path: '/',
    queryStringParameters: {},
    headers: { 'user-agent': 'ELB-HealthChecker/2.0' },
    body: '',
    isBase64Encoded: false,
  };
}

/** VPC Lattice, event structure 1.0. */
export function latticeVersion1Event(request: ClientRequest = {}): LambdaEvent {
  const parts = partsOf(request, 'service-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-central-1.on.aws');
  return {
    raw_path: parts.path,
    method: parts.method,
    headers: { ...joinedOf(listed(parts.fields, true)), 'x-forwarded-for': parts.client },
    query_string_parameters: lastOf(rawQuery(parts.query)),
    body: parts.body ?? '',
    is_base64_encoded: parts.isBase64Encoded,
  };
}

/** VPC Lattice, event structure 2.0. */
export function latticeVersion2Event(request: ClientRequest = {}): LambdaEvent {
  const parts = partsOf(request, 'service-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-central-1.on.aws');
  return {
    version: '2.0',
    path: parts.path,
    method: parts.method,
    headers: { ...listed(parts.fields, true), 'x-forwarded-for': [parts.client] },
    queryStringParameters: rawQuery(parts.query),
    body: parts.body ?? '',
    isBase64Encoded: parts.isBase64Encoded,
    requestContext: {
      serviceNetworkArn: 'arn:aws:vpc-lattice:eu-central-1:123456789012:servicenetwork/sn-0bf3f2882e9cc805a',
      serviceArn: 'arn:aws:vpc-lattice:eu-central-1:123456789012:service/svc-0a40eebed65f8d69c',
      targetGroupArn: 'arn:aws:vpc-lattice:eu-central-1:123456789012:targetgroup/tg-6d0ecf831eec9f09',
      region: 'eu-central-1',
      timeEpoch: '1690497599177430',
      identity: { sourceVpcArn: 'arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-0b8276c84697e7339' },
    },
  };
}

/** Makes an event of each shape. */
export const EVENTS: Readonly<Record<string, (request?: ClientRequest) => LambdaEvent>> = {
  'REST API': restEvent,
  'HTTP API, payload 1.0': httpApiVersion1Event,
  'HTTP API, payload 2.0': httpApiEvent,
  'Function URL': functionUrlEvent,
  'load balancer': singleBalancerEvent,
  'load balancer with multi-value headers': multipleBalancerEvent,
  'VPC Lattice 1.0': latticeVersion1Event,
  'VPC Lattice 2.0': latticeVersion2Event,
};
