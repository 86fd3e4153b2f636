/** Hosts that take applications, and what these return, for something else. */
import { toApplication } from '../../../src/index.ts';
import type { ApplicationFunction, Body, Chunk } from '../../../src/wsgi.ts';
import { expressMounted, node } from '../hosts.ts';
import { rebodying, type Sabotage, sabotaged, serving, type WrongHosts } from './wrong-host.ts';

/** Awaits promises of the language, and nothing else. */
const trustingPromises: Sabotage = (application) => (environ, startResponse) => {
  const result = application(environ, startResponse);
  if (result instanceof Promise) return result;
  async function* iterate(): AsyncGenerator<Chunk> {
    yield* result as Body;
  }
  return iterate();
};

/** Gives the steps of a body as they are, unless they are promises of the language. */
function stepped(body: Body): Body {
  const steps = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  async function* iterate(): AsyncGenerator<Chunk> {
    for (;;) {
      const result = steps.next();
      const { done, value } = result instanceof Promise ? await result : result;
      if (done) return;
      yield value;
    }
  }
  return iterate();
}

const WRAPPINGS = ['a-value', 'a-promise', 'a-thenable', 'a-value-then-throws', 'a-value-twice'];

/** The hosts. */
export const WRONG_FORMS: WrongHosts = {
  'functions that are taken for classes': {
    host: serving(
      node,
      (serve) => (application, options) =>
        serve(
          // Throws at a function that is no class.
          (environ, startResponse) => Reflect.construct(application as never, [environ, startResponse]),
          options,
        ),
    ),
    noticedBy: [
      'forms-186-function',
      'forms-186-async-function',
      'forms-186-generator',
      'forms-186-async-generator',
      'forms-188-marked-class',
      'forms-188-marked-function',
    ],
  },
  'objects with then that are taken for bodies': {
    host: sabotaged(node, trustingPromises),
    noticedBy: WRAPPINGS.map((name) => `forms-233-result-of-${name}`),
  },
  'objects with then that are taken for steps': {
    host: sabotaged(node, rebodying(stepped)),
    noticedBy: [...WRAPPINGS.map((name) => `body-233-step-of-${name}`), 'body-233-failing-step'],
  },
  'anything taken for an application': {
    host: serving(
      expressMounted,
      (serve) => (application, options) =>
        // Looks at the value when a request comes.
        serve((environ, startResponse) => toApplication(application)(environ, startResponse), options),
    ),
    noticedBy: ['forms-249-mistaken-values'],
  },
  'listeners that answer nothing': {
    host: sabotaged(expressMounted, () => answeringNothing),
    noticedBy: ['forms-249-listener'],
  },
};

const answeringNothing: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [];
};
