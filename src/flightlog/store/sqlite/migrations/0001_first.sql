CREATE TABLE processes (
  process_id TEXT PRIMARY KEY,
  record     TEXT,
  last_time  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE process_counters (
  process_id TEXT NOT NULL,
  name       TEXT NOT NULL,
  value      INTEGER NOT NULL,
  PRIMARY KEY (process_id, name)
) WITHOUT ROWID;

CREATE TABLE cursors (
  process_id TEXT PRIMARY KEY,
  segment    INTEGER NOT NULL,
  offset     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sources (
  id         INTEGER PRIMARY KEY,
  process_id TEXT NOT NULL,
  version    TEXT NOT NULL,
  UNIQUE (process_id, version)
);

CREATE TABLE series (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL,
  environment TEXT NOT NULL,
  service     TEXT NOT NULL,
  name        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  provider    TEXT NOT NULL,
  model       TEXT NOT NULL,
  UNIQUE (project, environment, service, name, kind, provider, model)
);

CREATE TABLE traces (
  id            INTEGER PRIMARY KEY,
  trace_id      BLOB NOT NULL,
  project       TEXT NOT NULL,
  start         INTEGER,
  "end"         INTEGER,
  root          INTEGER,
  distance      INTEGER,
  spans         INTEGER NOT NULL,
  errors        INTEGER NOT NULL,
  interrupted   INTEGER NOT NULL,
  llm_calls     INTEGER NOT NULL,
  unknown_usage INTEGER NOT NULL,
  input_tokens  INTEGER NOT NULL,
  input_known   INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  output_known  INTEGER NOT NULL,
  model_span    INTEGER,
  retries       INTEGER NOT NULL,
  UNIQUE (trace_id, project)
);
CREATE INDEX traces_newest ON traces (start, trace_id);

CREATE TABLE trace_tags (
  trace    INTEGER NOT NULL,
  position INTEGER NOT NULL,
  tag      TEXT NOT NULL,
  PRIMARY KEY (trace, position)
) WITHOUT ROWID;
CREATE INDEX trace_tags_tag ON trace_tags (tag, trace);

CREATE TABLE spans (
  id         INTEGER PRIMARY KEY,
  trace      INTEGER NOT NULL,
  span_id    BLOB NOT NULL,
  parent_id  BLOB,
  series     INTEGER NOT NULL,
  source     INTEGER NOT NULL,
  thread     TEXT,
  task       TEXT,
  level      TEXT NOT NULL,
  start      INTEGER NOT NULL,
  "end"      INTEGER,
  status     TEXT NOT NULL,
  line_hash  BLOB NOT NULL,
  input      TEXT,
  output     TEXT,
  attributes TEXT,
  more       INTEGER NOT NULL,
  UNIQUE (trace, span_id)
);
CREATE INDEX spans_series ON spans (series, start);
CREATE INDEX spans_errors ON spans (start) WHERE status = 'error';
CREATE INDEX spans_unsettled ON spans (source) WHERE (more & 1024) <> 0;

CREATE TABLE span_more (
  span        INTEGER PRIMARY KEY,
  revision    INTEGER NOT NULL,
  otel        TEXT,
  extra       TEXT,
  name        TEXT,
  kind        TEXT,
  environment TEXT,
  service     TEXT,
  model       TEXT
);
CREATE INDEX span_more_folded ON span_more (span) WHERE name IS NOT NULL;

CREATE TABLE span_context (
  span           INTEGER PRIMARY KEY,
  session,
  turn,
  user,
  job,
  correlation_id,
  experiment,
  candidate,
  example,
  split,
  rest           TEXT
);

CREATE TABLE span_usage (
  span               INTEGER PRIMARY KEY,
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  cache_read_tokens  INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens   INTEGER
);

CREATE TABLE span_errors (
  span    INTEGER PRIMARY KEY,
  type    TEXT NOT NULL,
  message TEXT,
  stack   TEXT
);

CREATE TABLE links (
  span       INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  trace_id   BLOB NOT NULL,
  span_id    BLOB,
  relation   TEXT NOT NULL,
  attributes TEXT,
  PRIMARY KEY (span, position)
) WITHOUT ROWID;
CREATE INDEX links_target ON links (trace_id);

CREATE TABLE payloads (
  id         INTEGER PRIMARY KEY,
  project    TEXT NOT NULL,
  hash       BLOB NOT NULL,
  size       INTEGER NOT NULL,
  dictionary INTEGER NOT NULL,
  z          BLOB NOT NULL,
  UNIQUE (hash, project)
);

CREATE TABLE payload_refs (
  span    INTEGER NOT NULL,
  part    INTEGER NOT NULL,
  payload INTEGER NOT NULL,
  PRIMARY KEY (span, part)
) WITHOUT ROWID;
CREATE INDEX payload_refs_payload ON payload_refs (payload);

CREATE TABLE totals (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO totals VALUES ('payloads', 0), ('payload_bytes', 0);

CREATE TABLE events (
  id         INTEGER PRIMARY KEY,
  event_id   BLOB NOT NULL,
  project    TEXT NOT NULL,
  trace      INTEGER,
  span_id    BLOB,
  time       INTEGER NOT NULL,
  name       TEXT NOT NULL,
  level      TEXT NOT NULL,
  body       TEXT,
  attributes TEXT,
  source     INTEGER NOT NULL,
  rest       TEXT,
  line_hash  BLOB NOT NULL,
  UNIQUE (event_id, project)
);
CREATE INDEX events_trace ON events (trace, time) WHERE trace IS NOT NULL;

CREATE TABLE annotations (
  id            INTEGER PRIMARY KEY,
  annotation_id TEXT NOT NULL,
  project       TEXT NOT NULL,
  trace         INTEGER,
  span_id       BLOB,
  time          INTEGER NOT NULL,
  name          TEXT NOT NULL,
  value,
  label         TEXT,
  note          TEXT,
  by            TEXT,
  attributes    TEXT,
  source        INTEGER NOT NULL,
  rest          TEXT,
  line_hash     BLOB NOT NULL,
  UNIQUE (annotation_id, project)
);
CREATE INDEX annotations_trace ON annotations (trace, time) WHERE trace IS NOT NULL;

CREATE TABLE strays (
  id   INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  line BLOB NOT NULL
);

CREATE TABLE rollups (
  hour               INTEGER NOT NULL,
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
  PRIMARY KEY (hour, series)
) WITHOUT ROWID;

CREATE TABLE durations (
  hour   INTEGER NOT NULL,
  series INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  spans  INTEGER NOT NULL,
  PRIMARY KEY (hour, series, bucket)
) WITHOUT ROWID;
