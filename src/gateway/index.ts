/** Entry of src/gateway for bridges. */
export { disconnection, isDisconnection, isError } from '../errors.ts';
export { isNodeResponse, markAdapter, refuseCall, refuseMessages } from './adapter.ts';
export { checkOptions } from './check-options.ts';
export { type FieldIdentity, rewriteLines, valuesOf } from './field-lines.ts';
export { insertFields, toPairs } from './headers.ts';
export { environOf } from './message-environ.ts';
export { NameMemory } from './name-memory.ts';
export { type OptionsOf, settingsOf } from './option-table.ts';
export { withoutOrigin } from './uri.ts';
