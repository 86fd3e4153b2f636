/**
 * Shows a thrown value to the operator: its stack, its code, its causes, and the errors that it gathers.
 *
 * Nothing here throws, though getters and proxies may: each member is read on its own.
 */
import { isError } from '../errors.ts';

/** Errors that one text shows at most. A batch may have thousands. */
const MAX_ERRORS = 32;

/** Characters of a value that is no error. */
const MAX_VALUE = 1_000;

/** Formats a thrown value in several lines. */
export function showError(error: unknown): string {
  try {
    if (!isError(error)) return `Thrown value is not an Error: ${showValue(error)}`;
    return format(error, { errors: new Set(), count: 0 });
  } catch {
    return 'Thrown value cannot be shown';
  }
}

/** The errors that a text shows so far: one may be its own cause. */
interface Shown {
  readonly errors: Set<object>;
  count: number;
}

function format(value: unknown, shown: Shown): string {
  shown.count += 1;
  if (!isError(value)) return showValue(value);
  if (shown.errors.has(value)) return `${titleOf(value)} (see above)`;
  shown.errors.add(value);
  const lines = [stackWithCode(value)];
  for (const [label, part] of partsOf(value)) {
    if (shown.count >= MAX_ERRORS) {
      lines.push('  (further errors are left out)');
      break;
    }
    // A chain of causes reads on at the margin; errors beside one another are indented with their own causes.
    const text = `${label}: ${format(part, shown)}`;
    lines.push(label === CAUSE ? text : `  ${text.replaceAll('\n', '\n  ')}`);
  }
  return lines.join('\n');
}

const CAUSE = 'Caused by';

/** Lists what an error refers to: `errors` of an AggregateError, both of a SuppressedError, the cause. */
function partsOf(error: object): [label: string, part: unknown][] {
  const errors = read(error, 'errors');
  const gathered: readonly unknown[] = Array.isArray(errors) ? errors : [];
  const parts = gathered
    .slice(0, MAX_ERRORS + 1)
    .map((part, index): [string, unknown] => [`Error ${index + 1} of ${gathered.length}`, part]);
  const isSuppressing = read(error, 'name') === 'SuppressedError';
  if (isSuppressing) parts.push(['Suppressed', read(error, 'suppressed')]);
  const cause = read(error, 'cause') ?? (isSuppressing ? read(error, 'error') : undefined);
  if (cause !== undefined && cause !== null) parts.push([CAUSE, cause]);
  return parts;
}

/** Gives the stack with the code after the name, as in node's own errors, so that readers can look the code up. */
function stackWithCode(error: object): string {
  const title = titleOf(error);
  const stack = read(error, 'stack');
  if (!isText(stack) || stack === '') return title;
  const name = `${read(error, 'name')}`;
  const code = read(error, 'code');
  if (!isText(code) || !stack.startsWith(`${name}: `) || stack.includes(code)) return stack;
  return `${name} [${code}]${stack.slice(name.length)}`;
}

function titleOf(error: object): string {
  return `${showValue(read(error, 'name') ?? 'Error')}: ${showValue(read(error, 'message') ?? '')}`;
}

/** A plain object is shown by its members. */
function showValue(value: unknown): string {
  try {
    const text = String(value);
    const shown = /^\[object \w+\]$/.test(text) ? (JSON.stringify(value) ?? text) : text;
    return shown.length > MAX_VALUE ? `${shown.slice(0, MAX_VALUE)}…` : shown;
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function read(value: object, name: string): unknown {
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}
