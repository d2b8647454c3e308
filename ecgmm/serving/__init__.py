"""A demonstration page for one record at a time, at a local address; nothing is stored, nothing is sent."""
