/** `gatebridge fetch app.ts:app /path`: calls the application in this process, without a socket, and prints the answer. */
import { readFileSync } from 'node:fs';
import { isError } from '../errors.ts';
import { createClient } from '../testing/index.ts';
import { parseArguments } from './arguments.ts';
import { COMMAND_OPTIONS, type FlagRow } from './command-options.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { formatFlags } from './help.ts';
import { loadApplication } from './load-application.ts';
import { applyVariables, currentFolder, readVariableFiles } from './read-settings.ts';

/** The flags of `gatebridge fetch`. Their names are curl's. */
const ROWS: Readonly<Record<string, FlagRow>> = {
  request: {
    type: 'text',
    group: 'command',
    short: 'X',
    value: 'METHOD',
    help: 'the method [GET, with --data POST]',
  },
  header: {
    type: 'lines',
    group: 'command',
    short: 'H',
    value: "'NAME: VALUE'",
    help: 'a field of the request; may be repeated',
  },
  data: {
    type: 'text',
    group: 'command',
    short: 'd',
    value: 'TEXT',
    help: 'the content; @FILE is that of a file, @- is stdin',
  },
  include: {
    type: 'boolean',
    group: 'command',
    short: 'i',
    help: 'print status and fields of the answer too',
  },
  validate: { type: 'boolean', default: false, group: 'command', help: 'fail on what breaks PEP 3333' },
  interface: COMMAND_OPTIONS.interface,
  factory: COMMAND_OPTIONS.factory,
  import: COMMAND_OPTIONS.import,
  envFile: COMMAND_OPTIONS.envFile,
  python: COMMAND_OPTIONS.python,
  help: { type: 'boolean', group: 'command', short: 'h', help: 'this page' },
};

const NEEDS = 'An application and a path are needed';

/**
 * Runs the command.
 *
 * @param argv Behind `fetch`
 * @returns the exit code: 0, or 22 for a status of 400 or more
 * @throws {@link CommandError} if an argument is wrong, or the application cannot be loaded
 */
export async function runFetch(argv: readonly string[]): Promise<number> {
  const { positionals, values } = parseArguments(argv, ROWS);
  if (values.help === true) {
    process.stdout.write(`Usage: gatebridge fetch app.ts[:export] /path [flags]\n\n${formatFlags(ROWS)}\n`);
    return EXIT.clean;
  }
  const [app, target = '/', ...more] = positionals;
  if (app === undefined || more.length > 0 || !target.startsWith('/')) {
    const fault = app !== undefined && more.length === 0 ? `${target} is no path: it begins with /` : NEEDS;
    throw new CommandError('usage', fault, { cure: 'gatebridge fetch app.ts:app /path' });
  }
  const folder = currentFolder();
  applyVariables({ variables: readVariableFiles(listOf(values.envFile), folder) });
  const loaded = await loadApplication({
    app,
    folder,
    factory: values.factory === true,
    // Read by the same row.
    interface: (values.interface ?? 'auto') as 'auto',
    import: listOf(values.import),
    python: textOf(values.python),
    threads: 1,
  });
  const client = createClient(loaded.application, { validate: values.validate === true });
  const content = contentOf(values.data);
  const method = textOf(values.request) ?? (content === undefined ? 'GET' : 'POST');
  const response = await client.request(method, target, {
    headers: fieldsOf(listOf(values.header)),
    ...(content !== undefined && { content }),
  });
  if (values.include === true) {
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}\n`).join('');
    process.stdout.write(`${response.status}\n${fields}\n`);
  }
  for await (const chunk of response.body) process.stdout.write(chunk);
  await loaded.close();
  return response.statusCode >= 400 ? EXIT.status : EXIT.clean;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function contentOf(value: unknown): Buffer | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  if (!text.startsWith('@')) return Buffer.from(text);
  const file = text.slice(1);
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new CommandError(
      'usage',
      `--data ${text} cannot be read: ${isError(error) ? error.message : error}`,
    );
  }
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new CommandError('usage', `--header must be 'Name: value', not ${JSON.stringify(line)}`);
    return [name, value];
  });
}
