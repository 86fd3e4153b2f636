/** Hosts that hand sockets over wrongly. */
import type { Duplex } from 'node:stream';
import type { Environ, HandedOver } from '../../../src/wsgi.ts';
import { node, standalone } from '../hosts.ts';
import { changing, type Sabotage, sabotaged, type WrongHosts, withLayer } from './wrong-host.ts';

/** Makes a sabotage of what `gateway.upgrade` gives. */
function giving(change: (upgrade: () => HandedOver, environ: Environ) => HandedOver): Sabotage {
  return changing((environ) => {
    const upgrade = environ['gateway.upgrade'];
    return upgrade === undefined ? {} : { 'gateway.upgrade': () => change(upgrade, environ) };
  });
}

/** Forgets that it has given the socket, and remembers the one it gave. */
const generous: Sabotage = (application) => (environ, startResponse) => {
  const upgrade = environ['gateway.upgrade'];
  let given: HandedOver | undefined;
  const again = (): HandedOver => (given ??= upgrade?.() ?? ({} as HandedOver));
  return application(
    upgrade === undefined ? environ : { ...environ, 'gateway.upgrade': again },
    startResponse,
  );
};

/** Answers, too. */
const answering: Sabotage = (application) => async (environ, startResponse) => {
  let socket: Duplex | undefined;
  const upgrade = environ['gateway.upgrade'];
  if (upgrade !== undefined) {
    environ['gateway.upgrade'] = () => {
      const handedOver = upgrade();
      // Every host of ours hands over a Duplex.
      socket = handedOver.socket as Duplex;
      return handedOver;
    };
  }
  const body = await application(environ, startResponse);
  socket?.write('HTTP/1.1 200 OK\r\n\r\n');
  return body;
};

/** Begins the response again in the place of the application. */
const openAgain: Sabotage = (application) => (environ, startResponse) => {
  const upgrade = environ['gateway.upgrade'];
  let start: (() => void) | undefined;
  if (upgrade === undefined) return application(environ, startResponse);
  const late = (): HandedOver => {
    start = undefined;
    return upgrade();
  };
  const body = application({ ...environ, 'gateway.upgrade': late }, (status, headers, excInfo) => {
    start = () => startResponse(status, headers, excInfo);
    return async () => {};
  });
  start?.();
  return body;
};

const swallow: Sabotage = (application) => async (environ, startResponse) => {
  try {
    return await application(environ, startResponse);
  } catch {
    return [];
  }
};

const offeringAlways: Sabotage = changing((environ) => ({
  'gateway.upgrade':
    environ['gateway.upgrade'] ??
    (() => {
      throw new TypeError('There is no socket');
    }),
}));

export const WRONG_UPGRADES: WrongHosts = {
  'offers upgrades to everybody': {
    host: sabotaged(node, offeringAlways),
    noticedBy: [
      'upgrade-251-offered-nothing',
      'upgrade-251-offered-no-option',
      'upgrade-251-offered-no-protocol',
      'upgrade-251-content',
      'upgrade-251-http-1-0',
    ],
  },
  'cannot hand over': {
    host: sabotaged(
      standalone,
      (application) =>
        ({ 'gateway.upgrade': _upgrade, ...environ }, startResponse) =>
          application(environ, startResponse),
    ),
    noticedBy: ['upgrade-251-answered', 'upgrade-252-octets', 'upgrade-252-pipelined', 'upgrade-254-close'],
  },
  'loses the octets after the request': {
    host: sabotaged(
      node,
      giving((upgrade) => ({ ...upgrade(), head: new Uint8Array(0) })),
    ),
    noticedBy: ['upgrade-252-octets', 'upgrade-252-pipelined'],
  },
  'hands a socket over as often as it is asked': {
    host: sabotaged(standalone, generous),
    noticedBy: ['upgrade-253-once'],
  },
  'hands over after startResponse': {
    host: sabotaged(standalone, openAgain),
    noticedBy: ['upgrade-253-after-start-response'],
  },
  'answers beside the application that has the socket': {
    host: sabotaged(node, answering),
    noticedBy: ['upgrade-254-no-response'],
  },
  'hides failures after the socket': {
    host: sabotaged(standalone, swallow),
    noticedBy: ['upgrade-254-failure-throws', 'upgrade-254-failure-rejects'],
  },
  'hides failures of bodies after the socket': {
    host: sabotaged(standalone, (application) => async (environ, startResponse) => {
      const body = await application(environ, startResponse);
      async function* quiet(): AsyncGenerator<Uint8Array | string> {
        try {
          yield* body;
        } catch {}
      }
      return Object.assign(quiet(), { close: () => body.close?.() });
    }),
    noticedBy: ['upgrade-254-failure-yields'],
  },
  'hands over sockets of clients that have left': {
    host: sabotaged(
      standalone,
      giving((upgrade) => {
        try {
          return upgrade();
        } catch {
          return { socket: { destroy() {} }, head: new Uint8Array(0) };
        }
      }),
    ),
    noticedBy: ['upgrade-254-departed'],
  },
  'has middleware that hides extensions': {
    host: withLayer(
      standalone,
      (application) =>
        ({ 'gateway.upgrade': _upgrade, ...environ }, startResponse) =>
          application(environ, startResponse),
    ),
    noticedBy: ['upgrade-255-middleware'],
  },
};
