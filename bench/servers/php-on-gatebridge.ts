/** PHP on the standalone server by fromFastCgi: with a connection for each child of php-fpm, as docs/fastcgi.md has it for speed. */
import { fromFastCgi } from 'gatebridge/fastcgi';
import { createServer } from 'gatebridge/server';
import { family } from './beside.ts';
import { type Contender, listenOn } from './contender.ts';
import { CHILDREN, startPhpFpm } from './php-fpm.ts';

let pids: () => readonly number[] = () => [];

export const contender: Contender = {
  pids: () => pids(),
  async listen() {
    const php = await startPhpFpm();
    pids = () => family(php.pid);
    const { socket, script } = php;
    const application = fromFastCgi({
      path: socket,
      script,
      keepAlive: CHILDREN,
      maxConnections: CHILDREN,
    });
    return listenOn(createServer(application));
  },
};
