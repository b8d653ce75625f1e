CREATE TABLE day_rollups (
  day                INTEGER NOT NULL,
  series             INTEGER NOT NULL,
  spans              INTEGER NOT NULL,
  ok                 INTEGER NOT NULL,
  error              INTEGER NOT NULL,
  cancelled          INTEGER NOT NULL,
  interrupted        INTEGER NOT NULL,
  duration_ns        INTEGER NOT NULL,
  llm_calls          INTEGER NOT NULL,
  unknown_usage      INTEGER NOT NULL,
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  PRIMARY KEY (day, series)
) WITHOUT ROWID;

CREATE TABLE day_durations (
  day    INTEGER NOT NULL,
  series INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  spans  INTEGER NOT NULL,
  PRIMARY KEY (day, series, bucket)
) WITHOUT ROWID;

CREATE TABLE past_rollups (
  series             INTEGER NOT NULL,
  spans              INTEGER NOT NULL,
  ok                 INTEGER NOT NULL,
  error              INTEGER NOT NULL,
  cancelled          INTEGER NOT NULL,
  interrupted        INTEGER NOT NULL,
  duration_ns        INTEGER NOT NULL,
  llm_calls          INTEGER NOT NULL,
  unknown_usage      INTEGER NOT NULL,
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  PRIMARY KEY (series)
) WITHOUT ROWID;

CREATE TABLE past_durations (
  series INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  spans  INTEGER NOT NULL,
  PRIMARY KEY (series, bucket)
) WITHOUT ROWID;

INSERT INTO day_rollups SELECT
  hour / 24, series, spans, ok, error, cancelled, interrupted, duration_ns, llm_calls, unknown_usage,
  input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens
FROM rollups WHERE hour / 24 < (SELECT max(hour) / 24 FROM rollups)
ON CONFLICT (day, series) DO UPDATE SET
  spans = spans + excluded.spans, ok = ok + excluded.ok, error = error + excluded.error,
  cancelled = cancelled + excluded.cancelled, interrupted = interrupted + excluded.interrupted,
  duration_ns = duration_ns + excluded.duration_ns, llm_calls = llm_calls + excluded.llm_calls,
  unknown_usage = unknown_usage + excluded.unknown_usage, input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
  reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens;
INSERT INTO day_durations SELECT
  hour / 24, series, bucket, spans
FROM durations WHERE hour / 24 < (SELECT max(hour) / 24 FROM rollups)
ON CONFLICT (day, series, bucket) DO UPDATE SET
  spans = spans + excluded.spans;
INSERT INTO past_rollups SELECT
  series, spans, ok, error, cancelled, interrupted, duration_ns, llm_calls, unknown_usage, input_tokens,
  output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens
FROM day_rollups WHERE true
ON CONFLICT (series) DO UPDATE SET
  spans = spans + excluded.spans, ok = ok + excluded.ok, error = error + excluded.error,
  cancelled = cancelled + excluded.cancelled, interrupted = interrupted + excluded.interrupted,
  duration_ns = duration_ns + excluded.duration_ns, llm_calls = llm_calls + excluded.llm_calls,
  unknown_usage = unknown_usage + excluded.unknown_usage, input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
  reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens;
INSERT INTO past_durations SELECT
  series, bucket, spans
FROM day_durations WHERE true
ON CONFLICT (series, bucket) DO UPDATE SET
  spans = spans + excluded.spans;
