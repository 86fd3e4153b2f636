/** Puts the validator around the application of an example, and tells standard error of it. */
import type { Application } from '../../../src/index.ts';
import { type ValidationError, validate } from '../../../src/validate/index.ts';

/** Validates an application. Writes at once, because the test ends the process by a signal. */
export function validated(application: Application): Application {
  process.stderr.write('Validates an application\n');
  return validate(application, { onError: report, onWarning: report });
}

function report({ level, rule, message }: ValidationError): void {
  process.stderr.write(`Breaks a ${level}, ${rule}: ${message}\n`);
}
