"""What the room exports."""

import subprocess
import sys

import netwright.study as study


def test_all_is_every_public_name_and_nothing_else():
    modules = {name for name in vars(study) if name.startswith("_")}
    public = {name for name in vars(study) if name not in modules}
    assert set(study.__all__) == public
    assert study.__all__ == sorted(study.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))


def test_importing_it_imports_nothing_heavy():
    code = (
        "import sys, netwright.study; print([m for m in ('torch', 'onnx', 'sklearn', 'moocore') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
