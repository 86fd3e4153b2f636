/** Rules for gateway.upgrade, which hands a socket over. */

/** The rules by id: group, line in the checklist of the gateway semantics, slug. An id never changes. */
export const UPGRADE_RULES = {
  'upgrade-251-offered': {
    level: 'MUST',
    party: 'server',
    sentence:
      'set gateway.upgrade only for a request without content that asks for another protocol: with Upgrade, and with the option upgrade in Connection',
    cite: 'docs/websockets.md; RFC 9110 §7.8',
  },
  'upgrade-252-result': {
    level: 'MUST',
    party: 'server',
    sentence:
      'give of gateway.upgrade an object with a socket, and with the octets after the request as head',
    cite: 'docs/websockets.md',
  },
  'upgrade-253-call': {
    level: 'MUST',
    party: 'application',
    sentence: 'call gateway.upgrade once, without arguments, before startResponse',
    cite: 'docs/websockets.md',
  },
  'upgrade-254-no-response': {
    level: 'MUST',
    party: 'application',
    sentence: 'give no response once it has the socket: neither startResponse nor write, and an empty body',
    cite: 'docs/websockets.md',
  },
} as const;
