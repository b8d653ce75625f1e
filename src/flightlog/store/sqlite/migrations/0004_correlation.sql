CREATE INDEX events_correlation ON events (
  CASE WHEN json_valid(attributes) THEN CAST(json_extract(attributes, '$.correlation_id') AS TEXT) END, time
) WHERE instr(attributes, '"correlation_id"') > 0;
CREATE INDEX events_bound_correlation ON events (
  CASE WHEN json_valid(rest) THEN CAST(json_extract(rest, '$.context.correlation_id') AS TEXT) END, time
) WHERE instr(rest, '"correlation_id"') > 0;
CREATE INDEX span_context_correlation ON span_context (CAST(correlation_id AS TEXT))
  WHERE correlation_id IS NOT NULL;
