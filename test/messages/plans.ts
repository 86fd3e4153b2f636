/** Random plans: what an app or a middleware may do, in any order, with valid and invalid values. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CALLBACK, isAtOnce, isPiped, type Operation } from './program.ts';
import { ROUTINES, type RoutineName } from './routines.ts';
import { isCut, type Plan, type RequestPlan } from './run-plan.ts';

const NAMES = ['X-A', 'x-a', 'X-B', 'Content-Type', 'Set-Cookie', 'Vary', 'ETag', 'Cookie'];
const FRAMING: readonly [name: string, value: string][] = [
  ['Content-Length', '3'],
  ['Content-Length', '0'],
  ['Transfer-Encoding', 'chunked'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['connection', 'Close'],
  ['Date', 'today'],
  ['Trailer', 'X-T'],
  ['Keep-Alive', 'timeout=7'],
];
const BAD_NAMES = ['a b', '', 'é', 5, undefined];
const VALUES = ['1', 'text/plain', 'é', '', ['a', 'b'], ['1'], 7, true];
const BAD_VALUES = ['a\nb', 'a\rb', 'a\0b', '\u{20ac}', undefined, null, ['a', 'b\n'], [undefined], [], {}];
const CHUNKS = [
  'abc',
  '',
  'é€',
  Buffer.from('def'),
  new Uint8Array([103, 104]),
  Buffer.alloc(0),
  'x'.repeat(20_000),
];
const BAD_CHUNKS = [5, null, undefined, {}, [], true, Symbol.for('chunk')];
const ENCODINGS = ['utf8', 'latin1', 'hex', 'base64', 'utf16le', 'ascii', CALLBACK, undefined, null];

type Arguments = fc.Arbitrary<readonly unknown[]>;

const rarely = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 9 }, { arbitrary: rare, weight: 1 });

const name = rarely<unknown>(fc.constantFrom(...NAMES), fc.constantFrom(...BAD_NAMES));
const value = rarely<unknown>(fc.constantFrom(...VALUES), fc.constantFrom(...BAD_VALUES));
const plainField = fc.tuple(name, value);
const framingField = fc.constantFrom<[unknown, unknown]>(...FRAMING);
const field = fc.oneof({ arbitrary: plainField, weight: 5 }, { arbitrary: framingField, weight: 1 });
const fields = fc.array(field, { maxLength: 3 });
const status = rarely<unknown>(
  fc.constantFrom(200, 201, 204, 304, 404, 500),
  fc.constantFrom(99, 1000, '200', 'abc', undefined, null, 299.5),
);
/** Without 204 and 304: after a 204 that fails for its headers, node omits the length of another status too. */
const statusOfContent = status.filter((code) => code !== 204 && code !== 304);
const phrase = rarely<unknown>(
  fc.constantFrom('Fine', '', 'é'),
  fc.constantFrom('a\nb', '\u{20ac}', undefined, 5),
);
const headers: fc.Arbitrary<unknown> = fc.oneof(
  fields.map((list) => Object.fromEntries(list.map(([key, item]) => [String(key), item]))),
  fields.map((list) => list.flat()),
  fields,
  fc.constantFrom<unknown>(['a'], null, undefined, new Map([['X-M', '1']])),
);
const chunk = rarely<unknown>(fc.constantFrom<unknown>(...CHUNKS), fc.constantFrom<unknown>(...BAD_CHUNKS));
const encoding = fc.constantFrom<unknown>(...ENCODINGS);

/** Methods with their weight and arguments. */
const CALLS: readonly (readonly [call: string, weight: number, args: Arguments])[] = [
  ['res.setHeader', 8, field],
  ['res.appendHeader', 3, field],
  ['res.setHeaders', 2, fc.tuple(fields.map((list) => new Map(list)))],
  ['res.setHeaders', 1, fc.tuple(fc.constantFrom<unknown>(new Headers({ 'x-h': '1' }), {}, [], null))],
  ['res.removeHeader', 3, fc.tuple(fc.oneof(name, fc.constantFrom<unknown>(...FRAMING.map(([key]) => key))))],
  ['res.getHeader', 1, fc.tuple(name)],
  ['res.hasHeader', 1, fc.tuple(name)],
  ['res.getHeaders', 1, fc.constant([])],
  ['res.getHeaderNames', 1, fc.constant([])],
  ['res.getRawHeaderNames', 1, fc.constant([])],
  ['res.writeHead', 3, fc.tuple(status)],
  ['res.writeHead', 3, fc.tuple(statusOfContent, headers)],
  ['res.writeHead', 3, fc.tuple(statusOfContent, phrase, headers)],
  ['res.write', 10, fc.tuple(chunk)],
  ['res.write', 4, fc.tuple(fc.constantFrom<unknown>('abcd', Buffer.from('ef')), encoding)],
  [
    'res.write',
    3,
    fc.tuple(chunk, fc.constantFrom<unknown>('utf8', 'latin1', undefined), fc.constant(CALLBACK)),
  ],
  ['res.end', 2, fc.constant([])],
  ['res.end', 3, fc.tuple(chunk)],
  ['res.end', 1, fc.tuple(fc.constant(CALLBACK))],
  ['res.end', 1, fc.tuple(fc.constantFrom<unknown>('abcd', Buffer.from('ef')), encoding)],
  [
    'res.end',
    1,
    fc.tuple(chunk, fc.constantFrom<unknown>('utf8', 'latin1', undefined), fc.constant(CALLBACK)),
  ],
  ['res.flushHeaders', 2, fc.constant([])],
  ['res.cork', 2, fc.constant([])],
  ['res.uncork', 2, fc.constant([])],
  [
    'res.addTrailers',
    2,
    fc.constantFrom<unknown[]>(
      [{ 'X-T': '1' }],
      [
        [
          ['X-T', '1'],
          ['X-U', 'é'],
        ],
      ],
      [{ 'X-T': 'a\n' }],
    ),
  ],
  ['res.setTimeout', 1, fc.constantFrom<unknown[]>([10_000], [0], [10_000, CALLBACK])],
  ['res.destroy', 1, fc.constantFrom<unknown[]>([], [new Error('cut')])],
  ['req.resume', 2, fc.constant([])],
  ['req.pause', 1, fc.constant([])],
  ['req.setEncoding', 1, fc.constantFrom<unknown[]>(['utf8'], ['hex'])],
  ['req.read', 2, fc.constantFrom<unknown[]>([], [3], [0], [100])],
  ['req.setTimeout', 1, fc.constantFrom<unknown[]>([10_000], [0], [10_000, CALLBACK])],
  ['req.unpipe', 1, fc.constant([])],
  ['req.destroy', 1, fc.constantFrom<unknown[]>([], [new Error('cut')])],
  ['req.unshift', 1, fc.constantFrom<unknown[]>(['back'])],
  ['socket.cork', 1, fc.constant([])],
  ['socket.uncork', 1, fc.constant([])],
  ['socket.pause', 1, fc.constant([])],
  ['socket.resume', 1, fc.constant([])],
  ['socket.setNoDelay', 1, fc.constantFrom<unknown[]>([], [true])],
  ['socket.setKeepAlive', 1, fc.constantFrom<unknown[]>([], [true, 100])],
  ['socket.setTimeout', 1, fc.constantFrom<unknown[]>([10_000], [0], [10_000, CALLBACK], ['x'], [-1])],
  ['socket.setEncoding', 1, fc.constantFrom<unknown[]>(['utf8'], [])],
];

const ASSIGNMENTS: readonly (readonly [property: string, value: fc.Arbitrary<unknown>])[] = [
  ['res.statusCode', status],
  ['res.statusMessage', phrase],
  ['res.shouldKeepAlive', fc.boolean()],
  ['res.sendDate', fc.boolean()],
  ['res.strictContentLength', fc.boolean()],
  ['req.url', fc.constantFrom('/other', '')],
];

// An object's keys are typed as strings.
const routineNames = Object.keys(ROUTINES) as RoutineName[];

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    arbitrary: fc.oneof(
      ...CALLS.map(([call, weight, args]) => ({
        arbitrary: args.map((list) => ({ call, args: list })),
        weight,
      })),
    ),
    weight: 10,
  },
  {
    arbitrary: fc.oneof(...ASSIGNMENTS.map(([set, values]) => values.map((item) => ({ set, value: item })))),
    weight: 2,
  },
  { arbitrary: fc.constantFrom(...routineNames).map((routine) => ({ routine })), weight: 2 },
  {
    arbitrary: fc.constantFrom('microtask', 'immediate', 'while').map((wait) => ({ wait })),
    weight: 2,
  },
);

const request: fc.Arbitrary<RequestPlan> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD', 'DELETE'),
  version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
  connection: fc.constantFrom('unsaid', 'unsaid', 'close', 'keep-alive'),
  content: fc.constantFrom('none', 'length', 'chunked', 'trailers'),
  isPipelined: fc.constantFrom(false, false, false, true),
});

/** Random plans whose requests are HTTP that every server accepts. */
export const plans: fc.Arbitrary<Plan> = fc
  .record({
    request,
    watch: fc.constantFrom('all', 'all', 'late', 'nobody'),
    operations: fc.array(operation, { minLength: 1, maxLength: 8 }),
  })
  .map((plan) => {
    const request = plausible(plan.request);
    // Events before the listeners were added depend on ticks.
    const watch = plan.watch === 'late' && !isAtOnce(plan.operations) ? 'all' : plan.watch;
    return {
      ...plan,
      request,
      watch,
      operations: plan.operations.filter((item) => isFit(item, { ...plan, request })),
    };
  });

/** Tells if two correct servers must do the same with an operation. */
function isFit(item: Operation, plan: Plan): boolean {
  if ('wait' in item) return isFitWait(item.wait, plan);
  if ('routine' in item) return isFitRoutine(item, plan);
  // Nothing catches an error that a piped stream makes the response throw.
  if (isPiped(plan.operations) && /Trailer|res\.st|writeHead/.test(inspect(item, { depth: 5 }))) return false;
  return isFitForConnection(item, plan) && ('set' in item || isFitCall(item, plan));
}

function isFitWait(wait: string, { request, operations }: Plan): boolean {
  // The microtasks after a write may run before or after it is visible.
  if (wait === 'microtask') return !operations.some((other) => 'call' in other);
  return wait === 'while' || request.content === 'none';
}

/** Allows one stream into a response and one reader of a request: two would race. */
function isFitRoutine(item: RoutineOperation, { request, operations }: Plan): boolean {
  if (request.content !== 'none' && item.routine === 'read one piece and leave off') return false;
  // node gives these the content that arrived before the end of the response.
  const isLate = operations.some((other) => 'call' in other && other.call === 'res.end');
  if (request.content !== 'none' && item.routine === 'read when readable' && isLate) return false;
  // node sends interim responses of a second request during the first response; our server gathers its chunks first.
  if (isPiped(operations) && item.routine === 'interim responses') return false;
  if (request.isPipelined && (item.routine === 'interim responses' || isStream(item))) return false;
  const isOnly = (isRival: (other: Operation) => boolean): boolean =>
    !isRival(item) || operations.find(isRival) === item;
  return isOnly(isReader) && isOnly(isStream);
}

/** node says keep-alive on connections that it closes, and keeps a connection that the client closes. */
function isFitForConnection(item: Operation, { request }: Plan): boolean {
  if (request.version === '1.1' && request.connection !== 'close') return true;
  const text = inspect(item, { depth: 5 });
  return (
    !/keep-alive|shouldKeepAlive|removeHeader.*connection/i.test(text) &&
    (request.version === '1.1' || !text.includes('chunked'))
  );
}

function isFitCall(item: CallOperation, plan: Plan): boolean {
  const { call, args } = item;
  const { isPipelined, content } = plan.request;
  // node calls the program for the second request before the first is answered.
  if (isPipelined && /destroy$|cork$/.test(call)) return false;
  // node joins pieces that have arrived into one string.
  if (isPiped(plan.operations) && call === 'req.setEncoding') return false;
  // Our server sends no length with a 204 (RFC 9110 §8.6).
  if (args[0] === 'Content-Length' && plan.operations.some((other) => inspect(other).includes('204')))
    return false;
  // Chunks that are streamed while the head is being sent count as buffered until the head has left.
  if (call === 'res.flushHeaders' && isPiped(plan.operations)) return false;
  // After one uncork too many, or at the end of a corked stream, Node 22 and 24 send the last chunk before others.
  if (call === 'res.cork' && isPiped(plan.operations)) return false;
  const before = plan.operations.slice(0, plan.operations.indexOf(item));
  const corks = before.filter((other) => 'call' in other && other.call === 'res.cork').length;
  const uncorks = before.filter((other) => 'call' in other && other.call === 'res.uncork').length;
  if (call === 'res.uncork' && uncorks >= corks) return false;
  // Our server gathers chunks of the second response until its turn.
  if (isPipelined && isWrite(item) && plan.operations.find(isWrite) !== item) return false;
  // node holds content that no one waits for already.
  if (content !== 'none' && /destroy$|^req\.(read|unshift)$/.test(call)) return false;
  // Servers differ in how much they send before the client takes something.
  if (isLong(item) && plan.operations.find(isLong) !== item) return false;
  // Callbacks and streams need different numbers of ticks.
  if (isPiped(plan.operations) && /^res\.(write|end)$/.test(call)) return false;
  // Our server sends chunks where node lets the end of the connection end the content.
  if (call === 'res.removeHeader' && args[0] === 'Transfer-Encoding') return false;
  if (isCut(plan) && call === 'res.flushHeaders') return false;
  // Uncorked chunks leave one tick later than on node, and so do their callbacks.
  const hasCallback = plan.operations.some((other) => 'call' in other && other.args.includes(CALLBACK));
  if (hasCallback && call.endsWith('uncork')) return false;
  // node keeps octets after the end of a connection, but no strings.
  return !isCut(plan) || !(args[0] instanceof Uint8Array);
}

type RoutineOperation = Extract<Operation, { readonly routine: unknown }>;
type CallOperation = Extract<Operation, { readonly call: unknown }>;

function isWrite(item: Operation): boolean {
  return 'call' in item && item.call === 'res.write';
}

function isLong(item: Operation): boolean {
  return 'call' in item && typeof item.args[0] === 'string' && item.args[0].length > 1000;
}

const READERS = /content|piece|readable|the request/;

function isReader(item: Operation): boolean {
  return 'routine' in item && READERS.test(item.routine);
}

function isStream(item: Operation): boolean {
  return isPiped([item]);
}

function plausible(given: RequestPlan): RequestPlan {
  const { version, method } = given;
  // Chunked content in HTTP/1.0 is refused, and GET and HEAD need not drain content.
  const hasContent = method === 'POST' || method === 'DELETE';
  const content = hasContent ? given.content : 'none';
  // node refuses a second pipelined request when the connection closes, and with it the first.
  const isPipelined = given.isPipelined && given.connection !== 'close' && version === '1.1';
  return { ...given, isPipelined, content: version === '1.0' && content !== 'none' ? 'length' : content };
}
