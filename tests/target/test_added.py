"""Adding a device: the script on it, the file that comes back, every kind of bad file, and what it is good for."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.errors import DataError, EvaluationError, NetwrightError, UnknownNameError
from netwright.graph import simplify
from netwright.space import Space
from netwright.space.catalog import get_space
from netwright.study import search
from netwright.target import (
    AddedDevice,
    MeasuredNetworks,
    Target,
    add_target,
    choose_designs,
    designs_script,
    get_target,
    models_script,
    rank_correlation,
    read_device_file,
    read_table,
    remove_target,
    tables_of,
    target_names,
    with_targets,
)
from netwright.target._added import _device_table, _on_device, _target
from netwright.target._added._on_device import digest
from netwright.testing import TargetConformance

TOLD = {"name": "mobilenet-tiny", "classes": 10}
CPU = "CPUExecutionProvider"
PACKAGES_OF_THE_SCRIPT = {"numpy", "onnxruntime"}
Document = dict[str, Any]


def tiny() -> Space:
    return get_space("mobilenet-tiny", (1, 8, 8), 10)


def cost(design: Mapping[str, Any]) -> float:
    """A device whose latency is work in the large and overhead by block."""
    widths = sum(v for path, v in design.items() if path.endswith("channels"))
    times = sum(v * (1 + int(path[5])) for path, v in design.items() if path.endswith("times"))
    return 0.5 + 0.01 * widths + 0.1 * times


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script wrote, run where there is no netwright."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("device") / "measure"
    space = tiny()
    designs_script(folder, space, TOLD, choose_designs(space, 8, {}))
    blocked = "import sys; sys.modules['netwright'] = None; sys.argv[0] = 'measure.py'; import runpy;"
    options = ["--name", "pi5", "--rounds", "2", "--seconds", "0.02"]
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked} runpy.run_path('measure.py', run_name='__main__')", *options],
        cwd=folder, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "netwright targets add device.json" in done.stdout
    return folder / "device.json"


@pytest.fixture
def document() -> Document:
    """A file as the script writes it, with latencies that a formula gives."""
    space = tiny()
    rows = [{"design": dict(d), "latency_ms": cost(d)} for d in choose_designs(space, 20, {})]
    return {
        "format": "netwright-device", "version": 1, "device": "pi5",
        "runtime": {"name": "onnxruntime", "version": "1.2"}, "unit": "ms",
        "space": {**TOLD, "input": [[1, 8, 8]]}, "rows": rows,
    }  # fmt: skip


Write = Callable[[Document], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def call(content: Document) -> Path:
        file = tmp_path / "device.json"
        file.write_text(json.dumps({**content, "sha256": digest(content)}))
        return file

    return call


# The script ---------------------------------------------------------------------------------------------------------


def test_the_script_needs_numpy_and_onnxruntime_and_nothing_else() -> None:
    tree = ast.parse(Path(_on_device.__file__).read_text())
    named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name for name in named if name not in sys.stdlib_module_names} == PACKAGES_OF_THE_SCRIPT


def test_the_file_that_comes_back_says_what_was_measured_and_how(measured: Path) -> None:
    content = json.loads(measured.read_text())
    assert content["device"] == "pi5"
    assert content["runtime"]["name"] == "onnxruntime"
    assert content["space"] == {**TOLD, "input": [[1, 8, 8]]}
    assert len(content["rows"]) == 8
    for row in content["rows"]:
        assert 0 < row["low_ms"] <= row["latency_ms"] <= row["high_ms"]
        assert row["runs"] >= 10
    assert digest(content) == content["sha256"]


@pytest.mark.slow
def test_an_added_device_is_a_limit_of_a_search(measured: Path, tmp_path: Path) -> None:
    target = add_target(measured)
    assert target.name in target_names()
    space = tiny()
    known = space.with_costs(target.additive("latency_ms", space, "latency_ms@pi5"))
    low, high = (value for value, _ in known.extremes("latency_ms@pi5"))
    bound = low + 0.5 * (high - low)

    def score(network: Any, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(len(network.nodes))}

    found = search(
        space, score, maximize="score", limits=[f"latency_ms@pi5 <= {bound!r}"], budget="12 trials",
        out=tmp_path / "run", compare=False, progress=False,
    )  # fmt: skip
    assert len(found.study.trials) == 12
    for trial in found.study.trials:
        assert known.costs(trial.design, ["latency_ms@pi5"])["latency_ms@pi5"] <= bound * (1 + 1e-9)
        assert trial.values["latency_ms@pi5"] > 0


def test_a_changed_network_is_not_measured(tmp_path: Path) -> None:
    space = tiny()
    designs_script(tmp_path / "m", space, TOLD, choose_designs(space, 2, {}))
    (tmp_path / "m" / "000.onnx").write_bytes(b"something else")
    done = subprocess.run(
        [sys.executable, "measure.py", "--rounds", "1"],
        cwd=tmp_path / "m",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "000.onnx is not the file that was written" in done.stderr
    assert not (tmp_path / "m" / "device.json").exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda m: (m / "001.onnx").unlink(),
            r"001.onnx must be beside this script, .*No such file.*; copy the folder",
        ),
        (lambda m: (m / "networks.json").unlink(), "networks.json must be beside this script"),
    ],
)
def test_a_folder_that_was_copied_in_part_is_said(
    damage: Callable[[Path], None],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("onnxruntime")
    designs_script(tmp_path / "m", tiny(), TOLD, choose_designs(tiny(), 2, {}))
    damage(tmp_path / "m")
    monkeypatch.setattr(_on_device, "__file__", str(tmp_path / "m" / "measure.py"))
    monkeypatch.setattr(sys, "argv", ["measure.py", "--rounds", "1", "--seconds", "0.01"])
    with pytest.raises(SystemExit) as ended:
        _on_device.main()
    assert ended.value.code == 2
    assert re.search(words, capsys.readouterr().err)


def test_a_network_that_the_devices_runtime_cannot_load_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    file = tmp_path / "000.onnx"
    file.write_bytes(b"of a version that is not known here")
    given = Namespace(threads=1, batch=1, seconds=0.01, provider=CPU)
    with pytest.raises(SystemExit):
        _on_device.measure(file, hashlib.sha256(file.read_bytes()).hexdigest(), given)
    assert re.search(r"error: ONNX Runtime [\d.]+ must load the networks, but of 000.onnx", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rounds", "0"], "--rounds: it must be a whole number of 1 or more, but got '0'"),
        (["--threads", "-3"], "--threads: it must be a whole number"),
        (["--seconds", "nan"], "--seconds: it must be a number above 0, but got 'nan'"),
        (["--provider", "NoProvider"], "--provider must be one of .*CPUExecutionProvider here, but got NoProvider"),
        (["--out", "nowhere/device.json"], "--out must be in a folder that exists, but got nowhere/device.json"),
    ],
)
def test_options_that_would_be_in_vain_end_the_script_before_it_measures(
    options: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(sys, "argv", ["measure.py", *options])
    with pytest.raises(SystemExit) as ended:
        _on_device.main()
    assert ended.value.code == 2
    assert re.search(words, capsys.readouterr().err)


def test_a_provider_that_does_not_start_is_no_measurement_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    start = runtime.InferenceSession
    monkeypatch.setattr(runtime, "InferenceSession", lambda content, **_: start(content, providers=[CPU]))
    space = tiny()
    named = designs_script(tmp_path / "m", space, TOLD, choose_designs(space, 2, {}))["networks"][0]
    given = Namespace(threads=1, batch=1, seconds=0.01, provider=CPU)
    file = tmp_path / "m" / named["file"]
    assert len(_on_device.measure(file, named["sha256"], given)) >= 5
    given.provider = "CUDAExecutionProvider"
    with pytest.raises(SystemExit):
        _on_device.measure(file, named["sha256"], given)
    assert f"CUDAExecutionProvider must start on this device, but ONNX Runtime took {CPU}" in capsys.readouterr().err


def test_the_script_goes_to_an_empty_folder_only(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(DataError, match="new or empty folder"):
        designs_script(tmp_path, tiny(), TOLD, choose_designs(tiny(), 2, {}))
    with pytest.raises(DataError, match="must be between 2 and"):
        choose_designs(tiny(), 1, {})


def test_models_are_known_as_measured_and_no_others(tmp_path: Path, write: Write) -> None:
    space = tiny()
    first, second, other = (simplify(space.network(d)) for d in space.sample(np.random.default_rng(3), 3))
    asked = models_script(tmp_path / "m", {"a.onnx": first, "b.onnx": second})
    rows = [{"network": n["network"], "graph": n["graph"], "latency_ms": 2.0} for n in asked["networks"]]
    target = add_target(write({"format": "netwright-device", "version": 1, "device": "pi5", "rows": rows}))
    assert isinstance(target, MeasuredNetworks)
    assert target.latency(first).value == 2.0
    with pytest.raises(EvaluationError, match=r"knows a\.onnx, b\.onnx as measured"):
        target.latency(other)
    with pytest.raises(DataError, match="2 networks or more"):
        models_script(tmp_path / "n", {"a.onnx": first})


# What it knows ------------------------------------------------------------------------------------------------------


class TestAdded(TargetConformance):
    @pytest.fixture
    def target(self, document: Document, write: Write) -> Target:
        return add_target(write(document))

    @pytest.fixture
    def space(self) -> Space:
        return tiny()


def test_few_measurements_foretell_the_other_designs(document: Document, write: Write) -> None:
    target = add_target(write(document))
    assert isinstance(target, AddedDevice)
    designs = tiny().sample(np.random.default_rng(9), 200)
    truth = np.array([cost(design) for design in designs])
    found = [target.latency(None, design) for design in designs]  # type: ignore[arg-type]
    assert rank_correlation([each.value for each in found], truth) > 0.9
    inside = [each.low <= value <= each.high for each, value in zip(found, truth, strict=True)]
    assert np.mean(inside) > 0.85
    assert target.quality()["latency_ms"]["spearman"] > 0.5


def test_other_devices_help(document: Document, write: Write, tmp_path: Path) -> None:
    space = tiny()
    alone = add_target(write(document), name="alone")
    designs = list(dict.fromkeys(space.sample(np.random.default_rng(1), 150)))
    rows = [{"design": json.dumps(dict(d)), "latency_ms": 3 * cost(d)} for d in designs]
    table = tmp_path / "phone.json"
    table.write_text(json.dumps(rows))
    add_target(table, space=space, told=TOLD)
    assert set(tables_of("mobilenet-tiny", space)) == {"phone"}
    helped = add_target(write(document), name="helped")
    others = space.sample(np.random.default_rng(9), 200)
    truth = [cost(design) for design in others]
    ranks = {
        each.name: rank_correlation([each.latency(None, d).value for d in others], truth)  # type: ignore[arg-type]
        for each in (alone, helped)
    }
    assert ranks["helped"] > max(ranks["alone"] - 0.001, 0.98)
    assert "transfer from 1 device" in helped.how or "sum over decisions" in helped.how


def test_what_was_learned_is_kept_until_it_no_longer_holds(
    document: Document, write: Write, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, learned = tiny(), []
    once = _target.foretell
    monkeypatch.setattr(_target, "foretell", lambda *given: learned.append(1) or once(*given))
    asked = space.sample(np.random.default_rng(9), 20)

    def told() -> list[Any]:
        _target._loaded.cache_clear()
        found = get_target("pi5")
        assert found.how
        return [found.latency(None, d) for d in asked]  # type: ignore[arg-type]

    def add_table(name: str, factor: float, column: str = "latency_ms", told: Document = TOLD) -> None:
        rows = [{"design": json.dumps(dict(d)), column: factor * cost(d)} for d in choose_designs(space, 120, {})]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        add_target(tmp_path / f"{name}.json", space=space, told=told, overwrite=True)

    add_table("phone", 3.0)
    add_target(write(document))
    first = told()
    assert told() == first
    assert len(learned) == 1
    kept = own_home / "targets" / "learned" / "pi5.json"
    for broken in ("{", "[]", json.dumps({"quantities": {"latency_ms": {"key": "other"}}})):
        kept.write_text(broken)
        assert told() == first
    assert len(learned) == 4
    # What tells nothing of this quantity of this space changes nothing, and what is broken neither.
    add_table("meter", 5.0, "energy_mj")
    add_table("board", 5.0, told={**TOLD, "name": "another"})
    (own_home / "targets" / "broken.zip").write_bytes(b"PK")
    assert told() == first
    assert len(learned) == 4
    add_table("phone", 4.0)
    told()
    assert len(learned) == 5
    remove_target("pi5")
    assert not kept.exists()


@pytest.mark.parametrize("values", [[1.5, 1.5, 2.5], [1.5, 1.5, 1.5, 2.5], [0.1, 0.1, 0.1, 0.1, 0.1, 0.7], [1.5] * 3])
def test_equal_measurements_leave_an_interval_that_ends(
    values: list[float], document: Document, write: Write
) -> None:
    rows = [{"design": row["design"], "latency_ms": v} for row, v in zip(document["rows"], values, strict=False)]
    target = add_target(write({**document, "rows": rows}))
    for design in tiny().sample(np.random.default_rng(9), 5):
        found = target.latency(None, design)  # type: ignore[arg-type]
        assert 0 <= found.low <= found.value <= found.high < 100 * max(values)


# Many designs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(document: Document) -> Document:
    """A file of a script that measured 150 designs, with intervals, energy and the hash of each network."""
    designs = choose_designs(tiny(), 150, {})
    latencies = [cost(d) * (1 + i % 7 / 100) for i, d in enumerate(designs)]
    rows = [
        {
            "design": dict(d),
            "graph": f"{i:064x}",
            "latency_ms": v,
            "low_ms": v * 0.99,
            "high_ms": v * 1.01,
            "energy_j": v,
        }
        for i, (d, v) in enumerate(zip(designs, latencies, strict=True))
    ]
    return {**document, "rows": rows, "system": {"machine": "arm"}}


def answers(target: Target, designs: list[Any]) -> list[Any]:
    assert isinstance(target, AddedDevice)
    told = [each for d in designs for each in (target.latency(None, d), target.energy(None, d))]  # type: ignore[arg-type]
    return [target.how, target.quality(), target.additive("latency_ms", tiny(), "x").prices, *told]


def test_a_table_that_is_kept_tells_what_its_file_says(many: Document, write: Write, own_home: Path) -> None:
    file = write(many)
    designs = [*(row["design"] for row in many["rows"][:5]), *tiny().sample(np.random.default_rng(9), 20)]
    expected = answers(AddedDevice("pi5", read_device_file(file)), designs)
    assert answers(add_target(file), designs) == expected
    [kept] = (path for path in (own_home / "targets").iterdir() if path.is_file())
    assert kept.name == "pi5.zip"
    target = add_target(kept, name="other")
    assert answers(target, designs) == expected
    assert isinstance(target, AddedDevice)
    assert target.file.extra == {"system": {"machine": "arm"}}
    assert list(target.columns.graphs) == [row["graph"] for row in many["rows"]]


def test_a_table_that_an_older_version_kept_is_read(many: Document, write: Write, own_home: Path) -> None:
    (own_home / "targets").mkdir(parents=True)
    (own_home / "targets" / "pi5.json").write_text(write(many).read_text())
    designs = tiny().sample(np.random.default_rng(9), 5)
    old = answers(get_target("pi5"), designs)
    assert answers(add_target(own_home / "targets" / "pi5.json", overwrite=True), designs) == old
    assert not (own_home / "targets" / "pi5.json").exists()


def test_the_numbers_of_a_table_are_not_read_to_list_it(
    many: Document, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_target(write(many))
    _target._loaded.cache_clear()
    _target._read.cache_clear()
    monkeypatch.setattr(_device_table, "_columns", None)
    target = get_target("pi5")
    assert "150 designs measured" in target.how
    assert target.quality()["latency_ms"]["designs"] == 150
    _target._read.cache_clear()


def test_a_name_is_of_one_file_whatever_its_kind(document: Document, many: Document, write: Write) -> None:
    for content in (many, document, many):
        target = add_target(write(content), overwrite=True)
        assert f"{len(content['rows'])} designs measured" in target.how
        assert f"{len(content['rows'])} designs measured" in get_target("pi5").how
    remove_target("pi5")
    assert "pi5" not in target_names()


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "cut short": lambda content: content[:-40],
    "without its head": lambda content: content.replace(b"device.json", b"devicf.json"),
    "a wrong byte": lambda content: content[:3000] + b"0000" + content[3004:],
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_broken_table_is_one_sentence(
    harm: Callable[[bytes], bytes], many: Document, write: Write, own_home: Path
) -> None:
    add_target(write(many))
    kept = own_home / "targets" / "pi5.zip"
    kept.write_bytes(harm(kept.read_bytes()))
    _target._read.cache_clear()
    with pytest.raises(DataError, match=r"a device table is a file that netwright kept, but .*pi5\.zip is broken"):
        get_target("pi5").latency(None, many["rows"][0]["design"])  # type: ignore[arg-type]


def test_a_table_that_is_replaced_is_not_read_half(many: Document, write: Write, own_home: Path) -> None:
    add_target(write(many))
    _target._read.cache_clear()
    before = _target._read(str(own_home / "targets" / "pi5.zip"), 0)
    for row in many["rows"]:
        row["energy_j"] *= 2
    add_target(write(many), overwrite=True)
    with pytest.raises(DataError, match="it was replaced while it was read"):
        before.columns()


def test_each_design_of_a_table_from_elsewhere_is_checked(many: Document, write: Write, own_home: Path) -> None:
    add_target(write(many))
    kept = own_home / "targets" / "pi5.zip"
    with zipfile.ZipFile(kept) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    codes = np.load(io.BytesIO(parts["codes.npy"]))
    # Every decision is still taken by some design, but the last one lacks one.
    codes[-1, 0] = 0
    np.save(changed := io.BytesIO(), codes)
    with zipfile.ZipFile(own_home / "other.zip", "w") as archive:
        for name, content in {**parts, "codes.npy": changed.getvalue()}.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=r"designs must be of mobilenet-tiny, but row 150 of pi5 has"):
        add_target(own_home / "other.zip", name="other")


def test_a_table_of_another_space_is_refused(many: Document, write: Write, own_home: Path) -> None:
    target = add_target(write(many))
    with pytest.raises(DataError, match="has 1x8x8 and the space 3x32x32"):
        target.additive("latency_ms", get_space("mobilenet-tiny", (3, 32, 32), 10), "x")
    other = get_space("nasbench201", (1, 8, 8), 10)
    with pytest.raises(DataError, match="designs must be of nasbench201, but row 1 of pi5 has"):
        target.additive("latency_ms", other, "x")


def test_energy_and_memory_are_optional_columns(document: Document, write: Write) -> None:
    for row in document["rows"]:
        row |= {"energy_j": row["latency_ms"] * 1e-3, "memory_mb": 2.0}
    target = add_target(write(document))
    design = tiny().design_at(0)
    assert target.knows == {"latency_ms", "energy_mj", "memory_bytes"}
    assert target.energy(None, document["rows"][0]["design"]).value == pytest.approx(  # type: ignore[arg-type]
        document["rows"][0]["latency_ms"]
    )
    assert target.memory(None, design).value == pytest.approx(2e6)  # type: ignore[arg-type]
    larger = get_space("mobilenet-tiny", (3, 32, 32), 10)
    with pytest.raises(EvaluationError, match="inputs of 1x8x8, but got 3x32x32"):
        target.energy(larger.network(larger.design_at(0)), design)


def test_seconds_become_milliseconds(document: Document, write: Write) -> None:
    rows = [{"design": row["design"], "latency_s": row["latency_ms"] * 1e-3} for row in document["rows"]]
    target = add_target(write({**document, "rows": rows, "unit": "s"}))
    told = target.latency(None, rows[0]["design"])  # type: ignore[arg-type]
    assert told.value == pytest.approx(document["rows"][0]["latency_ms"])


def test_nanoseconds_become_milliseconds(document: Document, write: Write) -> None:
    rows = [{"design": row["design"], "latency_ns": row["latency_ms"] * 1e6} for row in document["rows"]]
    target = add_target(write({**document, "rows": rows, "unit": "ns"}))
    told = target.latency(None, rows[0]["design"])  # type: ignore[arg-type]
    assert told.value == pytest.approx(document["rows"][0]["latency_ms"])


@pytest.mark.parametrize("column", ["memory_mb", "energy_j", "flash_kib"])
def test_a_device_may_be_known_without_its_latency(column: str, document: Document, write: Write) -> None:
    document["rows"] = [{"design": row["design"], column: 2.0 + i} for i, row in enumerate(document["rows"])]
    assert [quantity.partition("_")[0] for quantity in add_target(write(document)).knows] == [
        column.partition("_")[0]
    ]


def test_a_table_may_be_of_memory_alone(tmp_path: Path) -> None:
    designs = choose_designs(tiny(), 120, {})
    lines = [json.dumps({"design": dict(d), "peak memory (KB)": 40 + i}) for i, d in enumerate(designs)]
    (tmp_path / "phone.jsonl").write_text("\n".join(lines))
    target = add_target(tmp_path / "phone.jsonl", space=tiny(), told=TOLD)
    assert target.knows == {"memory_bytes"}
    larger = get_space("mobilenet-tiny", (3, 32, 32), 10)
    with pytest.raises(DataError, match="but other has 1x8x8 and the space 3x32x32"):
        add_target(tmp_path / "phone.jsonl", name="other", space=tiny(), told=TOLD).additive(
            "memory_bytes", larger, "m"
        )
    assert target.memory(None, designs[3]).value == 43e3  # type: ignore[arg-type]
    with pytest.raises(NetwrightError, match=r"phone knows memory_bytes, no latency_ms"):
        target.latency(None, designs[3])  # type: ignore[arg-type]
    # It says nothing of the latency of designs to measure, and is in nobody's way.
    assert len(choose_designs(tiny(), 5, tables_of("mobilenet-tiny", tiny()))) == 5


@pytest.mark.parametrize("count", [20, 120])
def test_columns_that_were_not_read_are_named(count: int, tmp_path: Path) -> None:
    rows = [
        {"index": i, "design": dict(d), "latency_ms": cost(d), "energy_wh": 1e-3, "power_w": 2.0}
        for i, d in enumerate(choose_designs(tiny(), count, {}))
    ]
    (tmp_path / "phone.json").write_text(json.dumps(rows))
    target = add_target(tmp_path / "phone.json", space=tiny(), told=TOLD)
    assert target.knows == {"latency_ms", "energy_mj"}
    assert isinstance(target, AddedDevice)
    assert target.unread == ("index", "power_w")


def test_columns_are_named_in_a_table_alone(document: Document, write: Write) -> None:
    with pytest.raises(DataError, match=r"columns are named in a table, but .* is what the script wrote"):
        add_target(write(document), columns={"latency_ms": "pixel2"})


def test_a_network_of_another_input_is_refused(document: Document, write: Write) -> None:
    target = add_target(write(document))
    larger = get_space("mobilenet-tiny", (3, 32, 32), 10)
    design = larger.sample(np.random.default_rng(0))[0]
    with pytest.raises(EvaluationError, match="inputs of 1x8x8, but got 3x32x32"):
        target.latency(larger.network(design), design)
    with pytest.raises(DataError, match="has 1x8x8 and the space 3x32x32"):
        target.additive("latency_ms", larger, "latency_ms@pi5")


def test_a_target_is_added_once_and_removed(document: Document, write: Write, own_home: Path) -> None:
    file = write(document)
    add_target(file)
    with pytest.raises(DataError, match="added once"):
        add_target(file)
    add_target(file, overwrite=True)
    assert (own_home / "targets" / "pi5.json").is_file()
    remove_target("pi5")
    assert "pi5" not in target_names()
    with pytest.raises(UnknownNameError, match="no target of your own"):
        remove_target("pi5")
    with pytest.raises(UnknownNameError, match="no target is named 'pi5'"):
        get_target("pi5")


# Bad files ----------------------------------------------------------------------------------------------------------


def _row(**changes: Any) -> Callable[[Document], None]:
    def change(content: Document) -> None:
        row = content["rows"][1]
        row.update(changes)
        for key in [key for key, value in changes.items() if value is KeyError]:
            del row[key]

    return change


def _whole(**changes: Any) -> Callable[[Document], None]:
    return lambda content: content.update(changes)


def _repeat(content: Document) -> None:
    content["rows"].append(content["rows"][0])


def _seconds(content: Document) -> None:
    for row in content["rows"]:
        row["latency_s"] = row.pop("latency_ms")


def _column(content: Document) -> None:
    for row in content["rows"]:
        row["watts"] = 3.0


FAULTS = {
    "another format": (_whole(format="csv"), "has the format 'netwright-device'"),
    "a version to come": (_whole(version=2), "of format version 1, but .* is of 2"),
    "an unknown key": (_whole(colour="red"), "has 'colour'"),
    "one row": (lambda content: content.update(rows=content["rows"][:1]), "2 rows or more"),
    "no device": (_whole(device=None), "states the device's name"),
    "an unknown column": (_column, "row 1 of .* has 'watts'"),
    "no value": (lambda c: [row.pop("latency_ms") for row in c["rows"]], "a value named for its unit"),
    "a missing value": (_row(latency_ms=KeyError), "latency_ms is not in all rows"),
    "an empty value": (_row(latency_ms=None), "latency_ms must be a positive number, but row 2 .* None"),
    "a negative value": (_row(latency_ms=-1.0), "must be a positive number, but row 2 .* -1.0"),
    "seconds read as milliseconds": (_seconds, "has latency_s and states 'ms' as its unit"),
    "an unknown unit": (_whole(unit="days"), "one of ms, s, us, ns, minutes, hours, but .* 'days'"),
    "a runtime that is a name": (_whole(runtime="tflite"), "the runtime in a device file is an object or null, but"),
    "a space that is a name": (
        _whole(space="mobilenet-tiny"),
        "the space in a device file is an object or null, but",
    ),
    "a pool that is none": (_whole(pool=3), "the pool in a device file is a list of designs, but .* has 3"),
    "one shape without its list": (_whole(space={**TOLD, "input": [1, 8, 8]}), "a list of shapes such as"),
    "classes that are no number": (_whole(space={**TOLD, "classes": "ten"}), "a number of 1 or more, but .* 'ten'"),
    "a space without a name": (_whole(space={"name": ["x"]}), "name it with --space"),
    "a design twice": (_repeat, "each network once, but rows 1 and 21"),
    "neither design nor network": (_row(design=KeyError), "of a design or of a network"),
    "a design of another space": (_row(design={"width": 3}), "designs must be of mobilenet-tiny, but row 2"),
    "no design": (_row(design=[1]), "an object of decisions"),
    "designs without a space": (_whole(space=None), "has designs and no space"),
    "a space of one's own": (_whole(space={"name": "mine:space"}), "name it with --space"),
    "an interval beside its value": (_row(low_ms=90.0, high_ms=91.0), "low_ms <= latency_ms <= high_ms"),
    "a name that is taken": (_whole(device="here"), "its own"),
    "a name that cannot be one": (_whole(device="my pi"), "a target's name is a letter"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(
    fault: str, document: Document, write: Write, own_home: Path
) -> None:
    change, sentence = FAULTS[fault]
    change(document)
    with pytest.raises(DataError, match=sentence) as caught:
        add_target(write(document))
    assert str(caught.value).count("\n") == 0
    assert not own_home.exists()


def test_a_file_that_was_changed_is_taken_when_told_so(document: Document, write: Write) -> None:
    file = write(document)
    content = json.loads(file.read_text())
    content["rows"][0]["latency_ms"] = 99.0
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match="was changed since; --edited"):
        add_target(file)
    assert read_device_file(file, edited=True).rows[0].values["latency_ms"] == 99.0


def test_a_spreadsheet_is_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(DataError, match=r"a table ending in .csv, .*, but got t\.xlsx"):
        add_target(tmp_path / "t.xlsx", space=tiny())


def test_a_list_with_a_mark_is_a_table(tmp_path: Path) -> None:
    rows = [{"design": dict(d), "latency_ms": cost(d)} for d in choose_designs(tiny(), 5, {})]
    (tmp_path / "t.json").write_text(json.dumps(rows), encoding="utf-8-sig")
    assert len(add_target(tmp_path / "t.json", space=tiny(), told=TOLD).designs) == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "{", "3", '{"format": "netwright-device"'])
def test_no_json(text: str, tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    file.write_text(text)
    with pytest.raises(DataError):
        add_target(file)
    with pytest.raises(DataError, match="no device file"):
        add_target(tmp_path / "none.json")


@pytest.mark.parametrize("count", [20, 120])
def test_a_limit_holds_in_a_space_of_which_options_were_taken(count: int, document: Document, write: Write) -> None:
    rows = [{"design": dict(d), "latency_ms": cost(d)} for d in tiny().sample(np.random.default_rng(0), count)]
    add_target(write({**document, "rows": rows}))
    small = tiny().restricted({"stem.channels": [16], "stage*.more.times": [0, 1]})
    held = with_targets(small, ["latency_ms@pi5"])
    drawn = held.sample(np.random.default_rng(1), 20, "latency_ms@pi5 <= 4")
    assert all(design in small for design in drawn)
    assert max(held.costs(design, ["latency_ms@pi5"])["latency_ms@pi5"] for design in drawn) <= 4
    with pytest.raises(DataError, match="designs must be of vit-tiny"):
        with_targets(get_space("vit-tiny", (1, 8, 8), 10), ["latency_ms@pi5"])


def test_a_folder_is_no_file_of_a_device(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"added from a file, as device.json, but .* is a folder"):
        add_target(tmp_path)


def test_a_device_named_as_no_target_can_be_says_how_to_name_it(document: Document, write: Write) -> None:
    file = write({**document, "device": "Raspberry Pi 5"})
    with pytest.raises(DataError, match=r"but got 'Raspberry Pi 5'; state another as --name\."):
        add_target(file)
    assert add_target(file, name="pi5").name == "pi5"


def test_a_target_is_not_named_as_a_cost_is(document: Document, write: Write) -> None:
    with pytest.raises(DataError, match="must be its own, but macs is a cost of a network"):
        add_target(write(document), name="macs")


def test_a_table_needs_its_space_and_the_right_unit(tmp_path: Path) -> None:
    space = tiny()
    file = tmp_path / "phone.csv"
    designs = space.sample(np.random.default_rng(0), 3)
    lines = [f'"{json.dumps(dict(d)).replace(chr(34), chr(34) * 2)}",{cost(d)}' for d in dict.fromkeys(designs)]
    file.write_text("\n".join(["design,time_s", *lines]))
    with pytest.raises(DataError, match="name it with --space"):
        add_target(file)
    with pytest.raises(DataError, match=r"time_s of phone\.csv is to be read as latency_ms; state latency_s=time_s"):
        read_table(file, space, columns={"latency_ms": "time_s"})
    assert read_table(file, space, columns={"latency_s": "time_s"}).values["latency_ms"][0] == pytest.approx(
        1000 * cost(designs[0])
    )


def test_a_broken_file_in_the_folder_is_said_when_it_is_asked_for(own_home: Path) -> None:
    (own_home / "targets").mkdir(parents=True)
    (own_home / "targets" / "pi5.json").write_text("{")
    assert "pi5" in target_names()
    with pytest.raises(NetwrightError, match="must be JSON"):
        get_target("pi5")


def test_what_is_no_file_is_no_target(own_home: Path) -> None:
    folder = own_home / "targets"
    (folder / "drawer.json").mkdir(parents=True)
    (folder / "gone.json").symlink_to("nowhere.json")
    assert not {"drawer", "gone"} & set(target_names())
