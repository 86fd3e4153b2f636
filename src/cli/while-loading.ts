/**
 * Watches the process while code of the user is loaded: a module may end the process, or wait for something that never comes.
 * Without a word both would look like success.
 */
import { CommandError, EXIT } from './exit-codes.ts';
import { reportError } from './report-error.ts';

/** Milliseconds after which a person is told that it still loads. */
const SLOW = 10_000;

/**
 * Runs a step of the start. If the process ends meanwhile, it says so, and the exit code is that of a failure.
 *
 * @param name The file or the export, for people
 * @param kind The exit code
 */
export async function whileLoading<Value>(
  name: string,
  kind: 'application' | 'usage',
  step: () => Promise<Value>,
): Promise<Value> {
  const onExit = (code: number): void => {
    const isWaiting = code === EXIT.clean && isIdle;
    const fault = isWaiting
      ? `${name} has not loaded: it awaits something that never comes`
      : `${name} ended the process with code ${code} while it was loaded`;
    const cure = isWaiting
      ? 'Look for an await at the top of a module, or in the factory.'
      : 'Look for process.exit().';
    reportError(new CommandError(kind, fault, { cure }));
    process.exitCode = EXIT[kind];
  };
  let isIdle = false;
  const onIdle = (): void => {
    isIdle = true;
  };
  const timer = setTimeout(
    () => process.stderr.write(`gatebridge: ${name} still loads after ${SLOW / 1_000} s\n`),
    SLOW,
  ).unref();
  process.on('exit', onExit).on('beforeExit', onIdle);
  try {
    return await step();
  } finally {
    clearTimeout(timer);
    process.off('exit', onExit).off('beforeExit', onIdle);
  }
}
