"""A user's own file: solved, resumed, loaded, evaluated, begun with; and what is wrong with one."""

import dataclasses
import json
import re
import subprocess
import sys

import jax.numpy as jnp
import pytest
from click.testing import CliRunner
from stde_cli import cli

import stde_pdes as pdes

FILE = """
import jax.numpy as jnp
import stde_core as stde
import stde_pdes as pdes

square = pdes.Box(((0, 1), (0, 1)))


def of(k: float = 4.0, solution: bool = False) -> pdes.Problem:
    return pdes.Problem(
        [
            pdes.Condition("equation", square, stde.Laplacian(), lambda x, u, lap: lap + k * u),
            pdes.Condition("boundary", square.boundary(), None, lambda x, u, _: u - x[0] * x[1], weight=10.0),
        ],
        network=pdes.MLP(4, 1),
        training=pdes.Training([pdes.Adam(6, batch=5)], test_points=20),
        solution=(lambda x: x[0] * x[1]) if solution else None,
    )


problem = of()

if __name__ == "__main__":
    run = pdes.solve(problem, out="run", resume=True, progress=False)
    print(run.result["steps"], run.model(jnp.zeros(2)).shape)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waves.py").write_text(FILE)
    return tmp_path / "waves.py"


def run(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def solved(*arguments):
    result = run("solve", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def defined(file):
    """What the file defines."""
    found = {}
    exec(compile(FILE, str(file), "exec"), found)
    return found


def bits(directory):
    return (directory / "model.eqx").read_bytes()


def test_a_file_is_solved_told_to_be_finished_loaded_and_evaluated(file, tmp_path):
    out = tmp_path / "run"
    printed = solved("waves.py", "--out", out)
    record = json.loads((out / "run.json").read_text())
    assert (record["problem"], record["file"], len(record["identity"])) == ("waves", "waves.py", 64)
    assert printed["residuals"].keys() == printed["losses"].keys() == {"equation", "boundary"}
    assert "relative_l2" not in printed and len(printed["residuals"]["equation"]["at"]) == 2
    again = run("solve", "waves.py", "--out", out, "--resume")
    assert again.exit_code == 0 and "is finished; nothing is left to do" in again.stderr
    assert "residual equation" in again.stdout
    # the same file, run by its own name
    evaluated = run("evaluate", out, "--problem", "waves.py", "--json")
    assert json.loads(evaluated.stdout)["residuals"].keys() == {"equation", "boundary"}
    problem = defined(file)
    _, u = pdes.load(out, problem["problem"])
    assert u(jnp.zeros(2)).shape == ()
    with pytest.raises(ValueError, match=r"is of a problem that is not registered, but written in waves.py"):
        pdes.load(out)
    with pytest.raises(ValueError, match=r"is of another problem: what its training steps compute differs"):
        pdes.load(out, problem["of"](k=5.0))
    refused = run("solve", "waves.py:of", "-p", "k=5", "--out", out, "--resume")
    assert refused.exit_code == 2 and "is of another problem" in refused.stderr


@pytest.mark.slow
def test_python_and_the_command_line_come_to_the_same_bits(file, tmp_path):
    solved("waves.py", "--out", tmp_path / "by-command", "--precision", "float32")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, file], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stdout == "6 ()\n", done.stderr
    assert bits(tmp_path / "run") == bits(tmp_path / "by-command")


def test_a_run_stopped_in_between_is_evaluated_as_it_is_and_goes_on_to_the_same_bits(
    file, tmp_path, monkeypatch
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    solved("waves.py", "--out", whole)
    monkeypatch.setattr("stde_pdes.training.loop._SECONDS", 0.0)

    class Killed(Exception):
        pass

    def after_three(progress):
        if progress.step == 3:
            raise Killed

    problem = defined(file)
    script = {"name": "waves", "file": "waves.py"}
    monkeypatch.setattr("stde_pdes.runs.solve._script", lambda problem: script)
    arguments = {"out": stopped, "checkpoint_seconds": 1e-9, "progress": False}
    with pytest.raises(Killed):
        pdes.solve(problem["problem"], callbacks=[after_three], **arguments)
    with pytest.raises(ValueError, match="has not come to its end"):
        pdes.load(stopped, problem["problem"])
    evaluated = run("evaluate", stopped, "--problem", "waves.py", "--json")
    assert "this is its last checkpoint" in json.loads(evaluated.stdout)["notes"][-1]
    pdes.load(stopped, problem["problem"], unfinished=True)
    pdes.solve(problem["problem"], resume=True, **arguments)
    assert bits(stopped) == bits(whole)


@pytest.mark.slow
def test_settings_of_a_run_are_a_file_that_makes_the_same_run(file, tmp_path):
    options = ["--steps", 5, "-t", "batch=4", "-t", "self-adaptive=on", "-m", "width=3", "--seed", 7]
    solved("waves.py", *options, "--out", tmp_path / "first")
    solved("--config", tmp_path / "first" / "settings.toml", "--out", tmp_path / "second")
    assert bits(tmp_path / "first") == bits(tmp_path / "second")
    changed = solved(
        "--config", tmp_path / "first" / "settings.toml", "--seed", 8, "--out", tmp_path / "third"
    )
    assert changed["seed"] == 8 and changed["steps"] == 5


@pytest.mark.slow
def test_a_run_begins_with_the_model_of_another(file, tmp_path):
    solved("waves.py", "--out", tmp_path / "first")
    solved(
        "waves.py", "--start", tmp_path / "first", "-t", "learning_rate=1e-30", "--out", tmp_path / "second"
    )
    assert bits(tmp_path / "first") == bits(tmp_path / "second")
    other = run(
        "solve", "waves.py", "--start", tmp_path / "first", "-m", "width=5", "--out", tmp_path / "third"
    )
    assert other.exit_code == 2 and "holds another network" in other.stderr


@pytest.mark.slow
def test_with_a_solution_errors_are_told_beside_the_simplest_models(file, tmp_path):
    printed = solved("waves.py:of", "-p", "solution=true", "--out", tmp_path / "run")
    assert printed["trivial_relative_l2"] > printed["affine_relative_l2"] > 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["identity"]


def test_a_run_is_ended_by_a_callback_and_still_evaluated(file, tmp_path, monkeypatch):
    monkeypatch.setattr("stde_pdes.training.loop._SECONDS", 0.0)
    problem = defined(file)
    found = pdes.solve(
        problem["problem"],
        out=tmp_path / "run",
        callbacks=[lambda progress: "it is good enough" if progress.step == 2 else None],
        progress=False,
    )
    assert found.result["stopped"] == "it is good enough" and found.result["steps"] == 2
    assert found.directory == tmp_path / "run" and found.network is found.model.network


WRONG = {
    "no file": (None, ["nowhere.py"], "There is no file `nowhere.py`"),
    "no name": (
        FILE,
        ["waves.py:wave"],
        "`waves.py` has no `wave`: Unknown problem 'wave'; known are: problem",
    ),
    "no problem": ("x = 1\n", ["waves.py"], "`waves.py` has no `problem`: it defines no problem."),
    "a number": ("problem = 1\n", ["waves.py"], "`problem` of `waves.py` needs to be a `stde_pdes.Problem`"),
    "it raises": (
        "y = 1\nz = y / 0\n",
        ["waves.py"],
        "`waves.py:2` raises ZeroDivisionError: division by zero",
    ),
    "no Python": ("def (:\n", ["waves.py"], "`waves.py:1` is no Python"),
    "it exits": ("raise SystemExit(3)\n", ["waves.py"], "`waves.py:1` raises SystemExit: 3"),
    "a field": (FILE, ["waves.py", "-p", "k=3"], "`-p k=…`: Unknown field 'k'; known are: none"),
    "a dimension": (FILE, ["waves.py", "--dim", "7"], "`waves.py` has 2 space dimensions and no other"),
    "an axis": (
        FILE.replace("stde.Laplacian()", "stde.partial(5)"),
        ["waves.py"],
        "The operators of the condition 'equation': `axes=[5]` do not all exist",
    ),
    "a residual": (
        FILE.replace("lap + k * u", "lap + k * u[0]"),
        ["waves.py"],
        "The residual of the condition 'equation' (waves.py:12: `pdes.Condition",
    ),
    "another domain": (
        FILE.replace("square.boundary()", "pdes.Box(((0, 1),))"),
        ["waves.py"],
        "points of the condition 'boundary' have 1 coordinates, and the problem has the 2 inputs",
    ),
    "no settings": (FILE, ["--config", "no.toml"], "`--config` `no.toml` cannot be read"),
}


@pytest.mark.parametrize(("text", "arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_refused_in_a_sentence(text, arguments, message, tmp_path, monkeypatch, unchecked):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "waves.py").write_text(text)
    result = run("solve", *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    assert message in result.stderr.splitlines()[-1], result.stderr


def test_a_residual_that_is_not_a_number_is_named_with_its_line(file, tmp_path):
    file.write_text(FILE.replace("lap + k * u", "lap + jnp.log(-1.0 - 0 * u)"))
    result = run("solve", "waves.py")
    message = result.stderr.splitlines()[-1]
    assert result.exit_code == 2
    assert re.search(
        r"after step 0: in the loss, `equation` \(waves.py:12: `pdes.Condition.*is infinite", message
    )


def test_a_problem_that_is_none_is_refused(unchecked):
    with pytest.raises(
        TypeError, match=r"`solve\(problem\)` needs a `stde_pdes.Problem`, or the name of one"
    ):
        pdes.solve(dataclasses.replace)
