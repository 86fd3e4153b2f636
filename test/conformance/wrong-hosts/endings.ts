/** Hosts that end responses wrongly: they do not close, do not tell of a departure, or hide a failure. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Body, Chunk, Environ, FinishedCallback } from '../../../src/wsgi.ts';
import { expressMounted, node } from '../hosts.ts';
import {
  changing,
  iterated,
  onlyNext,
  rebodying,
  type Sabotage,
  sabotaged,
  serving,
  type WrongHosts,
} from './wrong-host.ts';

/** Closes a body, or disposes of it, twice. */
function closedTwice(body: Body): Body {
  // Each body has at most one of these methods.
  const { [Symbol.asyncDispose]: disposeLater, [Symbol.dispose]: dispose } = body as Partial<
    AsyncDisposable & Disposable
  >;
  const close = (): void => {
    for (let count = 0; count < 2; count += 1) {
      body.close?.();
      disposeLater?.call(body);
      dispose?.call(body);
    }
  };
  const steps = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  return { [Symbol.asyncIterator]: () => ({ next: async () => steps.next() }), close };
}

/** Ends a response at an error as if it were whole. */
function endedByErrors(isHidden: (error: unknown) => boolean): Sabotage {
  return (application) => async (environ, startResponse) => {
    try {
      const body = await application(environ, startResponse);
      async function* quiet(): AsyncGenerator<Chunk> {
        try {
          yield* body;
        } catch (error) {
          if (!isHidden(error)) throw error;
        }
      }
      return Object.assign(quiet(), { close: () => body.close?.() });
    } catch (error) {
      if (!isHidden(error)) throw error;
      startResponse('200 OK', []);
      return [];
    }
  };
}

function codeOf(error: unknown): unknown {
  return Object(error).code;
}

/** Throws errors on as others. */
const renaming: Sabotage = (application) => async (environ, startResponse) => {
  const rename = (error: unknown): Error => new Error(String(error));
  try {
    const body = await application(environ, startResponse);
    async function* renamed(): AsyncGenerator<Chunk> {
      try {
        yield* body;
      } catch (error) {
        throw rename(error);
      }
    }
    return Array.isArray(body) ? body : renamed();
  } catch (error) {
    throw rename(error);
  }
};

const dying: Sabotage = (application) => {
  let hasFailed = false;
  return async (environ, startResponse) => {
    if (hasFailed) throw new Error('Host has given up');
    try {
      return await application(environ, startResponse);
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
};

/** Gives another signal, which the real one aborts. */
function relayedSignal(environ: Environ): AbortSignal {
  const controller = new AbortController();
  environ['gateway.signal']?.().addEventListener('abort', () => controller.abort());
  return controller.signal;
}

/** Keeps the callbacks, and calls them all from one of its own. */
const callingBack: Sabotage = (application) => (environ, startResponse) => {
  const callbacks: FinishedCallback[] = [];
  environ['gateway.on_finished']?.((...finished) => {
    for (const callback of callbacks.reverse()) callback(...finished);
  });
  environ['gateway.on_finished'] = (callback) => void callbacks.push(callback);
  return application(environ, startResponse);
};

const outside = AsyncLocalStorage.snapshot();

function steppedOutside(body: Body): Body {
  const steps = iterated(body);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => outside(() => steps.next()),
      return: () => outside(() => steps.return(undefined)),
    }),
    close: () => outside(() => body.close?.()),
  };
}

const ENDS = ['the-end', 'an-asynchronous-end', 'a-throw', 'a-rejection'];

/** The hosts. */
export const WRONG_ENDINGS: WrongHosts = {
  'bodies that are closed twice': {
    host: sabotaged(node, rebodying(closedTwice)),
    noticedBy: [
      'body-122-after-the-end',
      'body-123-after-an-error',
      'body-125-after-replaced-output',
      'body-126-close-of-an-array',
      'body-127-close-of-the-body',
      'body-124-close-on-disconnect',
      ...ENDS.flatMap((end) => [`body-239-asyncdispose-after-${end}`, `body-239-dispose-after-${end}`]),
      'body-239-dispose-of-an-array',
      'body-239-dispose-on-disconnect',
    ],
  },
  'departures that bodies are not told of': {
    host: sabotaged(node, rebodying(onlyNext)),
    noticedBy: [
      'body-113-head-endless',
      'body-124-close-on-disconnect',
      'body-129-finally-on-disconnect',
      'body-131-readable',
      'body-131-readable-stream',
    ],
  },
  'a signal that is never aborted': {
    host: sabotaged(
      node,
      changing(() => {
        const { signal } = new AbortController();
        return { 'gateway.signal': () => signal };
      }),
    ),
    noticedBy: ['body-130-stuck-generator'],
  },
  'departures that are logged': {
    host: sabotaged(
      node,
      changing((environ) => {
        environ['gateway.signal']?.().addEventListener('abort', () =>
          environ['wsgi.errors'].write('Client has left'),
        );
        return {};
      }),
    ),
    noticedBy: ['body-132-quiet-log', 'body-237-what-the-signal-aborts', 'input-166-disconnect'],
  },
  'a DisconnectError that is taken for a departure': {
    host: sabotaged(
      node,
      endedByErrors((error) => codeOf(error) === 'WSGI_ERR_DISCONNECTED'),
    ),
    noticedBy: [
      'body-236-departure-of-nobody',
      'body-236-departure-of-nobody-late',
      'body-236-departure-of-another',
    ],
  },
  'failures that end the response': {
    host: sabotaged(
      node,
      endedByErrors(() => true),
    ),
    noticedBy: [
      'write-99-error-after-write',
      'body-133-truncation-chunked',
      'body-134-every-failure',
      'body-233-failing-step',
    ],
  },
  'failures that end the response, at a mount': {
    host: sabotaged(
      expressMounted,
      endedByErrors(() => true),
    ),
    noticedBy: ['bridge-213-error-after-head'],
  },
  'errors that are thrown on as others': {
    host: sabotaged(node, renaming),
    noticedBy: ['body-250-another-copy', 'body-141-on-finished-error'],
  },
  'errors that are thrown on as others, at a mount': {
    host: sabotaged(expressMounted, renaming),
    noticedBy: ['bridge-213-error-throws', 'bridge-213-error-rejects', 'bridge-213-error-iteration'],
  },
  'a failure that it does not survive': {
    host: sabotaged(node, dying),
    noticedBy: ['protocol-185-survival'],
  },
  'a log that nobody sees': {
    host: serving(node, (serve) => async (...call) => ({ ...(await serve(...call)), log: () => '' })),
    noticedBy: [
      'body-133-truncation-length',
      'body-237-async-application',
      'body-237-next-that-waits',
      'body-237-finally-block',
      'body-237-write-that-rejected',
      'forms-233-failing-result',
    ],
  },
  'a log that repeats itself': {
    host: serving(node, (serve) => async (...call) => {
      const server = await serve(...call);
      return { ...server, log: () => server.log().repeat(2) };
    }),
    noticedBy: ['body-115-one-warning'],
  },
  'callbacks in the context of the host': {
    host: sabotaged(node, callingBack),
    noticedBy: ['body-238-callbacks-synchronous', 'body-238-callbacks-asynchronous'],
  },
  'a signal of its own': {
    host: sabotaged(
      node,
      changing((environ) => {
        const signal = relayedSignal(environ);
        return { 'gateway.signal': () => signal };
      }),
    ),
    noticedBy: ['body-238-signal'],
  },
  'steps in the context of the host': {
    host: sabotaged(node, rebodying(steppedOutside)),
    noticedBy: ['body-238-steps'],
  },
};
