/** Makes constructors of messages by the options of http.createServer about them. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { parseUniqueHeaders, setUniqueHeaders } from '../node-internals/index.ts';
import type { MessageConstructors } from './message-constructors.ts';

/** Options of http.createServer about the messages of its events. */
export interface ServerMessageOptions {
  readonly IncomingMessage?: typeof IncomingMessage | undefined;
  readonly ServerResponse?: typeof ServerResponse | undefined;
  readonly joinDuplicateHeaders?: boolean | undefined;
  readonly rejectNonStandardBodyWrites?: boolean | undefined;
  readonly highWaterMark?: number | undefined;
  readonly uniqueHeaders?: readonly string[] | undefined;
  readonly optimizeEmptyRequests?: boolean | undefined;
}

/** Makes the constructors; undefined if no option asks for other messages than usual. */
export function serverMessages(options: ServerMessageOptions): MessageConstructors | undefined {
  const { joinDuplicateHeaders = false, uniqueHeaders, highWaterMark } = options;
  const { rejectNonStandardBodyWrites = false, optimizeEmptyRequests = false } = options;
  const Request = options.IncomingMessage ?? IncomingMessage;
  const Response = options.ServerResponse ?? ServerResponse;
  const isUsual = Request === IncomingMessage && Response === ServerResponse && !joinDuplicateHeaders;
  const isPlain = !rejectNonStandardBodyWrites && highWaterMark === undefined && uniqueHeaders === undefined;
  if (isUsual && isPlain && !optimizeEmptyRequests) return undefined;
  const parsed = uniqueHeaders === undefined ? undefined : parseUniqueHeaders(uniqueHeaders);
  function createRequest(socket: unknown): object {
    const request = Reflect.construct(Request, [socket]);
    if (joinDuplicateHeaders) request.joinDuplicateHeaders = true;
    return request;
  }
  function createResponse(request: unknown): object {
    const settings = { rejectNonStandardBodyWrites, ...(highWaterMark !== undefined && { highWaterMark }) };
    const response = Reflect.construct(Response, [request, settings]);
    if (parsed !== undefined) setUniqueHeaders(response, parsed);
    return response;
  }
  // Functions that construct what they return.
  return {
    Request: createRequest,
    Response: createResponse,
    optimizesEmptyRequests: optimizeEmptyRequests,
  } as unknown as MessageConstructors;
}
