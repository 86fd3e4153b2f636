/**
 * Express in both directions.
 */
export { type ExpressHandler, type ExpressNext, type ToExpressOptions, toExpress } from './to-express.ts';
