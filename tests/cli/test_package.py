"""What `import netwright` gives."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import netwright as nw
from netwright import blocks

ROOT = Path(__file__).parents[2]
ROOMS = {"blocks", "cost", "errors", "graph", "io", "quality", "space", "strategy", "study", "target"}
EXPRESSIONS = (
    "oneof",
    "integer",
    "real",
    "seq",
    "repeat",
    "branch",
    "residual",
    "cell",
    "grammar",
    "rule",
    "tied",
    "named",
)


def test_all_is_every_public_name_and_no_other():
    assert set(nw.__all__) == {name for name in dir(nw) if not name.startswith("_")} - ROOMS
    assert len(set(nw.__all__)) == len(nw.__all__)
    every_block = {name for name, value in vars(blocks).items() if isinstance(value, blocks.Block)}
    assert {*every_block, *EXPRESSIONS} <= {*nw.__all__}


@pytest.mark.parametrize("name", nw.__all__)
def test_every_name_is_there(name: str):
    assert getattr(nw, name) is not None


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(nw.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(seen) == set(nw.__all__)
    for name, place in seen.items():
        module, _, attribute = place.rpartition(".")
        assert getattr(nw, name) is getattr(sys.modules[module], attribute)


def test_resume_is_that_of_a_search():
    assert nw.resume is nw.study.resume_search


def test_rooms_are_imported_when_they_are_used():
    code = "import sys, netwright as nw; assert 'netwright.io' not in sys.modules; print(nw.io.to_onnx.__name__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "to_onnx\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'convolution'"):
        _ = nw.convolution


def test_importing_it_imports_nothing_else():
    heavy = ("numpy", "torch", "rich", "typer", "sqlalchemy", "netwright.graph")
    code = f"import sys, netwright; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_the_ten_lines_of_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("torch")
    lines = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[0]
    short = lines.replace('"3 min"', '"3 trials", epochs=1, final_epochs=1, compare=False, progress=False')
    assert short != lines
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(short, "README.md", "exec"), names)
    assert names["space"].size() == 2325  # type: ignore[attr-defined]
    assert names["space"].histogram("macs").total == 2325  # type: ignore[attr-defined]
    assert {file.name for file in Path("best").iterdir()} >= {"model.py", "model.safetensors", "model.onnx"}
