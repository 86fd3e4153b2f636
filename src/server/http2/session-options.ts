/** Makes the options of a session of node:http2 of the options and settings of the server. */
import type { ServerSessionOptions } from 'node:http2';
import { settingsOf } from '../../gateway/option-table.ts';
import type { ServerOptions, ServerSettings } from '../options.ts';
import { HTTP2_OPTIONS } from './options.ts';

/** RFC 9113 §6.5.2: the size of a field list counts so many octets more for each field. */
const OCTETS_A_FIELD = 32;

/** The options of one session. Node 20 ignores those that node's types lack; Node 22.23 knows them. */
type SessionOptions = ServerSessionOptions & {
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
};

/**
 * Makes the options of a session.
 *
 * @param options Those of the server
 * @param settings Those of the server, as they are now
 */
export function sessionOptions(options: ServerOptions, settings: ServerSettings): SessionOptions {
  const { maxConcurrentStreams, initialWindowSize, http2: _, ...own } = settingsOf(HTTP2_OPTIONS, options);
  return {
    ...own,
    // node counts by whole seconds, and by default allows 1,000: our own budget is the finer one.
    streamResetBurst: own.streamResetBurst + own.streamResetRate,
    settings: {
      maxConcurrentStreams,
      initialWindowSize,
      // Target and fields may have `maxHeaderSize` octets each. What is a little too large gets an answer, more a reset.
      maxHeaderListSize: Math.min(
        2 * settings.maxHeaderSize + OCTETS_A_FIELD * own.maxHeaderListPairs,
        MAX_HEADER_LIST_SIZE,
      ),
      enablePush: false,
      // RFC 8441 §3.
      enableConnectProtocol: true,
    },
  };
}

/** node keeps no longer list (Node 20 to 26). */
const MAX_HEADER_LIST_SIZE = 16_777_215;
