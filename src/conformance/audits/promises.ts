/** Audits of objects with `then` in the places of promises: they are awaited as the language does. */
import assert, { equal } from 'node:assert/strict';
import type { ApplicationFunction, Body, Chunk } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import {
  aMoment,
  answering,
  assertTruncated,
  audit,
  collectFaults,
  octets,
  responseAudit,
  text,
  withoutUnhandledRejections,
} from './kit.ts';

const CITATION = 'Gateway semantics §0; ECMAScript, Await';

/** Objects that fail when they are awaited, by path. */
const FAILURES: Readonly<Record<string, () => unknown>> = {
  '/then-throws': () => thenable(fail),
  '/getter-throws': () =>
    Object.defineProperty({}, 'then', {
      get: fail,
    }),
  '/rejects': () => thenable((_resolve, reject) => reject(new Error('audit of line 233'))),
  '/promise-rejects': () => thenable((resolve) => resolve(Promise.reject(new Error('audit of line 233')))),
  '/function': () => Object.defineProperty(() => {}, 'then', { value: fail }),
};

/** Objects that give a value when they are awaited, by name. */
const WRAPPINGS: Readonly<Record<string, (value: unknown) => unknown>> = {
  'a-value': (value) => thenable((resolve) => resolve(value)),
  'a-promise': (value) => thenable((resolve) => resolve(Promise.resolve(value))),
  'a-thenable': (value) => thenable((resolve) => resolve(thenable((inner) => inner(value)))),
  'a-value-then-throws': (value) =>
    thenable((resolve) => {
      resolve(value);
      fail();
    }),
  'a-value-twice': (value) =>
    thenable((resolve, reject) => {
      resolve(value);
      resolve([octets('second')]);
      reject(new Error('too late'));
    }),
};

/** The audits of line 233. */
export const PROMISE_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'forms-233-failing-result',
    sentence: 'MUST answer 500 if what the application returned cannot be awaited, and tell the operator',
    citation: CITATION,
    async run(host) {
      const faults = collectFaults();
      const application: ApplicationFunction = (environ, startResponse) => {
        const failure = FAILURES[environ.PATH_INFO];
        // The types know no such result.
        if (failure !== undefined) return failure() as Body;
        startResponse('200 OK', text());
        return [octets('alive')];
      };
      const act = async (stage: Stage): Promise<void> => {
        for (const target of Object.keys(FAILURES)) {
          equal((await stage.fetch({ target })).statusCode, 500, `The answer must be 500 for ${target}`);
        }
        assert.match(faults.told(stage), /audit of line 233/);
        equal((await stage.fetch()).content.toString(), 'alive');
      };
      await withoutUnhandledRejections(() => onStage(host, application, act, faults.options));
    },
  }),
  ...Object.entries(WRAPPINGS).map(([name, wrap]) =>
    responseAudit({
      id: `forms-233-result-of-${name}`,
      sentence: `MUST await what the application returns: an object with then that resolves with ${words(name)}`,
      citation: CITATION,
      application(_environ, startResponse) {
        startResponse('200 OK', text());
        // The types know promises only.
        return wrap([octets('awaited')]) as Body;
      },
      check: ({ statusCode, content }) => {
        equal(statusCode, 200);
        equal(content.toString(), 'awaited');
      },
    }),
  ),
  ...Object.entries(WRAPPINGS).map(([name, wrap]) =>
    responseAudit({
      id: `body-233-step-of-${name}`,
      sentence: `MUST await what next returns: an object with then that resolves with ${words(name)}`,
      citation: CITATION,
      application: answering(() =>
        stepping((index) =>
          wrap(index < 2 ? { done: false, value: octets(`${index} `) } : { done: true, value: undefined }),
        ),
      ),
      check: ({ content }) => equal(content.toString(), '0 1 '),
    }),
  ),
  audit({
    id: 'body-233-failing-step',
    sentence: 'MUST break off the response if what next returned cannot be awaited, and log it',
    citation: CITATION,
    async run(host) {
      const application = answering(() =>
        stepping((index) => (index === 0 ? { done: false, value: octets('begun') } : thenable(fail))),
      );
      const act = async (stage: Stage): Promise<void> => {
        await assertTruncated(stage);
        await aMoment();
        assert.match(stage.server.log(), /audit of line 233/);
      };
      await withoutUnhandledRejections(() => onStage(host, application, act));
    },
  }),
];

function fail(): never {
  throw new Error('audit of line 233');
}

type Settle = (value: unknown) => void;

function thenable(settle: (resolve: Settle, reject: Settle) => void): object {
  const object = {};
  // Defined like this because a literal with `then` is a mistake elsewhere.
  Object.defineProperty(object, 'then', { value: settle });
  return object;
}

/** Makes a body of what each step returns, counted from 0. */
function stepping(step: (index: number) => unknown): Body {
  let count = 0;
  // The types know promises only.
  const next = () => step(count++) as Promise<IteratorResult<Chunk>>;
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

function words(name: string): string {
  return name.replaceAll('-', ' ');
}
