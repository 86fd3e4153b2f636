/** Spellings of targets with their expected environ: no part of the path is lost in a mount. */
import { decodePath } from '../../src/gateway/native-string.ts';

export const TARGETS: readonly string[] = [
  '/',
  '//',
  '/x',
  '/X',
  '/x/',
  '/x//',
  '//x',
  '//x//y//',
  '/x?q',
  '/x/?q=/x',
  '/x/y',
  '/X/Y/',
  '/x/y/z',
  '/x/y//z/',
  '/x/.',
  '/x/..',
  '/x/../y',
  '/x/%2e%2E/y',
  '/x%2Fy',
  '/x%2fy/z',
  '/x/y%2Fz',
  '/x/%',
  '/x/%zz',
  '/x/%00',
  '/x-z/a',
  '/xy',
  '/x;v=1/y',
  '/x/y;v=1',
  '/x/a+b%20c',
  '/x/a:b@c',
  "/x/a'b(c)!",
  '/x/a|b',
  '/caf%C3%A9',
  '/Caf%C3%A9/%C3%A9',
  '/CAF%C3%A9',
  '/caf%c3%a9/y',
  '/caf%E9/y',
  '/%63af%C3%A9/y',
  '/x?',
  '/x/y?a?b',
  '/x/y?a#b',
  '/x#f',
  'http://h/x',
  'http://h/x/y?q',
  'http://h',
  'http://h/',
  'HTTP://u@h:1/x/y',
];

/**
 * Describes the error in an environ for a target; undefined if it is right or the path has no mount.
 *
 * @param routed The target as the router took it apart
 */
export function faultOf(
  target: string,
  environ: Readonly<Record<string, string | undefined>>,
  routed: string = target,
): string | undefined {
  const { REQUEST_METHOD, SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING, REQUEST_URI } = environ;
  if (REQUEST_METHOD === undefined) return undefined;
  const [path = '', query = ''] = routed
    .replace(/^http:\/\/[^/?#]*/i, '')
    .replace(/#.*/, '')
    .split(/\?(.*)/, 2);
  // SCRIPT_NAME never begins with two slashes, because links begin with it.
  const whole = SCRIPT_NAME === '' ? path || '/' : path.replace(/^\/+/, '/');
  const isWhole = `${SCRIPT_NAME}${PATH_INFO}` === decodePath(whole) && QUERY_STRING === query;
  const isSplit = !SCRIPT_NAME.endsWith('/') && !SCRIPT_NAME.startsWith('//') && /^(?:\/|$)/.test(PATH_INFO);
  if (isWhole && isSplit && REQUEST_URI === target) return undefined;
  return `${target} became ${SCRIPT_NAME} + ${PATH_INFO} ? ${QUERY_STRING} of ${REQUEST_URI}`;
}
