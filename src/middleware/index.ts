/** Entry `gatebridge/middleware`: functions from application to application, and what they are built from. */
export { type CascadeOptions, cascade } from './cascade.ts';
export { changeHead } from './change-head.ts';
export { compose } from './compose.ts';
export { type DispatchOptions, dispatch } from './dispatch.ts';
export { head } from './head.ts';
export { type HeldHead, type HeldHeadHooks, holdHead } from './hold-head.ts';
export { mapPath } from './map-path.ts';
export { type MethodOverrideOptions, methodOverride } from './method-override.ts';
export type { Middleware } from './middleware.ts';
export { type RequestIdOptions, requestId } from './request-id.ts';
export type { StartedHead } from './started-head.ts';
export { type ContextStorage, withContext } from './with-context.ts';
export { wrapBody } from './wrap-body.ts';
export { END_OF_BODY } from './wrapped-body.ts';
