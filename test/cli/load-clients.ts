/** Clients that ask all the time, and count what fails. */
import { Agent, request } from 'node:http';
import { request as requestSecurely, Agent as SecureAgent } from 'node:https';

/** Where to ask: on this machine unless a host is named, over TLS if it is secure. */
export type Place =
  | { readonly port: number; readonly host?: string; readonly isSecure?: boolean }
  | { readonly socketPath: string };

/** The counts of a run. */
export interface Outcome {
  served: number;
  /** Messages of errors, and statuses other than 200. */
  readonly failures: string[];
  /** The distinct contents of answers. */
  readonly contents: Set<string>;
}

/** Asks with several clients at once, half of them with kept connections, until it is stopped. A pause leaves workers time to start. */
export class LoadClients {
  readonly outcome: Outcome = { served: 0, failures: [], contents: new Set() };
  readonly #clients: Promise<void>[];
  readonly #agents: Agent[] = [];
  #isStopped = false;

  /**
   * @param place Where to ask
   * @param count Number of clients
   * @param mayKeep Half of them keep their connections
   */
  constructor(place: Place, count = 6, mayKeep = true) {
    this.#clients = Array.from({ length: count }, async (_, index) => {
      // A kept connection is used again at once, as by a proxy.
      const options = { keepAlive: mayKeep && index % 2 === 0, maxSockets: 1 };
      const agent = isSecure(place) ? new SecureAgent(options) : new Agent(options);
      this.#agents.push(agent);
      while (!this.#isStopped) {
        try {
          this.outcome.contents.add(await ask(place, agent));
          this.outcome.served += 1;
        } catch (error) {
          this.outcome.failures.push(String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
  }

  /** Waits until so many more requests were served. */
  async served(count: number): Promise<void> {
    const target = this.outcome.served + count;
    while (this.outcome.served < target) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<Outcome> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
    return this.outcome;
  }
}

/** Sends a POST, which neither agents nor proxies repeat. */
function ask(place: Place, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', ...place, agent, method: 'POST', path: '/' };
    const ask = isSecure(place) ? requestSecurely : request;
    const sent = ask({ ...options, rejectUnauthorized: false }, (response) => {
      const isServed = response.statusCode === 200;
      response.toArray().then((pieces) => {
        if (isServed) resolve(pieces.join(''));
        else reject(new Error(`status ${response.statusCode}`));
      }, reject);
    });
    sent.on('error', reject);
    sent.end('content');
  });
}

function isSecure(place: Place): boolean {
  return 'isSecure' in place && place.isSecure === true;
}
