"""The scripts under `examples/scripts` run as they stand, and draw."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent.parent / "examples" / "scripts").glob("*.py"))


def test_scripts_are_short():
    assert len(SCRIPTS) == 4
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 80 for path in SCRIPTS)


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_draws_a_picture(path, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, "-W", "error", path, picture]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    header = picture.read_bytes()[:24]
    assert header.startswith(b"\x89PNG") and min(struct.unpack(">II", header[16:])) > 200
