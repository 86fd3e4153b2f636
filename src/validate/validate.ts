/**
 * The validator: an application around an application, which checks that both sides obey PEP 3333.
 *
 * It changes nothing: what is synchronous stays so, an array stays an array, and each chunk passes when it comes. It can be
 * nested, with middleware between two of them: then each sees one side of the middleware.
 */
import { isDisconnection } from '../errors.ts';
import { toApplication } from '../gateway/application.ts';
import { describe } from '../gateway/describe.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { ConnectionDirectives } from '../port.ts';
import type {
  Application,
  ApplicationFunction,
  Body,
  Environ,
  FinishedCallback,
  StartResponse,
} from '../wsgi.ts';
import { checkEnviron } from './check-environ.ts';
import { type BodyWatch, checkBody } from './checked-body.ts';
import { CheckedResponse } from './checked-response.ts';
import { checkErrors, checkInput } from './checked-streams.ts';
import { checkUpgrade } from './checked-upgrade.ts';
import { Reporter } from './reporter.ts';
import { checkValidateOptions, type ValidateOptions } from './validate-options.ts';

/**
 * Puts the validator around an application.
 *
 * @param application The application, in any of its forms
 * @param options What to check, and how to tell it
 * @returns an application that answers as the given one does
 * @throws TypeError if the application or an option is invalid
 * @example
 * createServer(validate(application)).listen(8124);
 */
export function validate(application: Application, options: ValidateOptions = {}): ApplicationFunction {
  checkValidateOptions(options);
  const call = toApplication(application);
  return (...values) => {
    const [environ, startResponse] = values;
    const reporter = new Reporter(options, isObject(environ) ? environ : {});
    checkCall(values, reporter);
    // In mode `report` the application is to fail as it would without the validator.
    if (!checkEnviron(environ, reporter) || typeof startResponse !== 'function')
      return call(environ, startResponse);
    return new Validation(environ, startResponse, reporter).run(call);
  };
}

function checkCall(values: readonly unknown[], reporter: Reporter): void {
  if (values.length !== 2) reporter.caller('environ-187-arguments', `found ${values.length} arguments`);
  else if (typeof values[1] !== 'function')
    reporter.caller('environ-187-arguments', `found ${describe(values[1])} as startResponse`);
}

/** The validation of one call. */
class Validation {
  readonly #environ: Environ;
  readonly #response: CheckedResponse;
  #watch: BodyWatch | undefined;
  #isTold = false;

  constructor(environ: Environ, startResponse: StartResponse, reporter: Reporter) {
    this.#environ = environ;
    this.#response = new CheckedResponse(startResponse, environ.REQUEST_METHOD === 'HEAD', reporter);
  }

  run(call: ApplicationFunction): Body | Promise<Body> {
    this.#awaitEnd();
    this.#replaceKeys();
    const body = call(this.#environ, this.#response.startResponse);
    return isPromise(body) ? toPromise(body).then((settled) => this.#take(settled)) : this.#take(body);
  }

  #take(returned: Body): Body {
    const { body, watch } = checkBody(returned, this.#response, this.#isTold);
    this.#watch = watch;
    return body;
  }

  /**
   * Hears of the end of the response twice: before the first callback of the application, which may use memory again, and
   * after the last one, because it was registered first.
   */
  #awaitEnd(): void {
    const environ = this.#environ;
    const onFinished = environ['gateway.on_finished'];
    if (typeof onFinished !== 'function') return;
    this.#isTold = true;
    const end: FinishedCallback = (_environ, _status, _headers, error) => this.#end(error);
    onFinished(end);
    replace(environ, 'gateway.on_finished', (...values: [callback: FinishedCallback]): unknown => {
      const [callback] = values;
      if (typeof callback !== 'function') return Reflect.apply(onFinished, undefined, values);
      return onFinished((...ending) => {
        this.#end(ending[3]);
        return callback(...ending);
      });
    });
  }

  #end(error: unknown): void {
    // An application may not have noticed that its client has left.
    if (error === undefined) this.#response.isComplete = true;
    else if (isDisconnection(error)) this.#response.isComplete = false;
    this.#watch?.checkOver();
    this.#watch = undefined;
  }

  #replaceKeys(): void {
    const environ = this.#environ;
    const { reporter } = this.#response;
    const { 'wsgi.input': input, 'wsgi.errors': errors, 'gateway.connection': connection } = environ;
    const mayEndLate = environ['wsgi.input_terminated'] !== true;
    if (isObject(input)) replace(environ, 'wsgi.input', checkInput(input, mayEndLate, reporter));
    if (isObject(errors)) replace(environ, 'wsgi.errors', checkErrors(errors, reporter));
    const upgrade = environ['gateway.upgrade'];
    if (typeof upgrade === 'function')
      replace(environ, 'gateway.upgrade', checkUpgrade(upgrade, this.#response));
    if (typeof connection !== 'function') return;
    replace(environ, 'gateway.connection', (directives: ConnectionDirectives): unknown => {
      if (directives.interim !== undefined) this.#response.mayBeInterim = directives.interim;
      return Reflect.apply(connection, undefined, [directives]);
    });
  }
}

/** A frozen environ was reported, and stays as it is. */
function replace(environ: Environ, key: string, value: unknown): void {
  Reflect.set(environ, key, value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
