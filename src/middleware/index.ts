/** Entry `gatebridge/middleware`: functions from application to application, and what they are built from. */
export { changeHead } from './change-head.ts';
export { compose } from './compose.ts';
export { type HeldHead, type HeldHeadHooks, holdHead } from './hold-head.ts';
export type { Middleware } from './middleware.ts';
export type { StartedHead } from './started-head.ts';
export { wrapBody } from './wrap-body.ts';
export { END_OF_BODY } from './wrapped-body.ts';
