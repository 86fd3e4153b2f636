/**
 * Runs one program on node:http and on our server. The same client visits both and records what it gets.
 *
 * Each server gets a new instance of the program; one more instance then serves both at once, in one process. The
 * account of a visit holds every response (head, framing, content, trailers) and anything after it, octet by octet.
 * The program notes what it sees in its trail. Masks hide values that must differ: Date always, others by the test.
 *
 * Rule 1: nothing here knows a framework.
 * Rule 2: chunk boundaries are not compared: they depend on the arrival of pieces.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { WireClient, type WireResponse } from '../../src/conformance/wire-client.ts';
import { formatRequest, until, type WireRequest } from '../bridges/site.ts';

/** The common part of both kinds of server. */
export interface AnyServer {
  listen(port: number, host: string, listener: () => void): unknown;
  address(): AddressInfo | string | null;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
  close(callback: () => void): unknown;
}

/** One instance of a program. Makes a server of one or both kinds, only when asked. */
export interface Program {
  /** Makes a node:http server. */
  node(): AnyServer;
  /** Makes our server; the gateway logs to `log`. */
  ours(log: string[]): AnyServer;
  /** Releases the resources of the program after its servers have closed. */
  close?(): Promise<void>;
}

/** Makes an instance that notes in the trail what it sees. */
export type MakeProgram = (trail: string[]) => Program | Promise<Program>;

/** The client of one server. */
export interface Visitor {
  readonly port: number;
  /** The notes of the program so far. */
  readonly trail: readonly string[];
  /** Sends one request on a connection of its own; records the answer and anything after it. */
  fetch(request: WireRequest | string): Promise<WireResponse>;
  /** Opens a connection and records nothing by itself. */
  open(timeout?: number): WireClient;
  /** Reads an answer and records it. */
  read(client: WireClient, method?: string): Promise<WireResponse>;
  /** Adds a line to the account. */
  note(line: string): void;
  /** Waits until the trail has a line with this beginning. */
  seen(beginning: string): Promise<void>;
}

/** Options of one comparison. */
export interface ComparisonOptions {
  /** Parts of heads, texts and trails to replace by `…`; the first group of a mask is kept. */
  readonly masks?: readonly RegExp[];
  /** Never lets one instance serve both servers, because it remembers its clients. */
  readonly isSeparate?: boolean;
  /** Allows the gateway to log. */
  readonly isLogging?: boolean;
}

/** The record of a visit, the same for both servers. */
export interface Account {
  readonly text: string;
  readonly trail: readonly string[];
  readonly responses: readonly WireResponse[];
}

/** Shows longer content by its digest. */
const SHOWN_CONTENT = 3000;
const DATE = /^(date: ).*$/gim;

/** Makes the same visit to both servers, expects the same from both, and returns the account. */
export async function expectAlike(
  make: MakeProgram,
  visit: (visitor: Visitor) => Promise<unknown>,
  options: ComparisonOptions = {},
): Promise<Account> {
  const visitOn = (program: Program, which: 'node' | 'ours', trail: string[]): Promise<Account> =>
    visitServer(program, which, { trail, visit, options });
  const separate = (['node', 'ours'] as const).map(async (which) => {
    const trail: string[] = [];
    const program = await make(trail);
    try {
      return await visitOn(program, which, trail);
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
      const together = await allOf([visitOn(program, 'node', trail), visitOn(program, 'ours', trail)]);
      for (const account of together) expect(account.text).toBe(onNode.text);
    } finally {
      await program.close?.();
    }
  }
  return onOurs;
}

/** Waits for all promises, even after one failed, so that nothing runs on after the test. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

interface Visit {
  readonly trail: string[];
  readonly visit: (visitor: Visitor) => Promise<unknown>;
  readonly options: ComparisonOptions;
}

async function visitServer(program: Program, which: 'node' | 'ours', given: Visit): Promise<Account> {
  const { trail, options } = given;
  const log: string[] = [];
  const server = which === 'node' ? program.node() : program.ours(log);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The address is a string only for a pipe.
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  const responses: WireResponse[] = [];
  const clients: WireClient[] = [];
  const visitor = createVisitor({ port, trail, lines, responses, clients });
  try {
    await given.visit(visitor);
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

/** Formats a response as text. */
export function describeResponse(response: WireResponse): string {
  const { interim, framing, content, trailers } = response;
  const heads = [...interim, response].map(({ raw }) => raw).join('');
  // Our server never sends the length of a 204 (docs/http.md); some middleware sets it.
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
