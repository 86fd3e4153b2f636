/**
 * A CGI gateway with the usual faults of one written in an afternoon: the audits must notice them.
 *
 * It takes variables as text, reads whatever standard input gives, writes the fields of a server, keeps chunks by reference, and
 * exits before a slow pipe has taken the output. It runs in this process, which spares starting one for each audit.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { AuditHost } from '../../../src/conformance/index.ts';
import type { ApplicationFunction, Chunk, Environ } from '../../../src/wsgi.ts';

/** The octets that a pipe of Linux holds. */
const PIPE = 1 << 16;

type Variables = Readonly<Record<string, string>>;

/** Makes the naive gateway. `schemeOf` makes the scheme of the variable HTTPS. */
export function naiveCgi(schemeOf: (https: string | undefined) => 'http' | 'https'): AuditHost {
  return {
    name: 'naive CGI',
    capabilities: new Set(['cgi']),
    startCgi({ module, name }, variables) {
      const child = Object.assign(new EventEmitter(), {
        stdin: new PassThrough(),
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        kill: () => true,
      });
      const run = async (): Promise<void> => {
        const { [name]: application }: Readonly<Record<string, ApplicationFunction>> = await import(module);
        if (application === undefined) throw new Error(`No application ${name}`);
        child.stdout.end((await answer(application, makeEnviron(variables))).subarray(0, PIPE));
        child.stderr.end();
        child.emit('exit', 0);
      };
      const makeEnviron = (variables: Variables): Environ => ({
        // It lacks keys, on purpose.
        ...({} as Environ),
        ...asText(variables),
        'wsgi.version': [1, 0],
        'wsgi.url_scheme': schemeOf(variables.HTTPS),
        'wsgi.run_once': false,
        'wsgi.multithread': true,
        'wsgi.multiprocess': false,
        // It has one method.
        'wsgi.input': { read: readerOf(child.stdin) } as Environ['wsgi.input'],
      });
      void run();
      // The audits use only these members.
      return child as unknown as ChildProcessWithoutNullStreams;
    },
  };
}

/** Decodes the variables as UTF-8, as `process.env` does. */
function asText(variables: Variables): Variables {
  return Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [key, Buffer.from(value, 'latin1').toString()]),
  );
}

/** Reads what standard input gives first, whatever the size. */
function readerOf(stdin: PassThrough): () => Promise<Uint8Array> {
  let hasRead = false;
  return async () => {
    if (hasRead) return Buffer.alloc(0);
    hasRead = true;
    const [chunk] = await Promise.race([once(stdin, 'data'), once(stdin, 'end')]);
    return chunk ?? Buffer.alloc(0);
  };
}

async function answer(application: ApplicationFunction, environ: Environ): Promise<Buffer> {
  const chunks: Chunk[] = [];
  try {
    const body = await application(environ, (status, headers) => {
      const lines = [`Status: ${status}`, ...headers.map((pair) => pair.join(': ')), 'Connection: close'];
      chunks.push(`${lines.join('\r\n')}\r\n\r\n`);
      return async () => {};
    });
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    chunks.push(`Status: 500 Internal Server Error\r\n\r\n${error}`);
  }
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
}
