/** A CGI program, a script of the shell. */
import { join } from 'node:path';
import { fromCgi } from '../../../bridges/cgi/index.ts';
import type { ApplicationFunction } from '../../../src/index.ts';
import type { Peers } from '../matrix.ts';

/** Makes an application of it. */
export function create({ folder }: Peers): ApplicationFunction {
  return fromCgi(join(folder, 'site.cgi'));
}
