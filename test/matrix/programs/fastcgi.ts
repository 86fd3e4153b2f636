/** A responder: php-fpm with a site of one script, or where there is no PHP the function of gateway.ts behind serveFastCgi. */
import { type FastCgiApplication, fromFastCgi } from '../../../bridges/fastcgi/index.ts';
import type { Peers } from '../matrix.ts';

/** Makes an application of it. */
export function create({ folder, responder }: Peers): FastCgiApplication {
  const script = responder.isPhp ? { root: folder, script: 'index.php' } : {};
  return fromFastCgi({ path: responder.path, ...script });
}
