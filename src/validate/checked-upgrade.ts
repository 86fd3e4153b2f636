/** Checks the call of gateway.upgrade, and what the server gives. */
import { describe } from '../gateway/describe.ts';
import { isOctets } from '../gateway/octets.ts';
import type { CheckedResponse } from './checked-response.ts';

/** The methods of a Duplex without which nobody can go on in another protocol. */
const METHODS: readonly string[] = ['on', 'write', 'end', 'destroy'];

/**
 * Wraps a server's gateway.upgrade.
 *
 * @param upgrade The function of the server
 * @param response Has no head and no content after the call
 */
export function checkUpgrade(
  upgrade: (...values: unknown[]) => unknown,
  response: CheckedResponse,
): (...values: unknown[]) => unknown {
  const { reporter } = response;
  return (...values) => {
    const rule = 'upgrade-253-call';
    if (values.length > 0) reporter.caller(rule, `found ${values.length} arguments`);
    else if (response.isHandedOver) reporter.caller(rule, 'it was called before');
    else if (response.isStarted) reporter.caller(rule, 'startResponse was called before');
    const handedOver = Reflect.apply(upgrade, undefined, values);
    response.isHandedOver = true;
    const fault = faultOf(handedOver);
    if (fault !== undefined) reporter.caller('upgrade-252-result', `found ${fault}`);
    return handedOver;
  };
}

function faultOf(handedOver: unknown): string | undefined {
  if (typeof handedOver !== 'object' || handedOver === null) return describe(handedOver);
  // A server of any kind has given it.
  const { socket, head } = handedOver as { readonly socket?: unknown; readonly head?: unknown };
  if (typeof socket !== 'object' || socket === null) return `${describe(socket)} as socket`;
  const missing = METHODS.find((method) => typeof Reflect.get(socket, method) !== 'function');
  if (missing !== undefined) return `a socket without ${missing}`;
  return isOctets(head) ? undefined : `${describe(head)} as head`;
}
