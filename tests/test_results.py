"""What is said of errors, in the README and the documentation, is what the committed results say."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import tables
from benchmarks.rows import CASES, read_rows
from stde_core.plugins import registry
from stde_pdes import get_problem

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def text_of(*path):
    return ROOT.joinpath(*path).read_text(encoding="utf-8")


def results(name):
    """The rows of a study; of whole runs, which are added to, the newest."""
    (path,) = (RESULTS / name).glob("*.jsonl")
    rows = read_rows(path)
    if path.stem not in ("accuracy", "samples"):
        return rows
    names = ("solve", "seed", "length", "steps_scale", "tangents", "num_samples")
    methods = [row["estimator"] if "tangents" in row else None for row in rows]
    return list(
        {(method, *map(row.get, names)): row for method, row in zip(methods, rows, strict=True)}.values()
    )


def words(text):
    """A text without its line breaks."""
    return " ".join(text.split())


ACCURACY = {row["solve"]: tables.judged(row) for row in results("accuracy") if row["length"] == "full"}


def row_of(command):
    """The row of a command as people write it; its options may stand in another order."""
    rows = {frozenset(re.sub(r" --dim 100\b", "", name).split(" -")): row for name, row in ACCURACY.items()}
    return rows[frozenset(command.removeprefix("stde solve ").split(" -"))]


def says(cell, value):
    """Whether the number that a cell begins with is the value, rounded; a dash says that there is none."""
    number = re.match(r"[\d.]+(?:e-?\d+)?", cell)
    if number is None or value is None:
        return cell == "–" and value is None
    digits = len(number[0].partition("e")[0].replace(".", ""))
    return float(number[0]) == float(f"{value:.{digits - 1}e}")


def test_a_number_is_compared_as_it_is_rounded():
    assert (
        says("3.0e-3", 0.00299) and says("1.33e-4, worse", 1.329e-4) and says("21", 20.9) and says("–", None)
    )
    assert not says("3.0e-3", 0.00306) and not says("–", 1.0) and not says("1.1", None)


def table(text, title):
    """The rows of the table whose first columns have that title, as cells by title."""
    lines = text[text.index(f"| {title} |") :].partition("\n\n")[0].splitlines()
    titles, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(titles, row, strict=True)) for row in rows]


README = table(text_of("README.md"), "command | dimensions | relative L2 error")


@pytest.mark.parametrize("line", README, ids=lambda line: line["command"])
def test_the_accuracies_of_the_readme_are_those_measured(line):
    row = row_of(line["command"].strip("`"))
    error, _, at_the_origin = line["relative L2 error"].partition(" (at the origin ")
    assert line["dimensions"] == f"{row['dim']}{', and time' if row['time'] else ''}"
    assert says(error, row["relative_l2"])
    assert says(at_the_origin.strip(")") or "–", row["relative_error_origin"])
    assert says(line["trivial"], row["trivial_relative_l2"])
    assert says(line["affine"], row["affine_relative_l2"])
    assert says(line["seconds"], row["seconds"])


def test_the_readme_names_what_is_not_better_than_an_affine_network():
    worse = [row for row in ACCURACY.values() if row["better_than_affine"] is False]
    text = text_of("README.md").partition("not better than an affine network")
    assert text[0].endswith(f"Of its {len(ACCURACY)} rows {len(worse)} are ")
    named = re.findall(r"`([\w-]+)`", text[2].partition("Such errors show")[0])
    assert set(named) == {row["problem"] for row in worse}
    two_body = [command for command in ACCURACY if "two-body" in command]
    better = [command for command in two_body if ACCURACY[command]["better_than_affine"]]
    assert all(command.endswith("--dim 100") for command in better) and len(better) == 3
    gains = [1 - row["relative_l2"] / row["affine_relative_l2"] for row in map(ACCURACY.get, better)]
    assert [round(100 * gain) for gain in (min(gains), max(gains))] == [16, 18]


SEEDS = [("full", 0), ("short", 0), ("short", 1), ("short", 2)]
STUDIES = sorted(path.parent.name for path in RESULTS.glob("*/*.jsonl") if path.stem in tables.STUDIES)


@pytest.mark.parametrize("study", STUDIES)
def test_the_pages_are_those_of_the_rows(study):
    (path,) = (RESULTS / study).glob("*.jsonl")
    page = ROOT / "docs" / "accuracy.md" if study == "accuracy" else path.with_suffix(".md")
    assert page.read_text(encoding="utf-8") == tables.page(results(study))
    assert study == "accuracy" or path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.jsonl")), ids=lambda path: path.parent.name)
def test_every_row_says_by_what_and_where_it_was_made(path):
    rows = read_rows(path)
    assert len(rows) == len(path.read_text(encoding="utf-8").splitlines()) > 0
    for row in rows:
        assert row.keys() >= {
            "study",
            "commit",
            "versions",
            "python",
            "platform",
            "cpus",
            "device",
            "precision",
        }
        assert row["versions"].keys() >= {"stde", "jax"} and row["study"] == path.stem
        assert path.stem not in tables.STUDIES or row.keys() >= {
            "settings",
            "status",
            "reason",
            "date",
            "command",
        }


def test_every_problem_of_the_cases_has_all_its_rows():
    rows = results("accuracy")
    runs = {(tables.in_words(case), *one) for case in CASES["accuracy"] for one in SEEDS}
    assert {(row["solve"], row["length"], row["seed"]) for row in rows} == runs and len(rows) == len(runs)


def test_every_aim_is_below_the_errors_of_the_simplest_models():
    aims = [row for row in ACCURACY.values() if row["aim"] is not None]
    assert len(aims) > 25
    for row in aims:
        simplest = min(row["affine_relative_l2"], row["trivial_relative_l2"])
        assert row["aim"] < 0.7 * simplest, row["command"]


def test_the_gallery_shows_the_errors_of_the_same_commands():
    found = re.findall(
        r"\$ (stde solve .*)\n```\n\n!.*\n\n\*Relative L2 error (\S+), affine (\S+), trivial (\S+);",
        text_of("docs", "gallery.md"),
    )
    assert len(found) == 8
    for command, *numbers in found:
        row = row_of(command)
        errors = row["relative_l2"], row["affine_relative_l2"], row["trivial_relative_l2"]
        assert all(map(says, numbers, errors)), command


def test_what_is_said_of_samples_is_what_the_runs_say():
    rows = [row for row in results("samples") if row["problem"] == "allen-cahn-two-body"]
    by = {(row["estimator"], row["tangents"], row["num_samples"]): row for row in rows}

    def speed(*which):
        return by[which]["steps"] / by[which]["errors"][-1][0]

    text = words(text_of("docs", "benchmarks.md"))
    late = [row["relative_l2"] for row in rows if row["num_samples"] >= 16]
    assert f"are {min(late):.1e} to {max(late):.1e},".replace("e-0", "e-") in text
    (affine,) = {row["affine_relative_l2"] for row in rows}
    assert f"an affine network has {affine:.1e}:".replace("e-0", "e-") in text and affine < min(late)
    speeds = [speed(name, "shared", 16) for name in ("stde", "sdgd", "hutchinson")]
    assert (
        "`stde` makes {:.0f} steps per second, `sdgd` {:.0f} and `hutchinson` {:.0f}".format(*speeds) in text
    )
    few, many = (speed("stde", "per-point", count) for count in (4, 256))
    assert f"takes {few / many:.0f} times as long as with four" in text
    # The loss is the mean square of the residual, and the variance of n draws from d without replacement.
    counts = np.array([1, 4, 16, 64, 100, 256])
    variance = (1000 - counts) / 999 / counts
    losses = [by["stde", "per-point", count]["loss"] for count in counts]
    square, unit = np.linalg.lstsq(np.stack([np.ones(6), variance], 1), losses)[0]
    share = unit * variance[2] / (square + unit * variance[2])
    assert f"{100 * share:.1f} % with 16 samples" in text


def test_what_is_said_of_kills_is_what_was_counted():
    kills = results("kill-and-resume")
    after = sum(kill["checkpoint"] is not None for kill in kills)
    text = (
        f"killed {kills[0]['runs']} runs at {len(kills)} random moments, {after} of them after a checkpoint"
    )
    assert text in words(text_of("docs", "benchmarks.md"))
    assert kills[0]["runs"] == kills[0]["runs_with_the_same_bits"]


def test_the_values_of_the_allen_cahn_equation_at_the_origin_are_those_of_the_long_runs():
    gallery = text_of("docs", "gallery.md")
    docstring = registry().entry("problems", "allen-cahn-parabolic").load().__doc__
    for row in results("allen-cahn-origin"):
        (note,) = [n for n in get_problem("allen-cahn-parabolic", dim=row["dim"]).notes if "published" in n]
        published, value, error = re.search(r"is (\S+), ours (\S+) ± (\S+)\.$", note).groups()
        assert float(published) == row["published"] and says(error, row["standard_error"])
        assert abs(float(value) - row["value"]) < 0.1 * row["standard_error"]
        name = f"{row['dim']:,}".replace(",", " ") if row["dim"] >= 10_000 else row["dim"]
        assert f"| {name} | {value} | {error} | {published} |" in docstring
        assert value in gallery and published in gallery
