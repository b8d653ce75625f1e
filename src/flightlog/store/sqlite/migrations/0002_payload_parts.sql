CREATE TABLE payload_parts (
  whole INTEGER NOT NULL,
  place INTEGER NOT NULL,
  part  INTEGER NOT NULL CHECK (part < whole),
  PRIMARY KEY (whole, place)
) WITHOUT ROWID;
CREATE INDEX payload_parts_part ON payload_parts (part);
