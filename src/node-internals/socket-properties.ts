/**
 * Tells the properties that node itself sets on sockets from those that a program has set.
 *
 * node's are those of a new socket, and a few that its servers add (checked on Node 20 to 26).
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

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

let known: Set<string | symbol> | undefined;

function propertiesOfNode(): Set<string | symbol> {
  if (known !== undefined) return known;
  const plain = new Socket();
  const secure = new TLSSocket(new Socket());
  known = new Set([...Reflect.ownKeys(plain), ...Reflect.ownKeys(secure), ...ADDED_BY_SERVERS]);
  secure.destroy();
  return known;
}

/** Gives the keys of the properties that a program has set on a socket. */
export function foreignProperties(socket: object): (string | symbol)[] {
  const ofNode = propertiesOfNode();
  // Some of node's symbols come later in the life of a socket. They are told by their description.
  const symbols = Object.getOwnPropertySymbols(socket).filter((symbol) => !isOfNode(symbol));
  return [...Object.keys(socket), ...symbols].filter((key) => !ofNode.has(key));
}

const SYMBOLS_OF_NODE =
  /^(?:k[A-Z]|nodejs\.|node:|async|trigger|owner|handle|timeout|refed|res$|error-emitted|disable-renegotiation)/;

function isOfNode(symbol: symbol): boolean {
  return SYMBOLS_OF_NODE.test(symbol.description ?? '');
}
