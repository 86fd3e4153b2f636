/**
 * The events of requests, with node:http's names and arguments.
 *
 * The application is the first `request` listener. Others may join it, or remove it and call it themselves, as
 * socket.io does. While it is alone and nobody observes the server, no node message object is made for a request.
 */
import type { EventEmitter } from 'node:events';
import { type IncomingMessage, METHODS } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHead } from '../../http/index.ts';
import {
  createTakeoverRequest,
  listenerOf,
  type MessageConstructors,
  serveEvent,
} from '../../messages/index.ts';
import type { ApplicationFunction, Environ } from '../../wsgi.ts';

/** Options of {@link RequestEvents}. */
export interface RequestEventsOptions {
  isObserved(): boolean;
  /** Constructors of the messages of events, if not the usual ones. */
  readonly messages: MessageConstructors | undefined;
  /** The option `shouldUpgradeCallback`; its `this` is the server. */
  readonly shouldUpgrade: ((request: IncomingMessage) => unknown) | undefined;
}

/** Chooses the function that answers a request. */
export class RequestEvents {
  readonly #emitter: EventEmitter;
  readonly #application: ApplicationFunction;
  readonly #onRequest: ApplicationFunction;
  readonly #onContinue: ApplicationFunction;
  readonly #onExpectation: ApplicationFunction;
  /** Tells if somebody waits for the event without listening for it: tracing tools patch `emit`. */
  readonly #isObserved: () => boolean;
  /** The deployer wants messages of other classes or with other settings. */
  readonly #hasOwnMessages: boolean;
  readonly #shouldUpgrade: RequestEventsOptions['shouldUpgrade'];
  /** The application is the only listener. */
  #isAlone = true;

  constructor(emitter: EventEmitter, application: ApplicationFunction, options: RequestEventsOptions) {
    const { isObserved, messages, shouldUpgrade } = options;
    this.#emitter = emitter;
    this.#isObserved = isObserved;
    this.#hasOwnMessages = messages !== undefined;
    this.#shouldUpgrade = shouldUpgrade;
    this.#application = application;
    this.#onRequest = serveEvent(emitter, 'request', messages);
    this.#onContinue = serveEvent(emitter, 'checkContinue', messages);
    this.#onExpectation = serveEvent(emitter, 'checkExpectation', messages);
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
   * Tells if the method is served. Those that node:http's parser does not know are served too, unless there is a
   * `clientError` listener, to which node:http reports them.
   */
  isKnownMethod(method: string): boolean {
    return method === 'GET' || KNOWN_METHODS.has(method) || this.#emitter.listenerCount('clientError') === 0;
  }

  /** Tells if anybody listens for this event, to take connections over. */
  hasListener(event: 'upgrade' | 'connect'): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Requests that ask for another protocol may leave HTTP. */
  get mayUpgrade(): boolean {
    return this.#shouldUpgrade !== undefined || this.hasListener('upgrade');
  }

  /** Asks the option `shouldUpgradeCallback`, if there is one. */
  confirms(event: 'upgrade' | 'connect', environ: Environ, socket: Socket): boolean {
    if (event === 'connect' || this.#shouldUpgrade === undefined) return true;
    const request = createTakeoverRequest(environ, socket);
    return Boolean(Reflect.apply(this.#shouldUpgrade, this.#emitter, [request]));
  }

  /** Gives the function that answers a request; undefined if nobody can meet its expectation. */
  choose(
    head: Pick<RequestHead, 'hasUnknownExpectation' | 'expectsContinue'>,
  ): ApplicationFunction | undefined {
    if (head.hasUnknownExpectation) {
      return this.#emitter.listenerCount('checkExpectation') > 0 ? this.#onExpectation : undefined;
    }
    if (head.expectsContinue && this.#emitter.listenerCount('checkContinue') > 0) return this.#onContinue;
    if (this.#isAlone && !this.#hasOwnMessages && !this.#isObserved()) return this.#application;
    return this.#emitter.listenerCount('request') > 0 ? this.#onRequest : unanswered;
  }
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** On node:http a request without a listener waits until its client gives up. We fail it with a reason. */
const unanswered: ApplicationFunction = () => {
  throw new Error('Nobody listens for requests: the application was removed from the server');
};
