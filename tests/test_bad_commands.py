"""Bad input to the commands: hostile texts and names of directories. One line each, no harm."""

import json
import os

import pytest
from click.testing import CliRunner
from stde_cli import cli

from stde_pdes.cli.sentences import show


def command(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def listing(directory):
    return {path: path.is_file() and path.read_bytes() for path in sorted(directory.rglob("*"))}


TEXTS = {
    "problem": ["solve", "a\nb\x1b[31m"],
    "option": ["solve", "kdv", "-p", "a\nb\x1b[31m=1"],
    "option's value": ["solve", "kdv", "-p", "solution=\x1b[31m"],
    "bytes in an option": ["solve", "kdv", "-m", "width=\udcff"],
    "number": ["solve", "kdv", "--seed", "1\n2"],
    "estimator": ["solve", "kdv", "--estimator", "\x1b[31m"],
    "logger": ["solve", "kdv", "--log", "a\nb"],
    "too many": ["solve", "kdv", "a\nb\x1b[31m"],
    "unknown option": ["solve", "kdv", "--a\x1b[31m"],
    "rollback": ["solve", "kdv", "--on-nonfinite", "\x1b[31m"],
    "command": ["a\nb\x1b[31m"],
    "kind": ["list", "a\nb\x1b[31m"],
    "plugins": ["plugins", "a\nb\x1b[31m"],
    "bench": ["bench", "a\nb\x1b[31m"],
    "no directory": ["evaluate"],
    "two directories": ["evaluate", "a", "b\nc"],
    "points": ["evaluate", "a", "--points", "many"],
    "nan seconds": ["solve", "kdv", "--checkpoint-seconds", "nan"],
}


@pytest.mark.parametrize("arguments", TEXTS.values(), ids=TEXTS)
def test_hostile_texts_get_one_line_that_steers_no_terminal(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = command(*arguments)
    assert told.exit_code == 2 and told.stdout == "" and list(tmp_path.iterdir()) == []
    assert told.stderr.endswith("\n") and told.stderr[:-1].isprintable(), told.stderr


NAMES = ["a\0b", "x" * 5000, "file/..", "file", "dangling", "full", "to full", "a\nb\x1b[31m", "\udcff"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory in which every one of the names leads to something that is not to be touched."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("full", "a\nb\x1b[31m", "\udcff"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("mine")
    (tmp_path / "to full").symlink_to(tmp_path / "full")
    return tmp_path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize(
    "before",
    [["solve", "kdv", "--out"], ["solve", "kdv", "--resume", "--out"], ["evaluate"], ["report"]],
    ids=" ".join,
)
def test_hostile_names_of_directories_are_refused_and_kept(before, name, place):
    found = listing(place)
    told = command(*before, name)
    assert told.exit_code == 2 and told.stdout == "", told
    assert told.stderr[:-1].isprintable() and len(told.stderr) < 5500, told.stderr
    assert listing(place) == found and not os.path.exists("nowhere")


def test_what_a_result_says_steers_no_terminal(capsys):
    numbers = dict.fromkeys(("relative_l1", "relative_l2", "trivial_relative_l2", "seconds"), 0.5)
    result = numbers | {
        "steps_per_second": 1.0,
        "peak_memory_mb": 1.0,
        "out": "a\x1b[31m",
        "notes": ["\x1b[2J"],
    }
    show(result, as_json=False)
    show({**result, "notes": 3, "out": None}, as_json=False)
    show(result, as_json=True)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and json.loads(printed.splitlines()[-1]) == result
