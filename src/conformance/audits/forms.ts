/** Audits of the forms of an application: function, class, and object with a `call` method. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { asClass, asFunction } from '../../gateway/application.ts';
import type { Application, ApplicationClass, Environ, StartResponse } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import { audit, octets, responseAudit, text } from './kit.ts';

/** The response that every form gives. */
function begin(startResponse: StartResponse): Uint8Array[] {
  startResponse('203 Non-Authoritative Information', text(['X-Form', '1']));
  return [octets('hello '), octets('world')];
}

class SyncClass {
  readonly #chunks: Uint8Array[];
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#chunks = begin(startResponse);
  }
  *[Symbol.iterator](): Generator<Uint8Array> {
    yield* this.#chunks;
  }
}

class AsyncClass {
  readonly #startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* begin(this.#startResponse);
  }
}

class CallableObject {
  readonly #begin = begin;
  call(_environ: Environ, startResponse: StartResponse): Uint8Array[] {
    return this.#begin(startResponse);
  }
}

/** A class as compiled to ES5: a function with an iterator on its prototype. */
function makeLegacyClass(): Application {
  function LegacyClass(
    this: { chunks?: Uint8Array[] },
    _environ: Environ,
    startResponse: StartResponse,
  ): void {
    this.chunks = begin(startResponse);
  }
  function iterate(this: { chunks: Uint8Array[] }): Iterator<Uint8Array> {
    return this.chunks.values();
  }
  LegacyClass.prototype[Symbol.iterator] = iterate;
  // TypeScript has no type for a function that is called with `new`.
  return LegacyClass as unknown as ApplicationClass;
}

/** A function that looks like a class from outside. */
function makeMisleadingFunction(): (environ: Environ, startResponse: StartResponse) => Uint8Array[] {
  function application(_environ: Environ, startResponse: StartResponse): Uint8Array[] {
    return begin(startResponse);
  }
  const iterate = (): Iterator<never> => [].values();
  application.prototype[Symbol.iterator] = iterate;
  return application;
}

/** A class that looks like a function from outside. */
function makeMisleadingClass(): ApplicationClass {
  return SyncClass.bind(null);
}

/** Line 186: every form by its name. */
const FORMS: Readonly<Record<string, Application>> = {
  function: (_environ, startResponse) => begin(startResponse),
  async_function: async (_environ, startResponse) => begin(startResponse),
  generator: function* (_environ, startResponse) {
    yield* begin(startResponse);
  },
  async_generator: async function* (_environ, startResponse) {
    yield* begin(startResponse);
  },
  class: SyncClass,
  async_class: AsyncClass,
  object: new CallableObject(),
  object_with_async_call: {
    call: async (_environ: Environ, startResponse: StartResponse) => begin(startResponse),
  },
};

/** Line 188: forms recognised by their prototype or by a marker. */
const MARKED_FORMS: Readonly<Record<string, Application>> = {
  legacy_class: makeLegacyClass(),
  marked_class: asClass(makeMisleadingClass()),
  marked_function: asFunction(makeMisleadingFunction()),
};

/** The audits of lines 186 to 190. */
export const FORM_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(FORMS).map(([name, application]) =>
    formAudit(
      `forms-186-${slug(name)}`,
      `MUST serve an application of this form like any other: ${words(name)}`,
      application,
    ),
  ),
  audit({
    id: 'forms-187-construction',
    sentence: 'MUST construct a class once per request, with environ and startResponse only',
    citation: 'PEP 3333, The Application/Framework Side',
    async run(host) {
      const constructions: unknown[][] = [];
      class Recording extends SyncClass {
        constructor(...parameters: [Environ, StartResponse]) {
          super(...parameters);
          constructions.push(parameters);
        }
      }
      await onStage(host, Recording, async ({ fetch }) => {
        await fetch();
        await fetch();
        deepEqual(
          constructions.map((parameters) => parameters.map((parameter) => typeof parameter)),
          [
            ['object', 'function'],
            ['object', 'function'],
          ],
        );
      });
    },
  }),
  ...Object.entries(MARKED_FORMS).map(([name, application]) =>
    formAudit(`forms-188-${slug(name)}`, `MUST recognise this form: ${words(name)}`, application),
  ),
  audit({
    id: 'forms-189-function-call',
    sentence: 'MUST call a function with exactly two arguments, although functions have a call method too',
    citation: 'PEP 3333, The Application/Framework Side',
    async run(host) {
      const calls: unknown[][] = [];
      function application(...parameters: [Environ, StartResponse]): Uint8Array[] {
        calls.push(parameters.map((parameter) => typeof parameter));
        return begin(parameters[1]);
      }
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).statusCode, 203);
        deepEqual(calls, [['object', 'function']]);
      });
    },
  }),
  audit({
    id: 'forms-190-no-application',
    sentence: 'MUST refuse a value that is not an application when it is mounted',
    citation: 'Rack SPEC; PEP 3333, The Application/Framework Side',
    async run(host) {
      for (const value of [undefined, null, 42, 'text', {}, [], new Set()]) {
        // The types forbid these values.
        const serving = async (): Promise<void> => onStage(host, value as Application, async () => {});
        await assert.rejects(serving, TypeError, `${String(value)} must be refused`);
      }
    },
  }),
];

function formAudit(id: string, sentence: `MUST ${string}`, application: Application): GatewayAudit {
  return responseAudit({
    id,
    sentence,
    citation: 'PEP 3333, The Application/Framework Side',
    application,
    check(response) {
      equal(response.statusCode, 203);
      deepEqual(fieldValues(response, 'X-Form'), ['1']);
      equal(response.content.toString(), 'hello world');
    },
  });
}

function slug(name: string): string {
  return name.replaceAll('_', '-');
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}
