"""Tables of measured designs from files: CSV, Parquet and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.errors import DataError
from netwright.target._design_table import DesignTable
from netwright.target._table_file._designs import design_columns, designs_of, with_paths
from netwright.target._table_file._rows import Row, rows_of
from netwright.target._table_file._units import value_columns
from netwright.target._table_target import TableTarget

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["read_table", "table_of"]


def read_table(
    path: str | PathLike[str],
    space: Space,
    *,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> TableTarget:
    """Target of a file of measured designs of a space.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> space = nw.Space(nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3)), input=nw.image(1, 8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "phone.csv"
    ...     _ = file.write_text("channels,kernel,Latency (us)\\n8,1,200\\n8,3,400\\n16,1,300\\n16,3,700\\n")
    ...     phone = read_table(file, space)
    >>> phone, phone.latency(None, {"channels": 8, "kernel": 3}).value
    (<target phone: latency_ms>, 0.4)

    A design is a row whose columns are decision paths in any case (empty where a design does not decide), or one
    column, such as `design`, that holds an object as JSON or Python prints it, or the text form of the space: the
    authors' string for nasbench201, 22 indices for fbnet. A value is in a column named for its quantity and unit,
    such as latency_ms, `Latency (us)` or memory_kb, or its cells have one, such as `14 ms`; all are converted to ms,
    mJ and bytes. Other columns are named in `unread`. A CSV file has commas, semicolons or tabs; a JSON file is a
    list of such rows.

    name: of the target; the name of the file where not given. columns: names that the values, and the designs, have
    in the file, by what they are, such as {"latency_ms": "pixel2", "design": "arch"}.

    Raises DataError, in one sentence with the row, for what is no such table.
    """
    file = Path(path)
    return table_of(rows_of(file), file, space, name=name, columns=columns)


def table_of(
    rows: Sequence[Row],
    file: Path,
    space: Space,
    *,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> TableTarget:
    """Target of the rows of a file, as `read_table` makes it."""
    rows = with_paths(rows, space)
    given = dict(columns or {})
    column = given.pop("design", None)
    named = value_columns(rows[0], given, file.name)
    designs = designs_of(space, rows, file.name, column)
    values = {
        quantity: [told.read(row.get(told.name), number, file.name) for number, row in enumerate(rows, 1)]
        for quantity, told in named.items()
    }
    _check_repeats(designs, rows, {column.name for column in named.values()}, file.name)
    target = TableTarget(name or file.stem, designs, values, source=file.name)
    read = {column.name for column in named.values()} | design_columns(space, rows[0], file.name, column)
    target.unread = tuple(each for each in rows[0] if each and each not in read)
    return target


def _check_repeats(designs: DesignTable, rows: Sequence[Row], told: set[str], file: str) -> None:
    """Raise DataError for two rows of one design, with what tells them apart, such as a batch."""
    if (twice := designs.twice()) is not None:
        before, number = twice
        apart = [str(c) for c, cell in rows[number].items() if cell != rows[before].get(c) and c not in told]
        differ = f", which differ in {', '.join(apart)}: keep one of them in a file" if apart else ""
        raise DataError(
            f"a table has each design once, but rows {before + 1} and {number + 1} of {file} are one design{differ}."
        )
