CREATE TABLE priced_calls (
  trace         INTEGER NOT NULL,
  span          INTEGER NOT NULL,
  cost_pico_usd INTEGER,
  is_least      INTEGER NOT NULL,
  first_ns      INTEGER,
  price_version INTEGER NOT NULL,
  PRIMARY KEY (trace, span)
) WITHOUT ROWID;
CREATE INDEX priced_calls_cost ON priced_calls (cost_pico_usd) WHERE cost_pico_usd > 0;

CREATE TABLE unpriced_calls (
  trace INTEGER NOT NULL,
  span  INTEGER NOT NULL,
  PRIMARY KEY (trace, span)
) WITHOUT ROWID;

CREATE TABLE call_sums (
  hour          INTEGER NOT NULL,
  series        INTEGER NOT NULL,
  calls         INTEGER NOT NULL,
  unknown       INTEGER NOT NULL,
  cost_pico_usd INTEGER NOT NULL,
  firsts        INTEGER NOT NULL,
  first_ns      INTEGER NOT NULL,
  PRIMARY KEY (hour, series)
) WITHOUT ROWID;

CREATE TABLE pricing (
  price_version INTEGER NOT NULL,
  trace         INTEGER,
  span          INTEGER
);

INSERT INTO unpriced_calls
SELECT s.trace, s.id
FROM series n CROSS JOIN spans s ON s.series = n.id LEFT JOIN span_more m ON m.span = s.id
WHERE (coalesce(m.kind, n.kind) = 'llm' OR coalesce(m.model, n.model) <> '' AND coalesce(m.kind, n.kind) IN
    ('embedding', 'rerank', 'speech_to_text', 'text_to_speech'))
  AND s.status NOT IN ('running', 'paused');
