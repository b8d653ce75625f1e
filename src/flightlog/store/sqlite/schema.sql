-- The whole schema as it stands after every migration. Nothing runs this file: migrations/ builds a store, and
-- a test proves that both are the same. Times are integer nanoseconds since 1970 UTC. An id made of the right
-- number of lower-case hexadecimal digits is a BLOB, any other id is the TEXT it came as.

CREATE TABLE processes (
  process_id TEXT PRIMARY KEY,  -- made at start by the process itself
  record     TEXT,              -- its process record as JSON; NULL while only its lines were seen
  last_time  INTEGER NOT NULL   -- the latest time seen in any of its lines; where its open spans end if it dies
) WITHOUT ROWID;

CREATE TABLE process_counters (
  process_id TEXT NOT NULL,     -- who counted
  name       TEXT NOT NULL,     -- what was lost
  value      INTEGER NOT NULL,  -- the greatest total it ever reported
  PRIMARY KEY (process_id, name)
) WITHOUT ROWID;

CREATE TABLE cursors (
  process_id TEXT PRIMARY KEY,  -- whose journal
  segment    INTEGER NOT NULL,  -- number of the segment file
  offset     INTEGER NOT NULL   -- bytes of it that are in this store
) WITHOUT ROWID;

CREATE TABLE sources (
  id         INTEGER PRIMARY KEY,
  process_id TEXT NOT NULL,     -- who wrote the line; empty when nobody said
  version    TEXT NOT NULL,     -- version of the program that it said
  UNIQUE (process_id, version)
);

CREATE TABLE series (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL,
  environment TEXT NOT NULL,
  service     TEXT NOT NULL,
  name        TEXT NOT NULL,    -- span name; `…` stands for all names beyond the project's limit
  kind        TEXT NOT NULL,
  provider    TEXT NOT NULL,    -- gen_ai.provider.name, or empty
  model       TEXT NOT NULL,    -- gen_ai.response.model, else gen_ai.request.model, else empty
  UNIQUE (project, environment, service, name, kind, provider, model)
);

CREATE TABLE traces (
  id            INTEGER PRIMARY KEY,  -- small, so that the spans of a trace lie together
  trace_id      BLOB NOT NULL,        -- 16 bytes
  project       TEXT NOT NULL,
  start         INTEGER,              -- least start of its spans; NULL while only events or annotations came
  "end"         INTEGER,              -- greatest end of its spans; NULL while nothing ended
  root          INTEGER,              -- spans.id of the most root-like span
  distance      INTEGER,              -- how root-like: 0 no parent, 1 parent absent, 2 neither
  spans         INTEGER NOT NULL,
  errors        INTEGER NOT NULL,     -- spans with status error
  interrupted   INTEGER NOT NULL,     -- spans with status interrupted
  llm_calls     INTEGER NOT NULL,     -- spans of kind llm
  unknown_usage INTEGER NOT NULL,     -- ended spans of kind llm that told no usage
  input_tokens  INTEGER NOT NULL,     -- sum over spans of kind llm
  input_known   INTEGER NOT NULL,     -- how many told their input tokens
  output_tokens INTEGER NOT NULL,     -- sum over spans of kind llm
  output_known  INTEGER NOT NULL,     -- how many told their output tokens
  model_span    INTEGER,              -- spans.id of the earliest span of kind llm that names a model
  retries       INTEGER NOT NULL,     -- events named retry
  UNIQUE (trace_id, project)
);
CREATE INDEX traces_newest ON traces (start, trace_id);

CREATE TABLE trace_tags (
  trace    INTEGER NOT NULL,    -- traces.id
  position INTEGER NOT NULL,    -- place in the list, from 0
  tag      TEXT NOT NULL,       -- from the root-most span's context
  PRIMARY KEY (trace, position)
) WITHOUT ROWID;
CREATE INDEX trace_tags_tag ON trace_tags (tag, trace);

CREATE TABLE trace_context (
  trace        INTEGER PRIMARY KEY,  -- traces.id; no row for one without a session and a user
  session_span INTEGER,              -- spans.id of the earliest span with a session, for a root that has none
  user_span    INTEGER               -- the same with a user
);

CREATE TABLE spans (
  id         INTEGER PRIMARY KEY,
  trace      INTEGER NOT NULL,  -- traces.id
  span_id    BLOB NOT NULL,     -- 8 bytes
  parent_id  BLOB,              -- 8 bytes; NULL for none
  series     INTEGER NOT NULL,  -- series.id: whose it is, how it is called, which model
  source     INTEGER NOT NULL,  -- sources.id: which process wrote the line
  thread     TEXT,              -- NULL for none
  task       TEXT,              -- NULL for none
  level      TEXT NOT NULL,
  start      INTEGER NOT NULL,
  "end"      INTEGER,           -- NULL while it runs
  status     TEXT NOT NULL,
  line_hash  BLOB NOT NULL,     -- BLAKE2b-64 of the line, the last judge between two lines of one span
  input      TEXT,              -- JSON of less than 512 bytes; longer values are payloads
  output     TEXT,              -- as input
  attributes TEXT,              -- as input; NULL for none
  more       INTEGER NOT NULL,  -- bits, what lies elsewhere: 1 input 2 output 4 attributes 8 error message
                                -- 16 error stack are payloads; 32 span_more 64 span_context 128 span_usage
                                -- 256 span_errors 512 links; 1024 is unsettled: open, or its parent was not
                                -- here when it was written
  UNIQUE (trace, span_id)
);
CREATE INDEX spans_series ON spans (series, start);
CREATE INDEX spans_errors ON spans (start) WHERE status = 'error';
CREATE INDEX spans_unsettled ON spans (source) WHERE (more & 1024) <> 0;

CREATE TABLE span_more (
  span        INTEGER PRIMARY KEY,  -- spans.id
  revision    INTEGER NOT NULL,
  otel        TEXT,                 -- JSON: what only OpenTelemetry names
  extra       TEXT,                 -- JSON: fields that this version does not know
  name        TEXT,                 -- this and the next four: the true values of a span whose series is `…`
  kind        TEXT,
  environment TEXT,
  service     TEXT,
  model       TEXT
);
CREATE INDEX span_more_folded ON span_more (span) WHERE name IS NOT NULL;

CREATE TABLE span_context (
  span           INTEGER PRIMARY KEY,  -- spans.id
  session,                             -- bound values keep their type: a text stays a text
  turn,
  user,
  job,
  correlation_id,
  experiment,
  candidate,
  example,
  split,
  rest           TEXT                  -- JSON: every other key, and what is no text and no number
);
CREATE INDEX span_context_correlation ON span_context (CAST(correlation_id AS TEXT))
  WHERE correlation_id IS NOT NULL;

CREATE TABLE span_usage (
  span               INTEGER PRIMARY KEY,  -- spans.id of a span of kind llm
  input_tokens       INTEGER,              -- the total, cache reads and writes included; NULL unknown
  output_tokens      INTEGER,              -- reasoning included; NULL unknown
  cache_read_tokens  INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens   INTEGER
);

CREATE TABLE span_errors (
  span    INTEGER PRIMARY KEY,  -- spans.id
  type    TEXT NOT NULL,        -- class of the exception, or a code
  message TEXT,                 -- NULL when it is a payload
  stack   TEXT                  -- NULL when it is a payload
);

CREATE TABLE links (
  span       INTEGER NOT NULL,  -- spans.id
  position   INTEGER NOT NULL,  -- place in the list, from 0
  trace_id   BLOB NOT NULL,     -- of the other span
  span_id    BLOB,              -- of the other span; NULL for its whole trace
  relation   TEXT NOT NULL,     -- why they belong together
  attributes TEXT,              -- JSON; NULL for none
  PRIMARY KEY (span, position)
) WITHOUT ROWID;
CREATE INDEX links_target ON links (trace_id);

CREATE TABLE payloads (
  id         INTEGER PRIMARY KEY,
  project    TEXT NOT NULL,
  hash       BLOB NOT NULL,     -- BLAKE2b-128 of the bytes, with those of its parts
  size       INTEGER NOT NULL,  -- bytes before compression, with those of its parts
  dictionary INTEGER NOT NULL,  -- odd: compressed, with the bundled dictionary and what it is packed behind; even: as
                                -- it is; half of it: payloads that are read one for the other before it can be
  z          BLOB NOT NULL,     -- zstd frame of its own text, without its parts
  UNIQUE (hash, project)
);

CREATE TABLE payload_refs (
  span    INTEGER NOT NULL,     -- spans.id
  part    INTEGER NOT NULL,     -- one of the first five bits of spans.more
  payload INTEGER NOT NULL,     -- payloads.id
  PRIMARY KEY (span, part)
) WITHOUT ROWID;
CREATE INDEX payload_refs_payload ON payload_refs (payload);

CREATE TABLE payload_parts (
  whole INTEGER NOT NULL,       -- payloads.id: a value put together out of its own text and of other payloads
  place INTEGER NOT NULL,       -- where in that text this part stands, in bytes; -1: nowhere, it is the beginning of
                                -- the conversation that the text is packed behind
  part  INTEGER NOT NULL CHECK (part < whole), -- payloads.id: a message, or what another request began with
  PRIMARY KEY (whole, place)
) WITHOUT ROWID;
CREATE INDEX payload_parts_part ON payload_parts (part);

CREATE TABLE totals (
  name  TEXT PRIMARY KEY,       -- payloads, or payload_bytes (compressed)
  value INTEGER NOT NULL        -- kept with each change, since counting would read every payload
) WITHOUT ROWID;
INSERT INTO totals VALUES ('payloads', 0), ('payload_bytes', 0);

CREATE TABLE events (
  id         INTEGER PRIMARY KEY,
  event_id   BLOB NOT NULL,     -- 8 bytes
  project    TEXT NOT NULL,
  trace      INTEGER,           -- traces.id; NULL for an event of the process alone
  span_id    BLOB,              -- 8 bytes; NULL for none
  time       INTEGER NOT NULL,
  name       TEXT NOT NULL,
  level      TEXT NOT NULL,
  body       TEXT,              -- NULL for none
  attributes TEXT,              -- JSON; NULL for none
  source     INTEGER NOT NULL,  -- sources.id
  rest       TEXT,              -- JSON: context, otel, environment, service, unknown fields
  line_hash  BLOB NOT NULL,     -- among lines of one event the greatest is kept
  UNIQUE (event_id, project)
);
CREATE INDEX events_trace ON events (trace, time) WHERE trace IS NOT NULL;
CREATE INDEX events_correlation ON events (
  CASE WHEN json_valid(attributes) THEN CAST(json_extract(attributes, '$.correlation_id') AS TEXT) END, time
) WHERE instr(attributes, '"correlation_id"') > 0;
CREATE INDEX events_bound_correlation ON events (
  CASE WHEN json_valid(rest) THEN CAST(json_extract(rest, '$.context.correlation_id') AS TEXT) END, time
) WHERE instr(rest, '"correlation_id"') > 0;

CREATE TABLE annotations (
  id            INTEGER PRIMARY KEY,
  annotation_id TEXT NOT NULL,
  project       TEXT NOT NULL,
  trace         INTEGER,           -- traces.id; NULL when it names none
  span_id       BLOB,              -- NULL when it is about the whole trace
  time          INTEGER NOT NULL,
  name          TEXT NOT NULL,
  value,                           -- REAL for a number, INTEGER 0 or 1 for a truth value, NULL for neither
  label         TEXT,              -- NULL for none
  note          TEXT,              -- NULL for none
  by            TEXT,              -- NULL when nobody is named
  attributes    TEXT,              -- JSON; NULL for none
  source        INTEGER NOT NULL,  -- sources.id
  rest          TEXT,              -- JSON: environment, service, unknown fields
  line_hash     BLOB NOT NULL,     -- among lines of one annotation the greatest is kept
  UNIQUE (annotation_id, project)
);
CREATE INDEX annotations_trace ON annotations (trace, time) WHERE trace IS NOT NULL;

CREATE TABLE strays (
  id   INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,    -- BLAKE2b-128 of the line
  line BLOB NOT NULL            -- what was not understood, as it came
);

CREATE TABLE rollups (
  hour               INTEGER NOT NULL,  -- start of the span in whole hours since 1970
  series             INTEGER NOT NULL,  -- series.id
  spans              INTEGER NOT NULL,  -- ended spans; the next four add up to it
  ok                 INTEGER NOT NULL,
  error              INTEGER NOT NULL,
  cancelled          INTEGER NOT NULL,
  interrupted        INTEGER NOT NULL,
  duration_ns        INTEGER NOT NULL,  -- sum
  llm_calls          INTEGER NOT NULL,
  unknown_usage      INTEGER NOT NULL,  -- model calls that told no usage
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  PRIMARY KEY (hour, series)
) WITHOUT ROWID;

CREATE TABLE durations (
  hour   INTEGER NOT NULL,      -- as in rollups
  series INTEGER NOT NULL,      -- series.id
  bucket INTEGER NOT NULL,      -- whole part of 20 × ln(nanoseconds): each is 5 % wide
  spans  INTEGER NOT NULL,      -- ended spans that took that long
  PRIMARY KEY (hour, series, bucket)
) WITHOUT ROWID;

CREATE TABLE day_rollups (
  day                INTEGER NOT NULL,  -- whole days since 1970; every day of rollups up to the last one here is here
  series             INTEGER NOT NULL,  -- series.id
  spans              INTEGER NOT NULL,  -- this and the rest: what rollups says of the 24 hours, added up
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
  day    INTEGER NOT NULL,      -- as in day_rollups
  series INTEGER NOT NULL,      -- series.id
  bucket INTEGER NOT NULL,      -- as in durations
  spans  INTEGER NOT NULL,      -- what durations says of the 24 hours, added up
  PRIMARY KEY (day, series, bucket)
) WITHOUT ROWID;

CREATE TABLE past_rollups (
  series             INTEGER NOT NULL,  -- series.id
  spans              INTEGER NOT NULL,  -- this and the rest: all of day_rollups, added up
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
  series INTEGER NOT NULL,      -- series.id
  bucket INTEGER NOT NULL,      -- as in durations
  spans  INTEGER NOT NULL,      -- all of day_durations, added up
  PRIMARY KEY (series, bucket)
) WITHOUT ROWID;

CREATE TABLE priced_calls (
  trace         INTEGER NOT NULL, -- traces.id
  span          INTEGER NOT NULL, -- spans.id of a call that is over and that somebody charges for
  cost_pico_usd INTEGER,          -- trillionths of a US dollar, a cache; NULL unknown
  is_least      INTEGER NOT NULL, -- 1 where only a part of it is known
  first_ns      INTEGER,          -- from its start to the first piece of the answer; NULL unknown
  price_version INTEGER NOT NULL, -- which prices that is by; by any others it counts as not known
  PRIMARY KEY (trace, span)
) WITHOUT ROWID;
CREATE INDEX priced_calls_cost ON priced_calls (cost_pico_usd) WHERE cost_pico_usd > 0;

CREATE TABLE unpriced_calls (
  trace INTEGER NOT NULL,         -- traces.id
  span  INTEGER NOT NULL,         -- spans.id of a call that nobody has priced since it was written
  PRIMARY KEY (trace, span)
) WITHOUT ROWID;

CREATE TABLE call_sums (
  hour          INTEGER NOT NULL, -- as in rollups
  series        INTEGER NOT NULL, -- series.id
  calls         INTEGER NOT NULL, -- rows of priced_calls; the rest is what they add up to
  unknown       INTEGER NOT NULL, -- of these, calls whose cost is not known, or not known whole
  cost_pico_usd INTEGER NOT NULL,
  firsts        INTEGER NOT NULL, -- calls that tell first_ns
  first_ns      INTEGER NOT NULL,
  PRIMARY KEY (hour, series)
) WITHOUT ROWID;

CREATE TABLE pricing (            -- one row, once a call was priced
  price_version INTEGER NOT NULL, -- of the prices that were used last
  trace         INTEGER,          -- up to this call (and span) all of priced_calls has that version; NULL is all
  span          INTEGER
);
