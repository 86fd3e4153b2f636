/** The front door of AWS Lambda. */
export type { LambdaResult } from './result.ts';
export type { LambdaResponseStream } from './stream-sink.ts';
export {
  type LambdaContext,
  type LambdaHandler,
  type LambdaStreamingHandler,
  type ToLambdaOptions,
  toLambda,
} from './to-lambda.ts';
