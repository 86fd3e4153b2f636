/** Entry of src/gateway for bridges. */
export { disconnection, isDisconnection, isError } from '../errors.ts';
export { isNodeResponse, markAdapter, refuseCall, refuseMessages } from './adapter.ts';
export { failWith } from './application.ts';
export { checkOptions } from './check-options.ts';
export { createReceivedEnviron } from './environ.ts';
export { pairsOf, tryPairs } from './environ-pairs.ts';
export { failureResponse } from './failure.ts';
export { logError, logLine, logOf, type RequestLog } from './failure-log.ts';
export { type FieldIdentity, rewriteLines, valuesOf } from './field-lines.ts';
export { insertFields, isFieldValue, isToken, toPairs } from './headers.ts';
export { environOf } from './message-environ.ts';
export { NameMemory } from './name-memory.ts';
export { isOctets } from './octets.ts';
export { type OptionsOf, type SettingsOf, settingsOf } from './option-table.ts';
export { onNextTurn } from './platform.ts';
export { reasonPhrase } from './reason-phrase.ts';
export { withoutOrigin } from './uri.ts';
