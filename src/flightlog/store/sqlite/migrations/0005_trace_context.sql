CREATE TABLE trace_context (
  trace        INTEGER PRIMARY KEY,
  session_span INTEGER,
  user_span    INTEGER
);
INSERT INTO trace_context
WITH bound AS (
  SELECT s.trace, s.id, s.start, s.span_id, c.session, c.user
  FROM span_context c JOIN spans s ON s.id = c.span
  WHERE c.session IS NOT NULL OR c.user IS NOT NULL
),
sessions AS (
  SELECT trace, id, row_number() OVER (PARTITION BY trace ORDER BY start, span_id) AS place
  FROM bound WHERE session IS NOT NULL
),
users AS (
  SELECT trace, id, row_number() OVER (PARTITION BY trace ORDER BY start, span_id) AS place
  FROM bound WHERE user IS NOT NULL
)
SELECT trace, max(session_span), max(user_span) FROM (
  SELECT trace, id AS session_span, NULL AS user_span FROM sessions WHERE place = 1
  UNION ALL SELECT trace, NULL, id FROM users WHERE place = 1
) GROUP BY trace;
