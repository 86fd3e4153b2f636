/**
 * Tells the properties that node itself sets on sockets from those that a program has set.
 *
 * node's are those of a new socket, and a few that its servers add (checked on Node 20 to 26).
 */
import { Socket } from 'node:net';
import { isTlsSocket, lateModule } from './late-modules.ts';

const ADDED_BY_SERVERS = [
  '_server',
  'server',
  'parser',
  '_paused',
  '_httpMessage',
  'on',
  'addListener',
  'prependListener',
  'setEncoding',
  'timeout',
  '_sockname',
  '_peername',
  'ssl',
];

/** Of TCP, and of TLS too. */
let known: Set<string | symbol> | undefined;
let knownOfTls: Set<string | symbol> | undefined;

function propertiesOfNode(isSecure: boolean): Set<string | symbol> {
  known ??= new Set([...Reflect.ownKeys(new Socket()), ...ADDED_BY_SERVERS]);
  if (!isSecure) return known;
  knownOfTls ??= new Set([...known, ...propertiesOfTls()]);
  return knownOfTls;
}

function propertiesOfTls(): (string | symbol)[] {
  const { TLSSocket } = lateModule('node:tls');
  const secure = new TLSSocket(new Socket());
  const names = Reflect.ownKeys(secure);
  secure.destroy();
  return names;
}

/** Gives the keys of the properties that a program has set on a socket. */
export function foreignProperties(socket: object): (string | symbol)[] {
  const ofNode = propertiesOfNode(isTlsSocket(socket));
  // Some of node's symbols come later in the life of a socket. They are told by their description.
  const symbols = Object.getOwnPropertySymbols(socket).filter((symbol) => !isOfNode(symbol));
  return [...Object.keys(socket), ...symbols].filter((key) => !ofNode.has(key));
}

const SYMBOLS_OF_NODE =
  /^(?:k[A-Z]|nodejs\.|node:|async|trigger|owner|handle|timeout|refed|res$|error-emitted|disable-renegotiation)/;

function isOfNode(symbol: symbol): boolean {
  return SYMBOLS_OF_NODE.test(symbol.description ?? '');
}
