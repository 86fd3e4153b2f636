/**
 * A program made of data: what an app or a middleware does to its request, response and socket, one operation after
 * another, and a record of what it sees of them.
 *
 * A record has an entry for each operation, with what it returned or threw, and for each event. With each entry stand
 * the properties that have changed since the entry before, so that two records differ where two servers do.
 */
import { inspect } from 'node:util';
import { RECIPES, type RecipeName } from './recipes.ts';
import type { Entry, Scope } from './scope.ts';
import { pause } from './side-by-side.ts';

/** What stands for a callback among the arguments of a call. */
export const CALLBACK: unique symbol = Symbol('callback');

export type Operation =
  /** Calls a method, such as `res.setHeader`. */
  | { readonly call: string; readonly args: readonly unknown[] }
  /** Assigns a property, such as `res.statusCode`. */
  | { readonly set: string; readonly value: unknown }
  | { readonly recipe: RecipeName }
  | { readonly wait: 'microtask' | 'immediate' | 'while' };

/** Who listens to the events: all from the start, all but late, or nobody. */
export type Watch = 'all' | 'late' | 'nobody';

const PROPERTIES = {
  res: [
    ...[
      'headersSent',
      'writableEnded',
      'writableFinished',
      'writableNeedDrain',
      'writableCorked',
      'finished',
    ],
    ...['writableObjectMode', 'writableHighWaterMark', 'statusCode', 'statusMessage', 'destroyed', 'closed'],
    ...[
      'errored',
      'shouldKeepAlive',
      'chunkedEncoding',
      'useChunkedEncodingByDefault',
      'sendDate',
      'writable',
    ],
    ...['strictContentLength', 'maxRequestsOnConnectionReached'],
  ],
  req: [
    ...['complete', 'aborted', 'readableEnded', 'readable', 'readableLength', 'destroyed'],
    ...['readableDidRead', 'readableAborted', 'closed', 'errored', 'readableEncoding', 'url', 'method'],
  ],
  socket: ['destroyed', 'writable', 'readyState', 'errored', 'writableCorked'],
} as const;

const EVENTS = {
  res: ['finish', 'prefinish', 'close', 'error', 'drain', 'pipe', 'unpipe', 'timeout'],
  req: ['end', 'close', 'error', 'aborted', 'timeout'],
  socket: ['close', 'error', 'timeout'],
} as const;

const PARTIES = { res: 'response', req: 'request', socket: 'response' } as const;

/** Runs operations and notes what comes of them. */
export async function runProgram(
  operations: readonly Operation[],
  watch: Watch,
  { req, res, record }: Pick<Scope, 'req' | 'res'> & { readonly record: Entry[] },
): Promise<void> {
  const { socket } = req;
  const look = observer({ req, res, socket });
  const note: Scope['note'] = (text, party = 'program') => void record.push({ party, text, changes: look() });
  const scope: Scope = { req, res, socket, note };
  scope.note('start');
  silence(scope);
  if (watch === 'all') listen(scope);
  for (const operation of operations) {
    if ('wait' in operation) await settle(operation.wait);
    else perform(scope, operation);
  }
  if (watch === 'late') listen(scope);
  if (!res.writableEnded && !isPiped(operations)) perform(scope, { call: 'res.end', args: [] });
}

/** Whether nothing happens in between. */
export function isAtOnce(operations: readonly Operation[]): boolean {
  return operations.every((item) => 'call' in item || 'set' in item);
}

/** Whether a stream ends the response. */
export function isPiped(operations: readonly Operation[]): boolean {
  return operations.some((item) => 'recipe' in item && item.recipe.startsWith('pipe'));
}

function perform(scope: Scope, operation: Exclude<Operation, { readonly wait: unknown }>): void {
  let outcome: string;
  try {
    outcome = show(scope, carryOut(scope, operation));
  } catch (error) {
    outcome = `throws ${show(scope, error)}`;
  }
  scope.note(`${describe(scope, operation)}: ${outcome}`);
}

function carryOut(scope: Scope, operation: Exclude<Operation, { readonly wait: unknown }>): unknown {
  if ('recipe' in operation) return RECIPES[operation.recipe](scope);
  const [target = '', member = ''] = ('call' in operation ? operation.call : operation.set).split('.');
  const object = objectOf(scope, target);
  if ('set' in operation) return Reflect.set(object, member, operation.value);
  const method: unknown = Reflect.get(object, member);
  // As a program finds out whether its node has a method.
  if (typeof method !== 'function') return 'no such method';
  return Reflect.apply(
    method,
    object,
    operation.args.map((value) => argument(scope, operation.call, value)),
  );
}

function argument(scope: Scope, name: string, value: unknown): unknown {
  // node keeps lists, and adds to them.
  if (Array.isArray(value)) return value.map((item) => argument(scope, name, item));
  if (value !== CALLBACK) return value;
  return (error: unknown) => scope.note(`callback of ${name}: ${show(scope, error ?? undefined)}`);
}

function objectOf(scope: Scope, name: string): object {
  if (name === 'req') return scope.req;
  return name === 'res' ? scope.res : scope.socket;
}

function describe(scope: Scope, operation: Exclude<Operation, { readonly wait: unknown }>): string {
  if ('recipe' in operation) return operation.recipe;
  if ('set' in operation) return `${operation.set} = ${show(scope, operation.value)}`;
  return `${operation.call}(${operation.args.map((value) => show(scope, value)).join(', ')})`;
}

function show(scope: Scope, value: unknown): string {
  for (const name of ['req', 'res', 'socket'] as const) if (value === scope[name]) return name;
  if (value instanceof Error) {
    const { name, code, message } = value as NodeJS.ErrnoException;
    return `${name} ${code} ${message}`;
  }
  if (value instanceof Uint8Array && value.length > 20) return `${value.length} octets`;
  if (typeof value === 'string' && value.length > 60) return `${value.length} characters`;
  if (value instanceof Promise) return 'promise';
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

/** Gives a function that tells what has changed since it was called last. */
function observer(objects: Pick<Scope, 'req' | 'res' | 'socket'>): () => Map<string, string> {
  const known = new Map<string, string>();
  return () => {
    const changes = new Map<string, string>();
    const see = (name: string, value: unknown): void => {
      const text = value instanceof Error ? `${value.name} ${value.message}` : inspect(value);
      if (known.get(name) === text) return;
      known.set(name, text);
      changes.set(name, text);
    };
    const { res, socket } = objects;
    for (const target of ['res', 'req'] as const) {
      for (const property of PROPERTIES[target])
        see(`${target}.${property}`, Reflect.get(objects[target], property));
    }
    // When a connection that a response has let go of is closed is no affair of the response.
    if (res.socket !== null) {
      for (const property of PROPERTIES.socket) see(`socket.${property}`, Reflect.get(socket, property));
    } else if (known.get('res.socket') !== 'null') {
      see('socket.writable', socket.writable);
    }
    see('res.socket', res.socket === null ? null : res.socket === socket);
    // How many octets a head takes is not known before it is written.
    see('res.writableLength', res.writableLength > 0);
    see('res._header', typeof Reflect.get(res, '_header'));
    // Between requests node's server sets a time-out of its own.
    if (res.socket !== null) see('socket.timeout', socket.timeout);
    return changes;
  };
}

function listen(scope: Scope): void {
  for (const target of ['res', 'req', 'socket'] as const) {
    for (const event of EVENTS[target]) {
      scope[target].on(event, (detail: unknown) => {
        const what = detail instanceof Error ? ` ${show(scope, detail)}` : '';
        scope.note(`${target} ${event}${what}`, PARTIES[target]);
      });
    }
  }
}

/** Keeps errors that nobody listens to from ending the test, without listening to them. */
function silence({ req, res }: Scope): void {
  for (const emitter of [req, res]) {
    emitter.setMaxListeners(0);
    const emit = emitter.emit;
    Reflect.set(
      emitter,
      'emit',
      function emitQuietly(this: NodeJS.EventEmitter, event: string, ...rest: unknown[]) {
        if (event === 'error' && this.listenerCount('error') === 0) return false;
        return Reflect.apply(emit, this, [event, ...rest]);
      },
    );
  }
}

function settle(wait: 'microtask' | 'immediate' | 'while'): Promise<void> | undefined {
  if (wait === 'microtask') return undefined;
  if (wait === 'while') return turns(3);
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits for turns of the event loop: on a busy machine many milliseconds may pass without one. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await pause(2);
}
