/** Prints the spans that OpenTelemetry's instrumentation of HTTP makes, by server. */
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { ask, PATHS, startServers } from './traced-servers.ts';

/** The paths that wait come last. */
const isShort = (trace: string): boolean => Number(trace.at(-1)) < 2;

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
new HttpInstrumentation().setTracerProvider(provider);
// The instrumentation patches the module when it is required.
createRequire(import.meta.url)('node:http');

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const current: Record<string, string[]> = {};
const servers = await startServers((path) => {
  const spans = current[path] ?? [];
  current[path] = spans;
  spans.push(trace.getSpan(context.active())?.spanContext().traceId ?? 'none');
});
const report: Record<string, unknown> = {};
for (const server of servers) {
  exporter.reset();
  for (const path of Object.keys(current)) delete current[path];
  const answers = await Promise.all(
    PATHS.map((path, index) => {
      const id = `${TRACE.slice(0, -1)}${index}`;
      return ask(server.port, path, `traceparent: 00-${id}-b7ad6b7169203331-01\r\n`);
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const spans = exporter.getFinishedSpans().map((span) => ({
    trace: span.spanContext().traceId,
    status: span.attributes['http.status_code'] ?? span.attributes['http.response.status_code'],
    // On a busy machine the others may be long as well.
    isLong: span.duration[1] / 1e6 >= 45 || isShort(span.spanContext().traceId),
    code: span.status.code,
  }));
  spans.sort((one, other) => (one.trace < other.trace ? -1 : 1));
  report[server.name] = {
    spans,
    current: PATHS.map((path) => current[path]),
    statuses: answers.map((answer) => answer.slice(9, 12)),
  };
  server.close();
}
process.stdout.write(JSON.stringify(report));
