import {
  context,
  propagation,
  type Attributes,
  type Span,
  SpanStatusCode,
  trace,
  type SpanKind,
} from '@opentelemetry/api';

const tracer = () => trace.getTracer('potentia');

/**
 * Starts tracing to an OTLP/HTTP collector, or does nothing without `endpoint`: then the SDK is not even loaded and the
 * other functions here cost a function call.
 */
export async function startTelemetry(options: {
  service: string;
  version: string;
  endpoint?: string | undefined;
}): Promise<{ shutdown(): Promise<void> }> {
  if (!options.endpoint) return { shutdown: () => Promise.resolve() };

  const [{ NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.version': options.version }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${options.endpoint}/v1/traces` }))],
  });
  provider.register();
  return {
    async shutdown() {
      await provider.shutdown();
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Runs `fn` in a span that ends with it and carries its failure. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  fn: (span: Span) => Promise<T>,
  kind?: SpanKind,
): Promise<T> {
  return tracer().startActiveSpan(name, { attributes, kind }, async (span) => {
    try {
      return await fn(span);
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The W3C `traceparent` of the active span, to hand to whoever goes on with this work; undefined when tracing is off. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Runs `fn` as a continuation of the trace that `traceparent` names. Without one, or with a malformed one, just runs it. */
export function withTraceparent<T>(traceparent: string | undefined, fn: () => T): T {
  if (!traceparent) return fn();
  return context.with(propagation.extract(context.active(), { traceparent }), fn);
}
