/** The three forms of an application. Each answers with its own environ. */
import type { Application, Environ, HeaderList, StartResponse } from 'gatebridge';
import { report } from './report.ts';

const HEADERS: HeaderList = [['Content-Type', 'application/json']];

/** A function: it is called once a request. */
export function functionForm(environ: Environ, startResponse: StartResponse): Uint8Array[] {
  startResponse('200 OK', HEADERS);
  return [report(environ, 'This function was called with environ and startResponse.')];
}

/** A class: it is constructed once a request, and the instance is the body. */
export class ClassForm {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#startResponse('200 OK', HEADERS);
    yield report(this.#environ, 'This instance was constructed for your request, and iterated once.');
  }
}

/** An instance: its `call` method answers every request, so it can count them. */
class InstanceForm {
  #requests = 0;

  call(environ: Environ, startResponse: StartResponse): Uint8Array[] {
    this.#requests += 1;
    startResponse('200 OK', HEADERS);
    return [report(environ, `This instance has answered ${this.#requests} requests since it was made.`)];
  }
}

export const instanceForm: Application = new InstanceForm();
