"""What is known of the code that made a result: a hash of its sources, and the commit of the checkout."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks._processes import Limits, ask
from benchmarks._sources import commit_of, hash_of, sources_of_stde

ROOT = Path(__file__).parent.parent


def test_the_environment_holds_sources_and_commit():
    answer = ask({"command": "step", "check": []}, Limits())
    assert answer["environment"]["sources"] == sources_of_stde()
    assert answer["environment"]["commit"] == commit_of(ROOT)


def test_the_hash_of_sources_sees_contents_and_paths_and_not_where_they_are(tmp_path):
    def package(place, **files):
        folder = tmp_path / place / "package"
        for name, text in files.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "module.py").write_text(text)
            (folder / name / "notes.txt").write_text(place)
        return hash_of([folder])

    first = package("first", one="x = 1", two="y = 2")
    assert package("copied", two="y = 2", one="x = 1") == first
    assert package("changed", one="x = 1", two="y = 3") != first
    assert package("renamed", one="x = 1", three="y = 2") != first
    assert package("swapped", one="y = 2", two="x = 1") != first


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_the_commit_is_that_of_the_checkout_and_says_what_changed(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=A", "-c", "user.email=a@b.invalid")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    assert commit_of(tmp_path) is None
    git("init")
    assert commit_of(tmp_path) is None  # nothing committed
    (tmp_path / "module.py").write_text("x = 1")
    git("add", "module.py")
    git("commit", "-m", "First")
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "within").mkdir()
    assert commit_of(tmp_path) == git("rev-parse", "HEAD") and commit_of(tmp_path / "within") is None
    (tmp_path / "module.py").write_text("x = 2")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD") + "-changed"
