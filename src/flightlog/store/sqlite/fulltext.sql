-- The index of texts, in a file of its own beside the store. It holds no text, only which words stand where; all of it
-- can be made anew from the store. Its rows have the numbers of the store's.

CREATE TABLE state (
  name  TEXT PRIMARY KEY,       -- version of this schema; word of the notes that were taken last; the greatest number
                                -- of payloads, spans and events that is indexed; unmerged after something was forgotten;
                                -- spare while what that freed goes back to the disk
  value NOT NULL
) WITHOUT ROWID;

CREATE TABLE cut (
  payload INTEGER PRIMARY KEY   -- payloads.id of a text of which only the beginning is indexed
);

CREATE TABLE witnesses (
  span    INTEGER PRIMARY KEY,  -- spans.id of some that were indexed last: whether it is the same store
  span_id BLOB NOT NULL,
  start   INTEGER NOT NULL
);

CREATE VIRTUAL TABLE payload_words USING fts5 (text, content = '', tokenize = 'ascii');
CREATE VIRTUAL TABLE span_words USING fts5 (input, output, content = '', tokenize = 'ascii');
CREATE VIRTUAL TABLE error_words USING fts5 (text, content = '', tokenize = 'ascii');
CREATE VIRTUAL TABLE event_words USING fts5 (text, content = '', tokenize = 'ascii');
