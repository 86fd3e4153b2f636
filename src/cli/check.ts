/** `gatebridge --check`: tells if a run would start. */
import { Certificate } from './certificate.ts';
import { EXIT } from './exit-codes.ts';
import { openForAppend, openLog } from './log.ts';
import { dropPrivileges } from './privileges.ts';
import { NOUNS } from './recognise.ts';
import { Service } from './service.ts';
import { pathOf, type Settings } from './settings.ts';

/**
 * Reads, opens and loads all that a run needs, with its rights and in its order, and serves nothing. The process has
 * taken on the user of the settings afterwards.
 *
 * @throws what a run would throw
 */
export async function runCheck(settings: Settings): Promise<number> {
  // Errors shall be seen on the terminal.
  const log = openLog(undefined, settings.logLevel);
  const { secrets } = new Certificate(settings, log);
  openLogFile(settings, settings.logFile);
  const accessLogDescriptor = openLogFile(settings, settings.accessLogFile);
  dropPrivileges(settings);
  const service = await Service.load(settings, log, { accessLogDescriptor });
  service.useSecrets(secrets);
  // The options of the server are checked by making one.
  service.createServer();
  process.stdout.write(`${service.name} is ${NOUNS[service.kind]}, and can be served\n`);
  await service.drain();
  return EXIT.clean;
}

function openLogFile(settings: Settings, file: string | undefined): number | undefined {
  return file === undefined || file === '-' ? undefined : openForAppend(pathOf(settings, file));
}
