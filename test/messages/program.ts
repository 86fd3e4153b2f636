/**
 * Runs a program that is given as data: operations on request, response and socket, in order. Records what it sees.
 *
 * A record has an entry for each operation, with its result or error, and for each event. Each entry lists the
 * properties that changed since the entry before, so records differ where servers do.
 */
import { inspect } from 'node:util';
import type { Entry, ProgramContext } from './program-context.ts';
import { ROUTINES, type RoutineName } from './routines.ts';
import { pause } from './side-by-side.ts';

/** Stands for a callback among the arguments of a call. */
export const CALLBACK: unique symbol = Symbol('callback');

export type Operation =
  /** Calls a method, for example `res.setHeader`. */
  | { readonly call: string; readonly args: readonly unknown[] }
  /** Assigns a property, for example `res.statusCode`. */
  | { readonly set: string; readonly value: unknown }
  | { readonly routine: RoutineName }
  | { readonly wait: 'microtask' | 'immediate' | 'while' };

/** When event listeners are added: at the start (all), after the operations (late), or never (nobody). */
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

/** Runs operations and records their results. */
export async function runProgram(
  operations: readonly Operation[],
  watch: Watch,
  { req, res, record }: Pick<ProgramContext, 'req' | 'res'> & { readonly record: Entry[] },
): Promise<void> {
  const { socket } = req;
  const look = observer({ req, res, socket });
  const note: ProgramContext['note'] = (text, party = 'program') =>
    void record.push({ party, text, changes: look() });
  const context: ProgramContext = { req, res, socket, note };
  context.note('start');
  silence(context);
  if (watch === 'all') listen(context);
  for (const operation of operations) {
    if ('wait' in operation) await settle(operation.wait);
    else perform(context, operation);
  }
  if (watch === 'late') listen(context);
  if (!res.writableEnded && !isPiped(operations)) perform(context, { call: 'res.end', args: [] });
}

/** Tells if the operations contain neither waits nor routines. */
export function isAtOnce(operations: readonly Operation[]): boolean {
  return operations.every((item) => 'call' in item || 'set' in item);
}

/** Tells if a stream ends the response. */
export function isPiped(operations: readonly Operation[]): boolean {
  return operations.some((item) => 'routine' in item && item.routine.startsWith('pipe'));
}

function perform(context: ProgramContext, operation: Exclude<Operation, { readonly wait: unknown }>): void {
  let outcome: string;
  try {
    outcome = show(context, carryOut(context, operation));
  } catch (error) {
    outcome = `throws ${show(context, error)}`;
  }
  context.note(`${describe(context, operation)}: ${outcome}`);
}

function carryOut(
  context: ProgramContext,
  operation: Exclude<Operation, { readonly wait: unknown }>,
): unknown {
  if ('routine' in operation) return ROUTINES[operation.routine](context);
  const [target = '', member = ''] = ('call' in operation ? operation.call : operation.set).split('.');
  const object = objectOf(context, target);
  if ('set' in operation) return Reflect.set(object, member, operation.value);
  const method: unknown = Reflect.get(object, member);
  // Programs check for methods that older versions of node lack.
  if (typeof method !== 'function') return 'no such method';
  return Reflect.apply(
    method,
    object,
    operation.args.map((value) => argument(context, operation.call, value)),
  );
}

function argument(context: ProgramContext, name: string, value: unknown): unknown {
  // Copies lists: node keeps them and adds to them.
  if (Array.isArray(value)) return value.map((item) => argument(context, name, item));
  if (value !== CALLBACK) return value;
  return (error: unknown) => context.note(`callback of ${name}: ${show(context, error ?? undefined)}`);
}

function objectOf(context: ProgramContext, name: string): object {
  if (name === 'req') return context.req;
  return name === 'res' ? context.res : context.socket;
}

function describe(
  context: ProgramContext,
  operation: Exclude<Operation, { readonly wait: unknown }>,
): string {
  if ('routine' in operation) return operation.routine;
  if ('set' in operation) return `${operation.set} = ${show(context, operation.value)}`;
  return `${operation.call}(${operation.args.map((value) => show(context, value)).join(', ')})`;
}

function show(context: ProgramContext, value: unknown): string {
  for (const name of ['req', 'res', 'socket'] as const) if (value === context[name]) return name;
  if (value instanceof Error) {
    const { name, code, message } = value as NodeJS.ErrnoException;
    return `${name} ${code} ${message}`;
  }
  if (value instanceof Uint8Array && value.length > 20) return `${value.length} octets`;
  if (typeof value === 'string' && value.length > 60) return `${value.length} characters`;
  if (value instanceof Promise) return 'promise';
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

/** Returns a function that gives the properties that changed since its last call. */
function observer(objects: Pick<ProgramContext, 'req' | 'res' | 'socket'>): () => Map<string, string> {
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
    // A response that has released its connection does not care when the connection closes.
    if (res.socket !== null) {
      for (const property of PROPERTIES.socket) see(`socket.${property}`, Reflect.get(socket, property));
    } else if (known.get('res.socket') !== 'null') {
      see('socket.writable', socket.writable);
    }
    see('res.socket', res.socket === null ? null : res.socket === socket);
    // The size of a head is unknown before it is written.
    see('res.writableLength', res.writableLength > 0);
    see('res._header', typeof Reflect.get(res, '_header'));
    // node's server sets a time-out of its own between requests.
    if (res.socket !== null) see('socket.timeout', socket.timeout);
    return changes;
  };
}

function listen(context: ProgramContext): void {
  for (const target of ['res', 'req', 'socket'] as const) {
    for (const event of EVENTS[target]) {
      context[target].on(event, (detail: unknown) => {
        const what = detail instanceof Error ? ` ${show(context, detail)}` : '';
        context.note(`${target} ${event}${what}`, PARTIES[target]);
      });
    }
  }
}

/** Keeps errors without a listener from ending the test, without adding a listener. */
function silence({ req, res }: ProgramContext): void {
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

/** Waits for turns of the event loop: on a busy machine, milliseconds may pass without one. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await pause(2);
}
