"""Tables: header, label, missing cells, encodings, containers and damage."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import DataError, UnknownNameError
from netwright.quality import load_task
from netwright.quality.data import _base
from netwright.quality.data._columns import Column, Table, TableEncoder
from netwright.quality.data._table_label import choose_label
from netwright.quality.data._tables import delimiter_of, read_text

RNG = np.random.default_rng(0)


def csv_text(rows: int = 40, header: str = "a,b,town,class", delimiter: str = ",") -> str:
    lines = [header] if header else []
    for i in range(rows):
        lines.append(f"{i / 7:.3f},{i * 3},{('Ulm', 'Bern', 'Rom')[i % 3]},{i % 2}")
    return "\n".join(lines).replace(",", delimiter) + "\n"


def save(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_numbers_are_standardised_and_names_are_one_hot(tmp_path: Path) -> None:
    task = load_task(save(tmp_path, csv_text()))
    assert (task.name, task.kind, task.input_shape, task.classes) == ("t", "table", (5,), 2)
    assert "label column 'class', by its name" in task.note
    np.testing.assert_allclose(task.train.x[:, :2].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(task.train.x[:, 2:].sum(axis=1), 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", ["a,b,town,class", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_headers(tmp_path: Path, delimiter: str, header: str, end: str) -> None:
    content = csv_text(header=header, delimiter=delimiter).replace("\n", end)
    task = load_task(save(tmp_path, content))
    assert (task.input_shape, task.classes) == ((5,), 2)
    assert sum(task.sizes.values()) == 40


def zipped(*members: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv.gz", gzip.compress(csv_text().encode())),
        ("t.zip", zipped(("in/t.csv", csv_text()), ("__MACOSX/._t.csv", "x"), (".DS_Store", "x"))),
        ("t.csv", b"\xef\xbb\xbf" + csv_text().encode()),
        ("t.csv", csv_text().replace("Ulm", "Zürich").encode("latin-1")),
        ("t.csv", csv_text().replace("Ulm", '"Neu\nUlm"').encode()),
        ("t.csv", csv_text().replace("\n", "\n\n").encode()),
    ],
)
def test_containers_and_encodings(tmp_path: Path, name: str, content: bytes) -> None:
    task = load_task(save(tmp_path, content, name))
    assert (task.name, task.input_shape, sum(task.sizes.values())) == ("t", (5,), 40)


def test_libsvm_text(tmp_path: Path) -> None:
    content = "".join(f"{i % 2 * 2 - 1} 1:{i / 3:.3f} 3:{-i}\n" for i in range(1, 41))
    task = load_task(save(tmp_path, content, "t.txt"))
    assert (task.input_shape, task.class_names) == ((3,), ("-1", "1"))


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "when": pa.array(np.arange(40).astype("datetime64[D]")),
            "yes": [i % 3 == 0 for i in range(40)],
            "size": pa.array([None if i % 5 == 0 else i / 3 for i in range(40)]),
            "town": pa.array(["Ulm", "Bern"] * 20).dictionary_encode(),
            "y": ["up", "down"] * 20,
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    task = load_task(tmp_path / "t.parquet")
    assert task.class_names == ("down", "up")
    # when, yes, size and its indicator, two towns
    assert task.input_shape == (6,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, float("nan")] * 20, "has NaN in column 'a'"),
        ([1.0, float("inf")] * 20, "has an infinite value in column 'a'"),
        ([[1, 2]] * 40, "has a column 'a' of list"),
    ],
)
def test_parquet_that_is_refused(tmp_path: Path, values: list[object], message: str) -> None:
    pq.write_table(pa.table({"a": values, "y": [0, 1] * 20}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=message):
        load_task(tmp_path / "t.parquet")


@pytest.mark.parametrize("cut", [8, 100, -1])
def test_truncated_parquet(tmp_path: Path, cut: int) -> None:
    pq.write_table(pa.table({"a": RNG.normal(size=40), "y": [0, 1] * 20}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as a Parquet table") as caught:
        load_task(save(tmp_path, content[:cut], "t.parquet"))
    assert "\n" not in str(caught.value)


def test_missing_numbers_become_the_median_and_say_so(tmp_path: Path) -> None:
    rows = [f"{'' if i % 4 == 0 else i},{i % 3},{i % 2}" for i in range(40)]
    task = load_task(save(tmp_path, "a,b,y\n" + "\n".join(rows)))
    first = task.preprocessing()["columns"][0]
    assert first["missing_indicator"]
    missing = task.train.x[:, 1] == 1
    # All missing cells are the same number, the median.
    assert len(np.unique(task.train.x[missing, 0])) == 1
    assert 0 < missing.mean() < 0.5


@pytest.mark.parametrize("word", ["?", "NA", "n/a", "null", " ? "])
def test_words_for_missing(tmp_path: Path, word: str) -> None:
    rows = [f"{word if i % 4 == 0 else i},{word if i % 5 == 0 else 'ab'[i % 2]},{i % 2}" for i in range(40)]
    assert load_task(save(tmp_path, "a,b,y\n" + "\n".join(rows))).input_shape == (4,)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=3, max_size=30), st.randoms())
def test_encoding_has_statistics_of_its_own_rows_only(cells: list[float | None], random: object) -> None:
    values = np.array([np.nan if cell is None else cell for cell in cells])
    if np.isnan(values[:2]).all():
        return
    table = Table((Column("a", values),))
    encoder = TableEncoder.fit(table[np.arange(2)], "x")
    changed = Table((Column("a", np.concatenate([values[:2], values[2:] * 7 + 1])),))
    assert encoder == TableEncoder.fit(changed[np.arange(2)], "x")
    assert np.isfinite(encoder.encode(table)).all()


def test_refit_keeps_the_features() -> None:
    numbers, names = np.array([1.0, np.nan, 3.0, 9.0]), np.array([0, 1, 0, 2])
    table = Table((Column("a", numbers), Column("b", names, ("x", "y", "z"))))
    encoder = TableEncoder.fit(table[np.arange(2)], "x")
    again = encoder.refit(table)
    assert encoder.encode(table).shape == again.encode(table).shape == (4, 4)
    # "z" was never met in training, so it is neither of the known levels.
    assert again.encode(table)[3, 2:].tolist() == [0, 0]
    assert again.describe()["columns"][0]["median"] == 3.0


def test_many_levels_are_cut_to_the_frequent_ones() -> None:
    names = tuple(f"n{i:03}" for i in range(100))
    codes = np.concatenate([np.arange(100).repeat(3), np.arange(10).repeat(20)])
    table = Table((Column("b", codes, names),))
    assert TableEncoder.fit(table, "x").encode(table).shape == (500, 64)


def test_free_text_is_left_out_and_named(tmp_path: Path) -> None:
    rows = [f"{i},key{i},{i % 2}" for i in range(80)]
    task = load_task(save(tmp_path, "a,id,y\n" + "\n".join(rows)))
    assert task.input_shape == (1,)
    assert "free text left out: id" in task.note


def test_nothing_left_to_learn_from(tmp_path: Path) -> None:
    rows = [f"key{i},{i % 2}" for i in range(80)]
    with pytest.raises(DataError, match="has no usable column beside its label"):
        load_task(save(tmp_path, "id,y\n" + "\n".join(rows)))


def column(values: list[float] | list[str]) -> Column:
    if isinstance(values[0], str):
        levels = tuple(sorted(set(values)))
        return Column("c", np.array([levels.index(value) for value in values]), levels)
    return Column("c", np.array(values, float))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["age,town", "1,Ulm", "2,Rom"], ["age", "town"]),
        (["age,", "1,Ulm", "2,Rom"], ["age", "2"]),
        (["0,1,target", "1,1,0", "2,2,1"], ["0", "1", "target"]),
        (["colour,town", "red,Ulm", "blue,Rom"], ["colour", "town"]),
        (["red,Ulm", "red,Rom", "blue,Ulm"], None),
        (["1,2", "3,4"], None),
        (["?,3", "1,0", "2,1"], None),
        (["1,cat", "2,cat", "3,owl"], None),
        (["a,a", "b,d", "c,e"], None),
        (["'1',2", "'3',4"], None),
    ],
)
def test_headers(lines: list[str], names: list[str] | None) -> None:
    columns, named = read_text("\n".join(lines).encode(), "x")
    assert named == (names is not None)
    assert [found.name for found in columns] == (names or [str(i + 1) for i in range(len(columns))])
    assert len(columns[0]) == len(lines) - named


MEASURES = column([i / 7 for i in range(60)])
COUNTS = column([float(i * 13 % 61) for i in range(60)])
CLASSES = column([float(i % 3) for i in range(60)])
NAMES = column(["cat", "owl"] * 30)


@pytest.mark.parametrize(
    ("columns", "index"),
    [
        ([MEASURES, MEASURES, CLASSES], 2),
        ([CLASSES, MEASURES, MEASURES], 0),
        ([CLASSES, MEASURES, COUNTS], 0),
        ([MEASURES, CLASSES, MEASURES], 2),
        ([NAMES, CLASSES, MEASURES], 2),
        ([CLASSES, MEASURES, NAMES], 2),
        ([CLASSES, MEASURES, CLASSES], 2),
    ],
)
def test_the_label_of_a_table_without_a_header(columns: list[Column], index: int) -> None:
    assert choose_label(columns, target=None, named=False, where="x")[0] == index


@pytest.mark.parametrize("name", ["target", "Class", "LABEL", "y"])
def test_the_label_of_a_table_with_a_header(tmp_path: Path, name: str) -> None:
    content = csv_text(header=f"a,b,{name},last").replace("Rom", "Ulm")
    assert load_task(save(tmp_path, content)).class_names == ("Bern", "Ulm")
    assert "the last" in load_task(save(tmp_path, csv_text(header="a,b,c,last"))).note


@pytest.mark.parametrize("target", ["town", "Town", "3"])
def test_the_label_as_asked(tmp_path: Path, target: str) -> None:
    assert load_task(save(tmp_path, csv_text()), target=target).classes == 3


def test_a_label_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no column is named 'twon'; did you mean 'town'"):
        load_task(save(tmp_path, csv_text()), target="twon")


def test_a_quantity_as_label_is_regression(tmp_path: Path) -> None:
    task = load_task(save(tmp_path, csv_text()), target="a")
    assert (task.target, task.classes, task.class_names) == ("regression", 1, ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04 not a zip", "cannot be read as a zip file"),
        (b"\x89PNG\0\0\0", "is not a table: it is not text"),
        ("a,b,class\n", "has no examples: it is 1 row long"),
        ("a\n1\n2\n3\n", "has one column only"),
        (csv_text() + "1,2\n", "cannot be read as a CSV table: CSV parse error: Expected 4 columns, got 2"),
        (csv_text() + "nan,2,Ulm,1\n", "has NaN in column 'a', row 41; leave the cell empty"),
        (csv_text() + "-inf,2,Ulm,1\n", "has an infinite value in column 'a', row 41"),
        (csv_text() + "1,2,Ulm,\n", "has no label in column 'class' of example 41"),
        (csv_text() + "1,2,Ulm,7\n", "has 1 example to train on"),
        (csv_text().replace(",1\n", ",0\n"), r"has one class only \('0'\)"),
        (csv_text(80) + "12x,2,Ulm,1\n", "has '12x' in column 'a', where the other cells are numbers"),
        (gzip.compress(csv_text().encode())[:-12], "is truncated or damaged"),
        (zipped(("a.csv", "x"), ("b.csv", "x")), "must hold exactly one table, but has 2 files"),
        (zipped(), "must hold exactly one table, but has 0 files"),
        (zipped(("a.csv", csv_text()))[:-20], "cannot be read as a zip file"),
        (zipped(("a.csv", "")), "is empty"),
        ("1 1:3\n0 1:4\n" * 5 + "1 1:b\n", "cannot be read as a LIBSVM table"),
        ("1 1:3\n0 1:4\n" * 5 + "1 -1:4\n", "cannot be read as a LIBSVM table: index -1 is negative"),
        ("1 1:3\n0 99999999999:4\n", "refused as a decompression bomb"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = save(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        load_task(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    content = bytearray(zipped(("a.csv", csv_text())))
    content[60] ^= 255
    with pytest.raises(DataError, match=r"t\.zip (cannot be read as a zip file|is truncated or damaged)"):
        load_task(save(tmp_path, bytes(content), "t.zip"))


@pytest.mark.parametrize("name", ["t.zip", "t.csv.gz"])
def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(_base, "FREE_BYTES", 1000)
    zeros = "0,0\n" * 1_000_000
    content = zipped(("a.csv", zeros)) if name == "t.zip" else gzip.compress(zeros.encode())
    with pytest.raises(DataError, match=r"refused as a decompression bomb"):
        load_task(save(tmp_path, content, name))


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.mp3 is of no kind that is known; known: FILE\.csv"):
        load_task(save(tmp_path, "x", "t.mp3"))


def test_delimiters() -> None:
    assert delimiter_of([b"a", b"b"]) == ","
    assert delimiter_of([b'"a,b",1', b'"c,d",2']) == ","


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=2, max_size=20))
def test_numbers_are_read_as_they_were_written(rows: list[list[float]]) -> None:
    content = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    columns, named = read_text(content.encode(), "x")
    assert not named
    np.testing.assert_array_equal(np.stack([found.values for found in columns], axis=1), rows)
