/** The command with some workers, as people deploy it. Its supervisor and workers are further processes. */
import { join } from 'node:path';
import { family, findPort, runBeside, untilAnswered } from './beside.ts';
import { type Contender, listeningAt } from './contender.ts';

const COMMAND = join(import.meta.dirname, '../node_modules/gatebridge/dist/src/cli/main.js');
const APPLICATION = `${join(import.meta.dirname, 'gateway-application.js')}:application`;

/** Serves the gateway application by the command. */
export function commandWith(workers: number): Contender {
  let pid = 0;
  return {
    pids: () => family(pid),
    async listen() {
      const port = await findPort();
      // The access log is written; a reader of it would take the processor of the workers.
      const options = `--bind 127.0.0.1:${port} --workers ${workers} >/dev/null 2>&1`;
      pid = await runBeside(`${process.execPath} ${COMMAND} ${APPLICATION} ${options}`);
      await untilAnswered(port);
      return listeningAt(port);
    },
  };
}
