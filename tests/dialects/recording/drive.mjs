// Calls models with Vercel's AI SDK, whose own spans are written as OTLP in JSON, one message a line.
import { appendFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { embed, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const value = (v) =>
  typeof v === "boolean" ? { boolValue: v }
  : typeof v === "number" ? (Number.isInteger(v) ? { intValue: v } : { doubleValue: v })
  : Array.isArray(v) ? { arrayValue: { values: v.map(value) } }
  : { stringValue: String(v) };
const pairs = (told) => Object.entries(told).map(([key, v]) => ({ key, value: value(v) }));
const nano = ([s, n]) => String(BigInt(s) * 1000000000n + BigInt(n));

const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const context = span.spanContext();
      const told = {
        traceId: context.traceId, spanId: context.spanId, name: span.name, kind: span.kind + 1,
        startTimeUnixNano: nano(span.startTime), endTimeUnixNano: nano(span.endTime),
        attributes: pairs(span.attributes), status: { code: span.status.code === 2 ? 2 : 0 },
      };
      const parent = span.parentSpanContext?.spanId ?? span.parentSpanId;
      if (parent) told.parentSpanId = parent;
      const scope = span.instrumentationScope ?? span.instrumentationLibrary;
      const inner = { scope: { name: scope.name, version: scope.version ?? "" }, spans: [told] };
      const resource = { attributes: pairs({ "service.name": process.env.RECORD_NAME }) };
      appendFileSync(process.env.RECORD_TO, JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [inner] }] }) + "\n");
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const tracer = provider.getTracer("ai");
const openai = createOpenAI({ baseURL: process.env.PROVIDER + "/v1", apiKey: "none" });
const experimental_telemetry = { isEnabled: true, tracer, metadata: { sessionId: "s-1", userId: "u-7" } };
const model = openai.chat("gpt-4o-mini");
await generateText({ model, prompt: "hello", temperature: 0.5, experimental_telemetry });
const get_weather = tool({
  description: "The weather.", inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => `18 degrees in ${city}`,
});
await generateText({ model, prompt: "the weather?", tools: { get_weather }, stopWhen: stepCountIs(3), experimental_telemetry });
const stream = streamText({ model, prompt: "hello", experimental_telemetry });
for await (const _ of stream.textStream);
await stream.usage;
await embed({ model: openai.embedding("text-embedding-3-small"), value: "hello", experimental_telemetry });
await generateText({ model: openai("gpt-4o-mini"), prompt: "hello", experimental_telemetry });
await provider.forceFlush();
