"""Data in and out; may import `data` and `core` only.

dispatch   `read`, `write`, `scan`: scheme or suffix -> reader, writer
files      File; delimited text, JSON lines, Parquet, Arrow; typing by our rules or by a schema
streams    compressed files as byte streams            delimited   CSV: encoding, delimiter, header, ragged lines
cells      text cells -> typed cells, null words      typed       text cells <-> the types of a schema
words      distinct words of a column, patterns        dates       date formats: recognise, parse, write
jsonlines  JSON lines <-> columns                      invalid     cells that do not fit: error, missing, dropped
sql        Query, database addresses, passwords        databases   DuckDB and SQLAlchemy behind `sql`
frames     pandas, polars, DuckDB, Arrow objects       cards       dataset card
modalities which kind of data a source holds           saving      a table into a file, in its own forms
folders    folders and archives of images              pictures    decoding one image
corpora    records of text in JSON lines
"""
