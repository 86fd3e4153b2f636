#!/usr/bin/env node
/** The command `gatebridge`. */
import { SOFTWARE } from '../software.ts';
import { parseArguments } from './arguments.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { formatHelp } from './help.ts';
import { outliveReaders } from './log.ts';
import { readSettings } from './read-settings.ts';
import { reportError } from './report-error.ts';
import { describeSettings, type Settings } from './settings.ts';

/** Runs the command. Parts that a run does not need are not loaded. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'fetch') {
    const { runFetch } = await import('./fetch-command.ts');
    return runFetch(argv.slice(1));
  }
  const { values } = parseArguments(argv);
  if (values.help === true || values.helpAll === true) {
    process.stdout.write(formatHelp(values.helpAll === true));
    return EXIT.clean;
  }
  if (values.version === true) {
    process.stdout.write(`${SOFTWARE.replace('/', ' ')} on node ${process.versions.node}\n`);
    return EXIT.clean;
  }
  const settings = await readSettings(argv);
  if (settings.printConfig) {
    process.stdout.write(`${describeSettings(settings)}\n`);
    return EXIT.clean;
  }
  if (settings.check) {
    const { runCheck } = await import('./check.ts');
    return runCheck(settings);
  }
  if (settings.umask !== undefined) process.umask(settings.umask);
  if (isSupervised(settings)) {
    const { Supervisor } = await import('./supervisor.ts');
    return new Supervisor(settings, argv).run();
  }
  const { runSingle } = await import('./single.ts');
  return runSingle(settings);
}

/** One process serves by itself, unless something asks for workers that can be replaced. */
function isSupervised(settings: Settings): boolean {
  const { sources, workers, reload, maxRequests, maxMemory, user, group } = settings;
  const isAsked =
    workers > 1 || sources.has('workers') || reload || user !== undefined || group !== undefined;
  return isAsked || maxRequests > 0 || maxMemory > 0;
}

outliveReaders();
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    reportError(error);
    process.exit(error instanceof CommandError ? error.exitCode : EXIT.failed);
  },
);
