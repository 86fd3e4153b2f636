/** PHP on the standalone server by fromFastCgi: a connection to php-fpm for each request, as by default. */
import { fromFastCgi } from 'gatebridge/fastcgi';
import { createServer } from 'gatebridge/server';
import { type Contender, listenOn } from './contender.ts';
import { family, startPhpFpm } from './php-fpm.ts';

let pids: () => readonly number[] = () => [];

export const contender: Contender = {
  pids: () => pids(),
  async listen() {
    const php = await startPhpFpm();
    pids = () => family(php.pid);
    const { socket, script } = php;
    return listenOn(createServer(fromFastCgi({ path: socket, script })));
  },
};
