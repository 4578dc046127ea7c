"""Tables as spreadsheets, data frames and scripts write them: the same designs and values in each layout."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.errors import DataError
from netwright.space import Design
from netwright.space.catalog import FORMS, get_space, write_design
from netwright.target import TableTarget, read_table
from netwright.target._table_file._units import unit_of

SPACE = get_space("nasbench201")
DESIGNS = list(dict.fromkeys(SPACE.sample(np.random.default_rng(0), 20)))
TEXTS = [write_design("nasbench201", design) for design in DESIGNS]
VALUES = [1.5 + number for number in range(len(DESIGNS))]


def text(header: Sequence[str], rows: Any, separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def pairs(factor: float = 1.0) -> list[tuple[str, float]]:
    return [(design, value * factor) for design, value in zip(TEXTS, VALUES, strict=True)]


def commas(value: float) -> str:
    return str(value).replace(".", ",")


LAYOUTS = {
    "index.csv": text(["", "design", "latency_ms"], [(i, *row) for i, row in enumerate(pairs())]),
    "named.csv": text(["arch_str", "latency_ms"], pairs()),
    "paths.csv": text([*DESIGNS[0], "latency_ms"], [(*d.values(), v) for d, v in zip(DESIGNS, VALUES, strict=True)]),
    "json.csv": text(
        ["design", "latency_ms"], [(json.dumps(dict(d)), v) for d, v in zip(DESIGNS, VALUES, strict=True)]
    ),
    "brackets.csv": text(["design", "Latency [us]"], pairs(1e3)),
    "parentheses.csv": text(["Design", "latency (ms)"], pairs()),
    "seconds.csv": text(["design", "latency_seconds"], pairs(1e-3)),
    "LOUD.CSV": text(["arch_str", "LATENCY_MS"], pairs()),
    "spaced.csv": text([" design ", " latency_ms "], pairs()),
    "mean.csv": text(["design", "latency_ms_mean", "latency_ms_std"], [(*row, 0.1) for row in pairs()]),
    "semicolons.csv": text(["design", "latency_ms"], [(d, commas(v)) for d, v in pairs()], ";"),
    "tabs.tsv": text(["design", "latency_ms"], pairs(), "\t"),
    "marked.csv": "\ufeff" + text(["design", "latency_ms"], pairs()),
    "batch.csv": text(["design", "batch", "latency_ms"], [(d, 1, v) for d, v in pairs()]),
    "blank.csv": text(["design", "latency_ms"], pairs()) + "\n,\n",
    "remark.csv": "# measured in a cool room\n" + text(["design", "latency_ms"], pairs()),
    "units.csv": text(["design", "latency_ms"], [(d, f"{v} ms") for d, v in pairs()]),
    "mixed.csv": text(["design", "Latency"], [(d, f"{v * 1e3}us" if v > 5 else f"{v} msec") for d, v in pairs()]),
    "excel.csv": "sep=;\n" + text(["design", "Latency"], [(d, f"{commas(v / 1e3)} s") for d, v in pairs()], ";"),
    "lines.jsonl": "\n".join(json.dumps({"design": d, "latency_ms": v}) for d, v in pairs()),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_read_alike(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LAYOUTS[name], encoding="utf-8")
    check(read_table(tmp_path / name, SPACE))


@pytest.mark.parametrize("name", ["fbnet", "ofa-mobilenetv3"])
def test_the_form_of_the_authors_may_be_an_object_or_a_list(tmp_path: Path, name: str) -> None:
    space = get_space(name)
    designs = space.sample(np.random.default_rng(0), 5)
    rows = [
        {"arch": json.loads(write_design(name, design)), "latency_ms": 1.0 + i} for i, design in enumerate(designs)
    ]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    assert tuple(read_table(tmp_path / "t.json", space).designs) == tuple(designs)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["named.csv", "tabs.tsv", "lines.jsonl"])
def test_a_mark_tells_the_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_text(LAYOUTS[name], encoding=encoding)
    check(read_table(tmp_path / name, SPACE))


@pytest.mark.parametrize(
    ("encoding", "words"), [("utf-16-le", "it has zero bytes"), ("latin-1", "byte 15 is no text")]
)
def test_text_of_another_encoding_is_one_sentence_that_says_how_to_save_it(
    tmp_path: Path, encoding: str, words: str
) -> None:
    (tmp_path / "t.csv").write_text("design,latency_µs\n", encoding=encoding)
    with pytest.raises(DataError, match=rf"t.csv: {words}.*; save it as UTF-8\.$"):
        read_table(tmp_path / "t.csv", SPACE)


@pytest.mark.parametrize("name", ["text", "struct", "map", "dictionary", "float32", "index"])
def test_each_type_of_a_parquet_column_is_read_alike(tmp_path: Path, name: str) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    designs = {
        "struct": [dict(design) for design in DESIGNS],
        "map": arrow.array([[*design.items()] for design in DESIGNS], arrow.map_(arrow.string(), arrow.string())),
        "dictionary": arrow.array(TEXTS).dictionary_encode(),
    }.get(name, TEXTS)
    values = arrow.array(VALUES, arrow.float32()) if name == "float32" else VALUES
    more = {"__index_level_0__": list(range(len(TEXTS)))} if name == "index" else {}
    parquet.write_table(arrow.table({"design": designs, "latency_ms": values, **more}), tmp_path / "t.parquet")
    check(read_table(tmp_path / "t.parquet", SPACE))


def check(target: TableTarget) -> None:
    assert tuple(target.designs) == tuple(DESIGNS)
    assert target.values["latency_ms"].tolist() == pytest.approx(VALUES)


@pytest.mark.parametrize("empty", ["", "NaN", "None", "<NA>"])
@pytest.mark.parametrize("number", [str, float])
def test_numbers_and_gaps_as_a_data_frame_writes_them(tmp_path: Path, empty: str, number: Any) -> None:
    space = get_space("mobilenet-tiny")
    designs = space.sample(np.random.default_rng(0), 12)
    paths = list(dict.fromkeys(path for design in designs for path in design))

    def cell(design: Design, path: str) -> Any:
        value = design.get(path, empty)
        return number(value) if isinstance(value, int | float) else value

    rows = [[*(cell(design, path) for path in paths), 1.0 + i] for i, design in enumerate(designs)]
    (tmp_path / "t.csv").write_text(text([*paths, "latency_ms"], rows))
    assert tuple(read_table(tmp_path / "t.csv", space).designs) == tuple(designs)


def test_a_struct_is_found_where_designs_decide_different_things(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    space = get_space("mobilenet-tiny")
    designs = list(dict.fromkeys(space.sample(np.random.default_rng(0), 12)))
    values = [1.0 + i for i in range(len(designs))]
    table = arrow.table({"arch": [dict(design) for design in designs], "latency_ms": values})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert tuple(read_table(tmp_path / "t.parquet", space).designs) == tuple(designs)


@pytest.mark.parametrize("spelled", [str.upper, lambda path: path.title() if path < "cell.1" else path])
def test_decisions_in_headers_may_be_in_capitals(tmp_path: Path, spelled: Any) -> None:
    header = [*map(spelled, DESIGNS[0]), "latency_ms"]
    rows = [(*design.values(), value) for design, value in zip(DESIGNS, VALUES, strict=True)]
    (tmp_path / "t.csv").write_text(text(header, rows))
    found = read_table(tmp_path / "t.csv", SPACE)
    check(found)
    assert not found.unread
    less = [row[1:] for row in rows]
    (tmp_path / "t.csv").write_text(text(header[1:], less))
    with pytest.raises(DataError, match=r"row 1 of t.csv has .*, and no column cell.0-1\.$"):
        read_table(tmp_path / "t.csv", SPACE)


@pytest.mark.parametrize("name", ["ofa-mobilenetv3", "fbnet", "mobilenet-tiny"])
def test_designs_as_python_prints_them(tmp_path: Path, name: str) -> None:
    space = get_space(name)
    designs = list(dict.fromkeys(space.sample(np.random.default_rng(0), 6)))
    forms = [json.loads(write_design(name, each)) if name in FORMS else dict(each) for each in designs]
    printed = [str(tuple(form) if isinstance(form, list) else form) for form in forms]
    (tmp_path / "t.csv").write_text(text(["arch", "latency_ms"], [(each, 1.0 + i) for i, each in enumerate(printed)]))
    assert tuple(read_table(tmp_path / "t.csv", space).designs) == tuple(designs)


def test_energy_is_not_read_as_latency(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text(["arch", "pixel9_energy_mj", "pixel9_latency"], [(d, 1, 2) for d in TEXTS]))
    with pytest.raises(DataError, match=r"quantity of its name, but pixel9_energy_mj of t.csv is .* as latency_ms"):
        read_table(tmp_path / "t.csv", SPACE, columns={"latency_ms": "pixel9_energy_mj"})
    both = {"latency_ms": "pixel9_latency", "energy_mj": "pixel9_energy_mj"}
    assert read_table(tmp_path / "t.csv", SPACE, columns=both).knows == {"latency_ms", "energy_mj"}


def test_a_column_without_a_name_is_not_told_as_unread(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text(["", "design", "note", "latency_ms"], [(1, d, "x", v) for d, v in pairs()]))
    assert read_table(tmp_path / "t.csv", SPACE).unread == ("note",)


def test_the_column_of_designs_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text(["a", "b", "latency_ms"], [(d, d, v) for d, v in pairs()]))
    check(read_table(tmp_path / "t.csv", SPACE, columns={"design": "b"}))
    with pytest.raises(DataError, match="a column 'design' or columns named by decisions"):
        read_table(tmp_path / "t.csv", SPACE)
    with pytest.raises(DataError, match=r"but t.csv has a, b, latency_ms, no c"):
        read_table(tmp_path / "t.csv", SPACE, columns={"design": "c"})


def test_a_row_that_ends_early_has_no_value(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"design,latency_ms\n{TEXTS[0]}\n{TEXTS[1]},1\n")
    with pytest.raises(DataError, match=r"latency_ms must be a positive number, but row 1 of t.csv has ''"):
        read_table(tmp_path / "t.csv", SPACE)


@pytest.mark.parametrize(
    ("column", "quantity", "factor"),
    [
        ("latency_minutes", "latency_ms", 6e4),
        ("Latency (hours)", "latency_ms", 3.6e6),
        ("energy_wh", "energy_mj", 3.6e6),
        ("energy [kJ]", "energy_mj", 1e6),
        ("energy_mWh", "energy_mj", 3600.0),
        ("memory (GiB)", "memory_bytes", 2.0**30),
    ],
)
def test_large_units_are_converted(tmp_path: Path, column: str, quantity: str, factor: float) -> None:
    (tmp_path / "t.csv").write_text(text(["design", column], pairs()))
    found = read_table(tmp_path / "t.csv", SPACE).values[quantity]
    assert found.tolist() == pytest.approx([value * factor for _, value in pairs()])


def test_a_cell_in_minutes_is_no_minimum(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text(["design", "latency"], [(d, f"{v} min") for d, v in pairs()]))
    assert read_table(tmp_path / "t.csv", SPACE).values["latency_ms"][0] == pytest.approx(6e4 * pairs()[0][1])
    (tmp_path / "t.csv").write_text(
        text(["design", "latency_ms", "latency_min"], [(d, v, v / 2) for d, v in pairs()])
    )
    target = read_table(tmp_path / "t.csv", SPACE)
    assert target.values["latency_ms"].tolist() == [value for _, value in pairs()]
    assert target.unread == ("latency_min",)


def test_flash_and_memory_are_told_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        text(["design", "flash_kb", "peak", "memory_KiB"], [(d, v, v, v) for d, v in pairs()])
    )
    target = read_table(tmp_path / "t.csv", SPACE)
    graph = SPACE.network(DESIGNS[0])
    assert target.flash(graph, DESIGNS[0]).value == 1500
    assert target.memory(graph, DESIGNS[0]).value == 1536


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        (text(["design", "time (s)"], pairs()), {"latency_ms": "time (s)"}, r"state latency_s=time \(s\)"),
        (text(["design", "lat_s"], pairs()), {"latency_ms": "lat_s"}, "state latency_s=lat_s"),
        (text(["design", "lat_usec"], pairs()), {"latency_ms": "lat_usec"}, "state latency_us=lat_usec"),
        (text(["design", "latency"], pairs()), {}, "named for its unit"),
        (text(["design", "latency_ms", "latency_ms"], [(d, v, 2 * v) for d, v in pairs()]), {}, "latency_ms twice"),
        (text(["design", "latency_ms", "Latency (us)"], [(d, v, v) for d, v in pairs()]), {}, "one column of"),
        (
            text(["design", "batch", "latency_ms"], [(d, n, v * n) for d, v in pairs() for n in (1, 8)]), {},
            "rows 1 and 2 of t.csv are one design, which differ in batch: keep one of them",
        ),
        (text(["design", "latency_ms"], pairs()) + "a,1,2\n", {}, "a row has a cell for each column, but row 21"),
        (text(["design", "t_ms"], [(d, f"{v} s") for d, v in pairs()]), {"latency_ms": "t_ms"}, "unit of its col"),
        (text(["design", "t"], [(d, f"{v} J") for d, v in pairs()]), {"latency_ms": "t"}, "one of ms, s, .* '1.5 J'"),
        (text(["design", "latency"], [(TEXTS[0], "3 ms"), (TEXTS[1], "4")]), {}, "must have a unit .* row 2 .* '4'"),
        (
            text([*DESIGNS[0], "latency_ms"], [["pool"] * 6 + [1.0]]), {},
            "row 1 of t.csv has cell.0-1 = 'pool', which is none of none, skip_connect",
        ),
    ],
)  # fmt: skip
def test_what_can_be_misread_is_one_sentence(
    tmp_path: Path, content: str, columns: dict[str, str], words: str
) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=words) as raised:
        read_table(tmp_path / "t.csv", SPACE, columns=columns)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("column", "name"),
    [("latency", None), ("ms", None), ("latency_ms_std", None), ("latency_ms_p90", None), ("energy (J)", "energy_j"),
     ("Latency(µs)", "latency_us"), ("memory [MiB]", "memory_mib"), ("avg latency msec", "latency_ms")],
)  # fmt: skip
def test_units_of_headers(column: str, name: str | None) -> None:
    assert unit_of(column) == name
