/**
 * The applications of the corpus: a few steps each, written beside the octets, as README.md explains.
 *
 * Rule 1: a script is data, so that a gateway and node:http can perform the same application.
 * Rule 2: nothing is checked here; scripts may be wrong on purpose.
 */
import type { ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';
import { decodeOctets } from './octets.ts';

/** One step of an application. Strings are native strings, except those that are wrong on purpose. */
export type Step =
  | { readonly kind: 'starts'; readonly status: string }
  | { readonly kind: 'sets'; readonly name: string; readonly value: string }
  | { readonly kind: 'yields' | 'writes' | 'returns'; readonly content: string }
  | { readonly kind: 'shows'; readonly key: string }
  | { readonly kind: 'reads' | 'throws' };

/** The steps of an application, in order. */
export type Script = readonly Step[];

const STEP = /^(starts|sets|yields|writes|returns|shows|reads|throws)(?: (.+))?$/;

/**
 * Parses an application, such as `starts 200 OK; sets X: 1; yields "content"`.
 *
 * @throws Error for any other notation
 */
export function parseScript(text: string): Script {
  return text.split('; ').map(parseStep);
}

function parseStep(text: string): Step {
  const match = STEP.exec(text);
  if (match === null) throw new Error(`Step of an application cannot be read: ${text}`);
  const [, kind, rest = ''] = match;
  switch (kind) {
    case 'starts':
      return { kind, status: decodeText(rest) };
    case 'sets': {
      const [, name = '', value = ''] = /^(.*?): ?(.*)$/.exec(rest) ?? [];
      return { kind, name: decodeText(name), value: decodeText(value) };
    }
    case 'yields':
    case 'writes':
    case 'returns': {
      const content = /^"(.*)"$/.exec(rest)?.[1];
      if (content === undefined) throw new Error(`Content of an application is not quoted: ${text}`);
      return { kind, content: decodeText(content) };
    }
    case 'shows':
      return { kind, key: rest };
    case 'reads':
    case 'throws':
      return { kind };
    default:
      throw new Error(`Step of an application cannot be read: ${text}`);
  }
}

/** Decodes octets, and code points that no octet has, such as `\u0100`. */
function decodeText(notation: string): string {
  return notation
    .split(/(\\u[0-9a-f]{4})/)
    .map((part) =>
      part.startsWith('\\u')
        ? String.fromCharCode(Number.parseInt(part.slice(2), 16))
        : decodeOctets(part.replace(/^ | $/g, '\\x20')).toString('latin1'),
    )
    .join('');
}

/** The error of applications that throw. */
export class ScriptedFault extends Error {
  override readonly name = 'ScriptedFault';
}

/** Makes the application of a script. If the script says `reads`, it reads the content first. */
export function scriptedApplication(
  script: Script,
  read: (environ: Environ) => Promise<void>,
): ApplicationFunction {
  return (environ, startResponse) => {
    if (!script.some(({ kind }) => kind === 'reads')) return perform(script, environ, startResponse);
    return read(environ).then(() => perform(script, environ, startResponse));
  };
}

/**
 * With a `writes` or `returns`, the steps before the first `yields` run in the call, and the rest during iteration.
 * Otherwise the call does nothing (PEP 3333: a generator function calls startResponse when iterated).
 */
function perform(script: Script, environ: Environ, startResponse: StartResponse): Iterable<Buffer> {
  const isEager = script.some(({ kind }) => kind === 'writes' || kind === 'returns');
  const firstYield = script.findIndex(({ kind }) => kind === 'yields');
  const early = isEager ? script.slice(0, firstYield === -1 ? script.length : firstYield) : [];
  const headers = script.flatMap((step): [string, string][] =>
    step.kind === 'sets' ? [[step.name, step.value]] : [],
  );
  const run = (steps: Script): Generator<Buffer> => runSteps(steps, { environ, startResponse, headers });
  const returned = [...run(early)];
  return early.length === script.length ? returned : run(script.slice(early.length));
}

interface Stage {
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  readonly headers: [string, string][];
}

function* runSteps(steps: Script, { environ, startResponse, headers }: Stage): Generator<Buffer> {
  let write: ((content: Buffer) => unknown) | undefined;
  for (const step of steps) {
    if (step.kind === 'starts') write = startResponse(step.status, headers);
    else if (step.kind === 'yields' || step.kind === 'returns') yield Buffer.from(step.content, 'latin1');
    else if (step.kind === 'writes') void write?.(Buffer.from(step.content, 'latin1'));
    else if (step.kind === 'shows') yield Buffer.from(`${show(environ, step.key)}\n`, 'latin1');
    else if (step.kind === 'throws') throw new ScriptedFault('Application fails on purpose');
  }
}

/** `KEY=value`, or `no KEY`. */
function show(environ: Environ, key: string): string {
  return Object.hasOwn(environ, key) ? `${key}=${String(environ[key])}` : `no ${key}`;
}
