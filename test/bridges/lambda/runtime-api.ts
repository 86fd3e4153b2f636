/**
 * The Runtime API of Lambda (2018-06-01) on loopback: gives events to a runtime client, and takes what it posts.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a runtime client has posted for an invocation. */
export interface Posted {
  /** `response` or `error`. */
  readonly kind: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  /** Called with each piece that arrives. */
  readonly onPiece: (piece: Buffer) => void;
  readonly settle: (posted: Posted) => void;
  readonly fail: (error: Error) => void;
}

/** One Runtime API. */
export class RuntimeApi {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #waiting: Invocation[] = [];
  readonly #running = new Map<string, Invocation>();
  /** Requests for the next event that have none yet. */
  readonly #idle: ServerResponse[] = [];
  #count = 0;

  /** Gives the address for `AWS_LAMBDA_RUNTIME_API`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    // `address()` returns this for a server that listens on a port.
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Has an event handled. */
  invoke(event: unknown, onPiece: (piece: Buffer) => void = () => {}): Promise<Posted> {
    this.#count += 1;
    const id = `00000000-0000-0000-0000-${`${this.#count}`.padStart(12, '0')}`;
    return new Promise((settle, fail) => {
      this.#waiting.push({ id, event, onPiece, settle, fail });
      this.#give();
    });
  }

  /** Fails what waits for an answer: the client has ended. */
  fail(error: Error): void {
    for (const invocation of [...this.#waiting, ...this.#running.values()]) invocation.fail(error);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = '', kind = ''] =
      /^\/2018-06-01\/runtime\/invocation\/([^/]+)(?:\/(\w+))?$/.exec(request.url ?? '') ?? [];
    if (id === 'next') {
      this.#idle.push(response);
      this.#give();
      return;
    }
    const invocation = this.#running.get(id);
    const pieces: Buffer[] = [];
    for await (const piece of request) {
      pieces.push(piece);
      invocation?.onPiece(piece);
    }
    response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}');
    const { headers, trailers } = request;
    invocation?.settle({ kind, headers, trailers, body: Buffer.concat(pieces) });
    this.#running.delete(id);
  }

  #give(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const response = this.#idle.shift();
      const invocation = this.#waiting.shift();
      if (response === undefined || invocation === undefined) return;
      this.#running.set(invocation.id, invocation);
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': invocation.id,
        'Lambda-Runtime-Deadline-Ms': `${Date.now() + 10_000}`,
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-central-1:123456789012:function:shop',
        'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0',
      });
      response.end(JSON.stringify(invocation.event));
    }
  }
}
