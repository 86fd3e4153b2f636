/** Entry of src/gateway for bridges. */
export { disconnection, isDisconnection, isError, isProtocolError } from '../errors.ts';
export { adapterName, isNodeResponse, markAdapter, refuseCall, refuseMessages } from './adapter.ts';
export { failWith } from './application.ts';
export { checkOptions } from './check-options.ts';
export { describe } from './describe.ts';
export { createReceivedEnviron } from './environ.ts';
export { pairsOf, tryPairs } from './environ-pairs.ts';
export { failureResponse } from './failure.ts';
export { logError, logLine, logOf, type RequestLog } from './failure-log.ts';
export { type FieldIdentity, rewriteLines, valuesOf } from './field-lines.ts';
export { fieldRules, hasUnderscores } from './field-rules.ts';
export { insertFields, isFieldValue, isToken, toPairs } from './headers.ts';
export { Line, type Place } from './line.ts';
export { MAX_DELAY } from './max-delay.ts';
export { Members } from './members.ts';
export { environOf } from './message-environ.ts';
export { mistakenFunction, mistakenValue } from './mistaken-application.ts';
export { NameMemory } from './name-memory.ts';
export { isOctets } from './octets.ts';
export {
  type EventServer,
  isEventServer,
  type OptionsOf,
  type SettingsOf,
  settingsOf,
} from './option-table.ts';
export { encodeUtf8, isClusterWorker, joinOctets, onNextTurn } from './platform.ts';
export { isPromise, toPromise } from './promise.ts';
export { reasonPhrase } from './reason-phrase.ts';
export { refuseOnWorkers } from './refuse-on-workers.ts';
export { socketPathFault } from './socket-path.ts';
export { folderLocation, isHost, withoutOrigin } from './uri.ts';
