/**
 * The events by which others get at requests, with node:http's names and arguments.
 *
 * The application is the `request` listener that is there from the start. Others may join it, or remove it and call it
 * themselves, as socket.io does. While it is alone nothing of node's is made for a request.
 */
import type { EventEmitter } from 'node:events';
import { METHODS } from 'node:http';
import type { RequestHead } from '../../http/index.ts';
import { listenerOf, serveEvent } from '../../messages/index.ts';
import type { ApplicationFunction } from '../../wsgi.ts';

/** Chooses who answers a request. */
export class RequestEvents {
  readonly #emitter: EventEmitter;
  readonly #application: ApplicationFunction;
  readonly #onRequest: ApplicationFunction;
  readonly #onContinue: ApplicationFunction;
  readonly #onExpectation: ApplicationFunction;
  /** Whether the application is the only listener. */
  #isAlone = true;

  constructor(emitter: EventEmitter, application: ApplicationFunction) {
    this.#emitter = emitter;
    this.#application = application;
    this.#onRequest = serveEvent(emitter, 'request');
    this.#onContinue = serveEvent(emitter, 'checkContinue');
    this.#onExpectation = serveEvent(emitter, 'checkExpectation');
    const listener = listenerOf(application);
    emitter.on('request', listener);
    emitter.on('newListener', (event) => {
      if (event === 'request') this.#isAlone = false;
    });
    emitter.on('removeListener', (event) => {
      if (event !== 'request') return;
      const listeners = emitter.listeners('request');
      this.#isAlone = listeners.length === 1 && listeners[0] === listener;
    });
  }

  /**
   * Whether the method is one that node:http's parser knows. Others are served like any, unless somebody listens for
   * `clientError`, where node:http reports them.
   */
  isKnownMethod(method: string): boolean {
    return method === 'GET' || KNOWN_METHODS.has(method) || this.#emitter.listenerCount('clientError') === 0;
  }

  /** Whether anybody wants to take over connections with this event. */
  hasListener(event: 'upgrade' | 'connect'): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Gives what answers a request; undefined if it expects what nobody knows. */
  choose(head: RequestHead): ApplicationFunction | undefined {
    if (head.hasUnknownExpectation) {
      return this.#emitter.listenerCount('checkExpectation') > 0 ? this.#onExpectation : undefined;
    }
    if (head.expectsContinue && this.#emitter.listenerCount('checkContinue') > 0) return this.#onContinue;
    if (this.#isAlone) return this.#application;
    return this.#emitter.listenerCount('request') > 0 ? this.#onRequest : unanswered;
  }
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** node:http lets a request that nobody listens for wait until its client gives up; we say what is wrong. */
const unanswered: ApplicationFunction = () => {
  throw new Error('Nobody listens for requests: the application was removed from the server');
};
