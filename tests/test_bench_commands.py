"""`python -m benchmarks accuracy` and `samples` by real processes, what a command means, and bad input."""

import json

import pytest
from click.testing import CliRunner

from benchmarks._accuracy_cases import CASES
from benchmarks._meaning import meaning
from benchmarks._solve import Run, carry_out
from benchmarks.commands import bench


def command(*arguments):
    return CliRunner().invoke(bench, arguments)


@pytest.mark.slow
def test_samples_from_end_to_end(tmp_path):
    tiny = ("--dim", "3", "--steps", "2", "--samples", "1", "--estimators", "stde", "--tangents", "shared")
    result = command(
        "samples",
        *tiny,
        "--problems",
        "sine-gordon-two-body",
        "--out",
        str(tmp_path),
        "--seed",
        "2",
        "--json",
    )
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert row["status"] == "ok" and row["relative_l2"] > 0 and row["seconds_to_convergence"] > 0, row
    (kept,) = (json.loads(path.read_text()) for path in (tmp_path / "rows").iterdir())
    assert kept["solved"]["result"]["parameters"] == 3 * 128 + 128 + 2 * (128 * 128 + 128) + 128 + 1
    assert kept["solved"]["result"]["seed"] == kept["identity"]["seed"] == 2
    assert kept["identity"]["settings"]["problem_fields"] == {"dim": 3, "coefficient_seed": 0}
    assert kept["identity"]["steps"] == 2
    assert kept["identity"]["settings"]["training"]["shared_tangents"]


def test_a_run_that_takes_too_long_or_fails_says_so():
    assert carry_out(Run("kdv", 3, 0), 0.2).status == "out of time"
    solved = carry_out(Run("kdvv", 3, 0), 600.0)
    assert solved.status == "failed" and "did you mean 'kdv'" in solved.reason


def test_what_a_command_means():
    found = meaning("kdv -t batch=7")
    assert found["dim"] == 1 and found["time"] is True
    assert found["settings"]["problem_fields"] == {"solution": "soliton"}
    assert found["settings"]["training"]["batch"] == 7
    assert "did you mean 'solution'" in meaning("kdv -p solutoin=x")["refusal"]
    assert "No such option '--frobnicate'" in meaning("kdv --frobnicate")["refusal"]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_every_case_can_be_run(case):
    assert "refusal" not in meaning(case.command)


BAD = {
    "problem": (["accuracy", "--problems", "kdvv"], "Unknown problem 'kdvv'; did you mean 'kdv'"),
    "only": (["accuracy", "--only", "ful"], "Invalid value for '--only': 'ful' is not one of"),
    "scale": (["accuracy", "--steps-scale", "0"], "`steps_scale` needs to be a positive number, got 0.0."),
    "time": (["accuracy", "--time-limit", "-1"], "`time_limit` needs to be a positive number, got -1.0."),
    "out": (["accuracy", "--out", __file__], "cannot be written to"),
    "table": (["accuracy", "--table", "/proc/x/y.md"], "`--table /proc/x/y.md` cannot be written"),
    "samples": (
        ["samples", "--samples", "1,x"],
        "`--samples` needs integers separated by commas, got '1,x'.",
    ),
    "sample 0": (["samples", "--samples", "0"], "`samples` needs an integer ≥ 1, got 0."),
    "estimator": (["samples", "--estimators", "sdg"], "Unknown estimator 'sdg'; did you mean 'sdgd'"),
    "tangents": (["samples", "--tangents", "share"], "did you mean 'shared'?"),
    "samples' problem": (["samples", "--problems", "poison"], "Unknown problem 'poison'"),
    "dim": (["samples", "--dim", "0"], "`dim` needs an integer ≥ 1, got 0."),
    "steps": (["samples", "--steps", "-1"], "`steps` needs an integer ≥ 1, got -1."),
    "seed": (["samples", "--seed", "-1"], "`seed` needs an integer ≥ 0, got -1."),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_sentence_and_nothing_is_written(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["accuracy", "samples"])
def test_help_shows_examples(name):
    result = command(name, "--help")
    assert result.exit_code == 0 and f"python -m benchmarks {name}" in result.stdout.partition("Examples:")[2]
