// Traces of trenchcoat: OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 node --import ./tracing.mjs …/trenchcoat.js run
// npm install @opentelemetry/api@1 @opentelemetry/{sdk-trace-node,resources}@2 @opentelemetry/exporter-trace-otlp-http@0.223
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

new NodeTracerProvider({
  resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'trenchcoat' })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
}).register();
