"""Record lines ↔ the messages of OTLP, protobuf and JSON; no I/O, and what is read passes the gate that it is given."""
