/**
 * One program on two servers: node:http's and ours, and clients that do the same at both and write down what they see.
 *
 * A program is made anew for each server, and once more for both servers together, in one process. A client's account
 * holds every response: the octets of the head in order and case, how the content was framed, the content, trailers,
 * and what came after. The program's own account is its trail. Whatever two servers cannot have in common is masked by
 * name: Date always, random values by the masks of a test.
 *
 * Rule 1: nothing here knows a framework.
 * Rule 2: where chunks are cut is not compared: it depends on how pieces happened to arrive.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { WireClient, type WireResponse } from '../../src/conformance/wire-client.ts';
import { formatRequest, until, type WireRequest } from '../bridges/site.ts';

/** What is used of a server of either kind. */
export interface AnyServer {
  listen(port: number, host: string, listener: () => void): unknown;
  address(): AddressInfo | string | null;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
  close(callback: () => void): unknown;
}

/** One instance of a program, and how it is served. Only those servers are made that are used. */
export interface Program {
  /** Makes the server of node:http. */
  node(): AnyServer;
  /** Makes ours; what the gateway logs goes to `log`. */
  ours(log: string[]): AnyServer;
  /** Frees what the program holds, when its servers are closed. */
  close?(): Promise<void>;
}

/** Makes an instance that notes in the trail what it observes. */
export type MakeProgram = (trail: string[]) => Program | Promise<Program>;

/** What a client of one server has at hand. */
export interface Visitor {
  readonly port: number;
  /** What the program has noted so far. */
  readonly trail: readonly string[];
  /** Sends one request on a connection of its own, and reads and notes the answer and what may follow it. */
  fetch(request: WireRequest | string): Promise<WireResponse>;
  /** Opens a connection; nothing of it is noted by itself. */
  open(timeout?: number): WireClient;
  /** Reads an answer and notes it. */
  read(client: WireClient, method?: string): Promise<WireResponse>;
  /** Adds a line to the account. */
  note(line: string): void;
  /** Waits until the trail has a line that begins so. */
  seen(beginning: string): Promise<void>;
}

/** What a test may say about a comparison. */
export interface ComparisonOptions {
  /** What is replaced by `…` in heads, texts and trails; of a group only what is outside it. */
  readonly masks?: readonly RegExp[];
  /** Whether one instance may not serve both, because it remembers its clients. */
  readonly isSeparate?: boolean;
  /** Whether the gateway may log something. */
  readonly isLogging?: boolean;
}

/** What came of it, alike on both. */
export interface Account {
  readonly text: string;
  readonly trail: readonly string[];
  readonly responses: readonly WireResponse[];
}

/** Content beyond so many octets is told by its digest. */
const SHOWN_CONTENT = 3000;
const DATE = /^(date: ).*$/gim;

/** Plays the same visit at both servers and expects the same of both; gives the account. */
export async function expectAlike(
  make: MakeProgram,
  visit: (visitor: Visitor) => Promise<unknown>,
  options: ComparisonOptions = {},
): Promise<Account> {
  const play = (program: Program, which: 'node' | 'ours', trail: string[]): Promise<Account> =>
    playAt(program, which, { trail, visit, options });
  const separate = (['node', 'ours'] as const).map(async (which) => {
    const trail: string[] = [];
    const program = await make(trail);
    try {
      return await play(program, which, trail);
    } finally {
      await program.close?.();
    }
  });
  const [onNode, onOurs] = await allOf(separate);
  if (onNode === undefined || onOurs === undefined) throw new TypeError('A server is missing');
  expect(onOurs.text).toBe(onNode.text);
  expect(onOurs.trail).toEqual(onNode.trail);
  if (options.isSeparate !== true) {
    const trail: string[] = [];
    const program = await make(trail);
    try {
      const together = await allOf([play(program, 'node', trail), play(program, 'ours', trail)]);
      for (const account of together) expect(account.text).toBe(onNode.text);
    } finally {
      await program.close?.();
    }
  }
  return onOurs;
}

/** Waits for all, also when one fails, so that nothing goes on when the test is over. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

interface Play {
  readonly trail: string[];
  readonly visit: (visitor: Visitor) => Promise<unknown>;
  readonly options: ComparisonOptions;
}

async function playAt(program: Program, which: 'node' | 'ours', play: Play): Promise<Account> {
  const { trail, options } = play;
  const log: string[] = [];
  const server = which === 'node' ? program.node() : program.ours(log);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Only a pipe's address would be a string.
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  const responses: WireResponse[] = [];
  const clients: WireClient[] = [];
  const visitor = createVisitor({ port, trail, lines, responses, clients });
  try {
    await play.visit(visitor);
  } catch (error) {
    if (error instanceof Error) error.message = `On ${which}: ${error.message}`;
    throw error;
  } finally {
    for (const client of clients) client.destroy();
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  if (options.isLogging !== true) expect(log).toEqual([]);
  const masks = [DATE, ...(options.masks ?? [])];
  const hide = (text: string): string => masked(text, masks).replaceAll(`:${port}`, ':PORT');
  return { text: hide(lines.join('\n')), trail: trail.map(hide), responses };
}

interface Notes {
  readonly port: number;
  readonly trail: string[];
  readonly lines: string[];
  readonly responses: WireResponse[];
  readonly clients: WireClient[];
}

function createVisitor({ port, trail, lines, responses, clients }: Notes): Visitor {
  const visitor: Visitor = {
    port,
    trail,
    note: (line) => void lines.push(line),
    seen: (beginning) => until(() => trail.some((line) => line.startsWith(beginning))),
    open(timeout) {
      const client = new WireClient(connect(port, '127.0.0.1'), timeout);
      clients.push(client);
      return client;
    },
    async read(client, method) {
      const response = await client.readResponse(method);
      responses.push(response);
      lines.push(describeResponse(response));
      return response;
    },
    async fetch(request) {
      const parts = typeof request === 'string' ? { target: request } : request;
      const client = visitor.open();
      client.send(formatRequest(parts));
      const response = await visitor.read(client, parts.method);
      client.halfClose();
      const rest = await client.readRest();
      if (rest.length > 0) lines.push(`and then ${rest.toString('latin1')}`);
      return response;
    },
  };
  return visitor;
}

/** Writes a response down. */
export function describeResponse(response: WireResponse): string {
  const { interim, framing, content, trailers } = response;
  const heads = [...interim, response].map(({ raw }) => raw).join('');
  // Ours never sends the length of a 204 (docs/http.md), which some middleware sets.
  const shown = response.statusCode === 204 ? heads.replace(/^Content-Length: 0\r\n/im, '') : heads;
  const text =
    content.length > SHOWN_CONTENT
      ? createHash('sha256').update(content).digest('hex')
      : content.toString('latin1');
  const fields = trailers.map(([name, value]) => `\n${name}: ${value}`).join('');
  return `${shown}[${framing}, ${content.length} octets]\n${text}${fields}`;
}

function masked(text: string, masks: readonly RegExp[]): string {
  return masks.reduce(
    (rest, mask) =>
      rest.replace(mask, (...parts: unknown[]) => (typeof parts[1] === 'string' ? `${parts[1]}…` : '…')),
    text,
  );
}
