/** wsgi.input and wsgi.errors, checked: how the application calls their methods, and what the server answers. */
import { describe } from '../gateway/describe.ts';
import { isOctets } from '../gateway/octets.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Reporter } from './reporter.ts';
import type { RuleId } from './rules.ts';

type Method = (...values: unknown[]) => unknown;

/** Members of our own inputs that are not in PEP 3333. `bufferInput` gives `rewind`, and `cascade` calls it. */
const EXTENSIONS: ReadonlySet<string | symbol> = new Set(['chunks', 'skip', 'rewind']);

const LF = 0x0a;

/**
 * Checks an input.
 *
 * @param input The input of the server
 * @param mayEndLate The input may not end by itself: `wsgi.input_terminated` is not true
 */
export function checkInput(input: object, mayEndLate: boolean, reporter: Reporter): object {
  const call = (name: string, values: unknown[]): unknown =>
    Reflect.apply(method(input, name), input, values);
  const reading = (name: string, check: (answer: unknown, size: unknown) => void): Method => {
    return (...values) => {
      checkArguments(name, values, reporter);
      if (name === 'read' && mayEndLate && isUnlimited(values[0]))
        reporter.caller('input-164-size', 'found none');
      return answered(call(name, values), (answer) => check(answer, values[0]), reporter);
    };
  };
  const checkOctets = (answer: unknown, size: unknown): void => {
    if (!isOctets(answer)) reporter.caller('input-165-octets', `found ${describe(answer)}`);
    else if (!isUnlimited(size) && answer.length > Number(size))
      reporter.caller('input-151-no-more', `found ${answer.length} octets instead of ${size}`);
  };
  const checkLine = (answer: unknown, size?: unknown): void => {
    checkOctets(answer, size);
    if (!isOctets(answer)) return;
    const end = answer.indexOf(LF);
    if (end !== -1 && end !== answer.length - 1)
      reporter.caller('input-153-one-line', `found one at ${end} of ${answer.length} octets`);
  };
  const checkLines = (answer: unknown): void => {
    if (Array.isArray(answer)) for (const line of answer) checkLine(line);
    else reporter.caller('input-165-octets', `found ${describe(answer)} from readlines`);
  };
  const methods = new Map<string | symbol, Method>([
    ['read', reading('read', checkOctets)],
    ['readline', reading('readline', checkLine)],
    ['readlines', reading('readlines', checkLines)],
    [Symbol.asyncIterator, () => checkedLines(method(input, Symbol.asyncIterator).call(input), checkLine)],
    ['close', () => closed(input, 'input-163-close', reporter)],
  ]);
  return face(input, methods, (name) => {
    if (!EXTENSIONS.has(name)) reporter.caller('input-163-methods', `found ${String(name)}()`);
  });
}

/** Checks an error stream. */
export function checkErrors(errors: object, reporter: Reporter): object {
  const checkText = (text: unknown): void => {
    if (typeof text !== 'string') reporter.caller('errors-165-text', `found ${describe(text)}`);
  };
  const methods = new Map<string | symbol, Method>([
    [
      'write',
      (...values) => {
        checkText(values[0]);
        return Reflect.apply(method(errors, 'write'), errors, values);
      },
    ],
    [
      'writelines',
      (lines, ...rest) => {
        const texts = listOf(lines);
        if (texts === undefined) reporter.caller('errors-165-text', `found ${describe(lines)}`);
        for (const text of texts ?? []) checkText(text);
        return Reflect.apply(method(errors, 'writelines'), errors, [texts ?? lines, ...rest]);
      },
    ],
    ['flush', (...values) => Reflect.apply(method(errors, 'flush'), errors, values)],
    ['close', () => closed(errors, 'errors-165-close', reporter)],
  ]);
  return face(errors, methods, (name) => reporter.caller('errors-165-methods', `found ${String(name)}()`));
}

/**
 * Makes a proxy of a stream, so that it is still an instance of its class.
 *
 * @param methods The checked methods by name
 * @param report Called when another method of the stream is called
 */
function face(
  stream: object,
  methods: ReadonlyMap<string | symbol, Method>,
  report: (name: string | symbol) => void,
): object {
  return new Proxy(stream, {
    get(target, name) {
      const checked = methods.get(name);
      if (checked !== undefined) return checked;
      // With the stream itself as `this`, because its class may have private members.
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name in Object.prototype) return value;
      return (...values: unknown[]): unknown => {
        report(name);
        return Reflect.apply(value, target, values);
      };
    },
  });
}

function checkArguments(name: string, values: readonly unknown[], reporter: Reporter): void {
  const [size] = values;
  const isSize = size === undefined || size === null || Number.isInteger(size);
  if (values.length > 1 || !isSize) {
    const shown = values.map((value) => (typeof value === 'number' ? String(value) : describe(value)));
    reporter.caller('input-162-arguments', `found ${name}(${shown.join(', ')})`);
  }
}

function isUnlimited(size: unknown): boolean {
  return size === undefined || size === null || Number(size) < 0;
}

/** Checks what a server answers, once it is there. */
function answered(answer: unknown, check: (answer: unknown) => void, reporter: Reporter): unknown {
  if (!isPromise(answer)) {
    reporter.caller('input-165-octets', `found ${describe(answer)} and no promise`);
    return answer;
  }
  return toPromise(answer).then((value: unknown) => {
    check(value);
    return value;
  });
}

/** Iterates over lines; gives the server's own steps. */
function checkedLines(iterator: unknown, check: (line: unknown) => void): AsyncIterableIterator<unknown> {
  // The environ was checked: it is what the method Symbol.asyncIterator gives.
  const inner = iterator as AsyncIterator<unknown>;
  const lines: AsyncIterableIterator<unknown> = {
    next: async () => {
      const step = await inner.next();
      if (!step.done) check(step.value);
      return step;
    },
    [Symbol.asyncIterator]: () => lines,
  };
  if (typeof inner.return === 'function') {
    const end = async (value?: unknown): Promise<IteratorResult<unknown>> =>
      (await inner.return?.(value)) ?? { done: true, value };
    lines.return = end;
  }
  return lines;
}

function closed(stream: object, rule: RuleId, reporter: Reporter): unknown {
  reporter.caller(rule, 'close() was called');
  const close: unknown = Reflect.get(stream, 'close');
  return typeof close === 'function' ? Reflect.apply(close, stream, []) : undefined;
}

function listOf(lines: unknown): unknown[] | undefined {
  const isIterable =
    typeof lines === 'string' || (typeof lines === 'object' && lines !== null && Symbol.iterator in lines);
  // It was checked to have an iterator.
  return isIterable ? [...(lines as Iterable<unknown>)] : undefined;
}

function method(stream: object, name: string | symbol): Method {
  // A call of what is no function throws where it is called.
  return Reflect.get(stream, name) as Method;
}
