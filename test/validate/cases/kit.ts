/** The parts of the rules' cases: an application under the gateway, or an application under a server by hand. */
import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayRequest } from '../../../src/port.ts';
import { MemoryErrors, setupTestingDefaults } from '../../../src/testing/index.ts';
import { type ValidateOptions, type ValidationError, validate } from '../../../src/validate/index.ts';
import type {
  Application,
  ApplicationFunction,
  Body,
  Environ,
  FinishedCallback,
  HeaderList,
  StartResponse,
} from '../../../src/wsgi.ts';
import { record } from '../../support/recording-sink.ts';

/** One way to break a rule, or to come near to it. */
export interface Variant {
  readonly name: string;
  /** Lets a validated application answer one request. */
  run(validated: (application: Application) => ApplicationFunction): unknown;
}

/** The cases of one rule. */
export interface RuleCase {
  /** Applications, or why none can break the rule. */
  readonly applications: readonly Variant[] | string;
  /** Servers, or why none can break the rule. */
  readonly servers: readonly Variant[] | string;
  /** Variants that come near, and are right. */
  readonly right?: readonly Variant[];
}

/** The cases of a rule, to which those that are right can be added. */
export interface WrongCases extends RuleCase {
  butRight(...right: readonly Variant[]): RuleCase;
}

/** Makes the cases of rules that an application obeys, with the reason why no server can break them. */
export function byApplication(servers: string): (...applications: readonly Variant[]) => WrongCases {
  return (...applications) => withRight({ applications, servers });
}

/** Makes the cases of rules that a server obeys, with the reason why no application can break them. */
export function byServer(applications: string): (...servers: readonly Variant[]) => WrongCases {
  return (...servers) => withRight({ applications, servers });
}

function withRight(rule: RuleCase): WrongCases {
  return { ...rule, butRight: (...right) => ({ ...rule, right }) };
}

/** The tools of a server by hand. */
export interface ServerKit {
  readonly call: ApplicationFunction;
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  /** Calls the callbacks of `gateway.on_finished`, the last one first. */
  end(error?: unknown): void;
}

/** An application under the gateway. */
export function app(name: string, application: Application, request: Partial<GatewayRequest> = {}): Variant {
  return {
    name,
    async run(validated) {
      const recording = record(validated(application), request);
      await recording.done;
      // The application may do something after the end.
      await pause(5);
      return recording;
    },
  };
}

/** A server by hand, with an application that is right. */
export function server(
  name: string,
  act: (kit: ServerKit) => unknown,
  application: Application = hello,
): Variant {
  return {
    name,
    async run(validated) {
      const callbacks: FinishedCallback[] = [];
      const environ = testingEnviron();
      environ['gateway.on_finished'] = (callback: FinishedCallback): void => void callbacks.unshift(callback);
      const startResponse: StartResponse = () => async () => {};
      const end = (error?: unknown): void => {
        for (const callback of callbacks) callback(environ, '200 OK', [], error);
      };
      return act({ call: validated(application), environ, startResponse, end });
    },
  };
}

/** A server that calls the application with another environ. */
export function environ(name: string, change: (environ: Environ) => unknown): Variant {
  return server(name, async ({ call, environ: ours, startResponse }) => {
    const changed = change(ours);
    // It is wrong on purpose.
    return call((changed === undefined ? ours : changed) as Environ, startResponse);
  });
}

/** A server whose environ has one key changed; undefined removes it. */
export function key(name: string, value?: unknown): Variant {
  const shown =
    value === undefined ? 'missing' : typeof value === 'string' ? JSON.stringify(value) : typeof value;
  return environ(`${name} ${shown}`, (ours) => {
    if (value === undefined) delete ours[name];
    else ours[name] = value;
  });
}

/** A complete environ. */
export function testingEnviron(): Environ {
  return setupTestingDefaults({ 'wsgi.errors': new MemoryErrors(), 'wsgi.input_terminated': true });
}

export const TEXT: HeaderList = [['Content-Type', 'text/plain']];

export const octets = (text: string): Uint8Array => Buffer.from(text);

/** Answers 200 with a body. */
export function answer(makeBody: () => unknown, headers: HeaderList = TEXT, status = '200 OK'): Application {
  return (_environ, startResponse) => {
    startResponse(status, headers);
    // Some bodies are wrong on purpose.
    return makeBody() as Body;
  };
}

export const hello: Application = answer(() => [octets('hello')]);

/** Lets a variant run in a validator that only reports, and gives what it reported. */
export async function findingsOf(
  { run }: Variant,
  options: ValidateOptions = {},
): Promise<{ readonly findings: ValidationError[]; readonly result: unknown }> {
  const findings: ValidationError[] = [];
  const note = (error: ValidationError): void => void findings.push(error);
  const settings: ValidateOptions = { mode: 'report', ...options, onError: note, onWarning: note };
  let result: unknown;
  try {
    result = await run((application) => validate(application, settings));
  } catch (error) {
    // A server by hand may fail on what it did wrong.
    result = error;
  }
  return { findings, result };
}
