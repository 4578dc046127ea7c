"""Tables of measured designs, or of what decisions cost, as files: CSV, Parquet and JSON from anywhere."""

from netwright.target._table_file._designs import cell_key
from netwright.target._table_file._read import read_table, table_of
from netwright.target._table_file._rows import SUFFIXES, Row, rows_of
from netwright.target._table_file._units import UNITS, value_columns

__all__ = ["SUFFIXES", "UNITS", "Row", "cell_key", "read_table", "rows_of", "table_of", "value_columns"]
