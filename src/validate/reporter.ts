/** Reports the broken rules of one response: throws, calls back, or writes to `wsgi.errors`. */
import { logLine, type RequestLog } from '../gateway/failure-log.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { ErrorStream } from '../wsgi.ts';
import { RULES, type RuleId } from './rules.ts';
import type { ValidateOptions } from './validate-options.ts';
import { deeply, type Origin, showUsersCode, ValidationError } from './validation-error.ts';

/** The reporter of one response. */
export class Reporter {
  /** The call of startResponse: the user's code to show for what is found later. */
  origin: Origin | undefined;
  readonly #options: ValidateOptions;
  readonly #environ: object;
  readonly #errors: unknown;
  /** Rules that were reported and not thrown: once a response is enough. */
  #told: Set<RuleId> | undefined;

  /**
   * @param options Checked options
   * @param environ The environ of the server, with values of any type
   */
  constructor(options: ValidateOptions, environ: object) {
    this.#options = options;
    this.#environ = environ;
    // Is checked, and replaced, for the application.
    this.#errors = Reflect.get(environ, 'wsgi.errors');
  }

  /** A string as a chunk is an error. */
  get isStrict(): boolean {
    return this.#options.strict === true;
  }

  /** Overwrite memory that is the application's again. */
  get reusesMemory(): boolean {
    return this.#options.reuseMemory === true;
  }

  /**
   * Reports a rule that the caller breaks: its code is on the stack.
   *
   * @throws {@link ValidationError} if it is a MUST, and the mode is not `report`
   */
  caller(rule: RuleId, found: string): void {
    this.#report(rule, found, undefined);
  }

  /**
   * Reports a rule that was broken by what somebody returned, or gave before: the code is no longer on the stack.
   *
   * @throws {@link ValidationError} if it is a MUST, and the mode is not `report`
   */
  result(rule: RuleId, found: string): void {
    this.#report(rule, found, this.origin);
  }

  /** Reports what nobody can catch any more. Never throws. */
  late(rule: RuleId, found: string): void {
    try {
      if (!this.#isDue(rule)) return;
      const error = this.#make(rule, found, this.origin);
      if (error.level === 'MUST') this.#tell(error, this.#options.onError);
      else this.#tell(error, this.#options.onWarning);
    } catch (error) {
      this.#logFailure(error);
    }
  }

  #report(rule: RuleId, found: string, origin: Origin | undefined): void {
    if (!this.#isDue(rule)) return;
    const error = this.#make(rule, found, origin);
    if (error.level !== 'MUST') {
      this.#tell(error, this.#options.onWarning);
    } else if (this.#options.mode === 'report') {
      this.#tell(error, this.#options.onError);
    } else {
      this.#call(this.#options.onError, error);
      throw error;
    }
  }

  #isDue(rule: RuleId): boolean {
    return this.#options.ignore?.includes(rule) !== true && this.#told?.has(rule) !== true;
  }

  #make(rule: RuleId, found: string, origin: Origin | undefined): ValidationError {
    const isRaised = this.isStrict && rule === 'body-101-strings';
    const error = deeply(() => new ValidationError(rule, found, isRaised ? 'MUST' : RULES[rule].level));
    showUsersCode(error, origin);
    return error;
  }

  #tell(error: ValidationError, callback: ((error: ValidationError) => unknown) | undefined): void {
    this.#told ??= new Set();
    this.#told.add(error.rule);
    if (callback !== undefined) this.#call(callback, error);
    else logLine(this.#log, `${error.message}\n${firstFrame(error)}`);
  }

  /** A callback may be an async function: nobody waits for it, and its failure is logged. */
  #call(callback: ((error: ValidationError) => unknown) | undefined, error: ValidationError): void {
    const called = callback?.(error);
    if (isPromise(called)) toPromise(called).catch((failure: unknown) => this.#logFailure(failure));
  }

  #logFailure(failure: unknown): void {
    logLine(this.#log, `The callback of the validator failed: ${failure}`);
  }

  get #log(): RequestLog {
    // Values of any type.
    const { REQUEST_METHOD: method, REQUEST_URI: target } = this.#environ as Readonly<
      Record<string, unknown>
    >;
    return {
      // logLine never throws, whatever the server has set.
      errors: this.#errors as ErrorStream,
      method: typeof method === 'string' ? method : undefined,
      target: typeof target === 'string' ? target : undefined,
    };
  }
}

function firstFrame({ stack = '' }: ValidationError): string {
  return /^\s+at .*$/m.exec(stack)?.[0] ?? '    at an unknown place';
}
