"""Runs that survive: stopped, killed, resumed, damaged, full disks, losses that are not finite."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import click
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from stde_cli import cli

from stde_pdes import hold_out, load
from stde_pdes._loggers import AbstractLogger, Loggers
from stde_pdes.optimisers import Adam
from stde_pdes.report.progress import ProgressDisplay
from stde_pdes.runs.directory import own_directory

QUICK = ["--steps", "12", "-m", "width=8", "-m", "depth=1", "-t", "batch=4", "-t", "test_points=40"]
SOLVE = ["solve", "kdv", *QUICK, "-t", "gauss_newton.batch=6"]


def stde(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The directory of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    result = stde(*SOLVE, "--out", out)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def halted(tmp_path_factory):
    """The directory of the same run, stopped after a few steps."""
    out = tmp_path_factory.mktemp("halted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, 3, signal.SIGINT)
        result = stde(*SOLVE, "--out", out)
    assert result.exit_code == 128 + signal.SIGINT
    assert "with a checkpoint" in result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("Stopped. Go on by: stde solve kdv --steps 12") and line.endswith("--resume")
    return out


@pytest.fixture
def stopped(halted, tmp_path):
    """A copy that a test may do with as it likes."""
    return shutil.copytree(halted, tmp_path / "run")


def interrupt_at(monkeypatch, step, number):
    def report(self, progress):
        if progress.step >= step:
            signal.raise_signal(number)

    monkeypatch.setattr(ProgressDisplay, "report", report)


def outcome(directory):
    names = ("relative_l1", "relative_l2", "model_sha256")
    result = json.loads((directory / "result.json").read_text())
    return [result[name] for name in names], (directory / "model.eqx").read_bytes()


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bits(whole, stopped):
    result = stde(*SOLVE, "--out", stopped, "--resume")
    assert result.exit_code == 0 and "Going on with the run" in result.stderr
    assert outcome(stopped) == outcome(whole)
    steps = [json.loads(line)["step"] for line in (stopped / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 12


@pytest.mark.slow
def test_sigterm_in_the_second_stage_too(whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 9, signal.SIGTERM)
        assert stde(*SOLVE, "--out", tmp_path / "run").exit_code == 128 + signal.SIGTERM
    assert stde(*SOLVE, "--out", tmp_path / "run", "--resume").exit_code == 0
    assert outcome(tmp_path / "run") == outcome(whole)


@pytest.mark.parametrize(
    "begun", ["absent", pytest.param("empty", marks=pytest.mark.slow), "without a checkpoint"]
)
def test_resume_before_the_first_checkpoint_starts_at_step_0_and_says_so(
    begun, stopped, tmp_path, monkeypatch
):
    interrupt_at(monkeypatch, 1, signal.SIGTERM)
    out = tmp_path / "new" if begun == "absent" else stopped
    for path in () if begun == "absent" else stopped.iterdir():
        if begun == "empty" or path.name == "checkpoint.eqx":
            path.unlink()
    result = stde(*SOLVE, "--out", out, "--resume")
    assert result.exit_code == 128 + signal.SIGTERM and "starting at step 0" in result.stderr
    assert json.loads((out / "metrics.jsonl").read_text().splitlines()[0])["step"] == 1


def test_resume_of_a_finished_run_prints_its_summary(whole):
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    result = stde(*SOLVE, "--out", whole, "--resume")
    assert result.exit_code == 0 and "relative L2 error" in result.stdout and "is finished" in result.stderr
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def another_version(path):
    path.write_text(path.read_text().replace(f'"jax": "{jax.__version__}"', '"jax": "0.0.1"'))


def link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


DAMAGE = {
    "flipped": ("checkpoint.eqx", flip, "is damaged or cut short; remove it to start again"),
    "cut": ("checkpoint.eqx", cut, "is damaged or cut short; remove it to start again"),
    "empty": ("checkpoint.eqx", lambda path: path.write_bytes(b""), "is damaged or cut short"),
    "link": ("checkpoint.eqx", link, "is a link; a run's directory needs a file of its own."),
    "no JSON": ("run.json", cut, "is damaged: it is not JSON"),
    "not UTF-8": (
        "run.json",
        lambda path: path.write_bytes(b"\xff\xfe{}"),
        "is damaged: it is not JSON in UTF-8",
    ),
    "a list": ("run.json", lambda path: path.write_text("[]"), "is damaged: expected `object`, got `array`;"),
    "version": ("run.json", another_version, "was begun with jax 0.0.1, and here is"),
    "metrics": ("metrics.jsonl", lambda path: path.write_bytes(b"\x00\n"), "line 1, is damaged"),
}


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_refused_with_a_sentence_and_kept(name, damage, message, stopped):
    damage(stopped / name)
    before = {path.name: path.read_bytes() for path in stopped.iterdir()}
    result = stde(*SOLVE, "--out", stopped, "--resume")
    assert result.exit_code == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == before


OTHER = {
    "seed": (["--seed", "1"], "has `seed` 0, and what is asked for now 1"),
    "steps": (["-t", "learning_rate=1.0"], "has `training.adam.learning_rate` 0.001"),
    "problem": (["-p", "solution=two-soliton"], "has `problem_fields`"),
    "precision": (["--precision", "float32"], 'has `precision` "float64"'),
    "network": (["-m", "activation=sin"], 'has `model.activation` "tanh"'),
}


@pytest.mark.parametrize(("options", "message"), OTHER.values(), ids=OTHER)
def test_resume_with_other_options_is_refused(options, message, stopped):
    result = stde(*SOLVE, *options, "--out", stopped, "--resume")
    assert result.exit_code == 2 and message in result.stderr
    assert "give the same options as then" in result.stderr


def test_resume_needs_the_directory_of_a_run(tmp_path):
    result = stde(*SOLVE, "--resume")
    assert result.exit_code == 2 and "`--resume` needs `--out DIR`" in result.stderr
    (tmp_path / "mine.txt").write_text("precious")
    result = stde(*SOLVE, "--out", tmp_path, "--resume")
    assert result.exit_code == 2 and "holds files but no run to go on with" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize("resume", [[], ["--resume"]], ids=["new", "resumed"])
def test_a_directory_has_one_run_at_a_time(resume, stopped):
    with own_directory(stopped, "kdv", resume=True):
        result = stde(*SOLVE, "--out", stopped, *resume)
    assert result.exit_code == 2 and "is in use by another run" in result.stderr


def test_a_lock_ends_with_its_process_and_is_no_content(tmp_path):
    hold = """
import os, signal, sys
from pathlib import Path
from stde_pdes.runs.directory import own_directory
with own_directory(Path(sys.argv[1]), "kdv", resume=False):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", hold, str(tmp_path)])
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    with own_directory(tmp_path, "kdv", resume=False) as directory:
        assert directory == tmp_path


def test_a_lock_is_not_followed_through_a_link(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "precious")
    with (
        pytest.raises(ValueError, match="cannot be written to"),
        own_directory(tmp_path / "run", "kdv", resume=False),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.slow
def test_a_directory_that_vanishes_ends_the_run_with_a_sentence(tmp_path, monkeypatch):
    def vanish(self, progress):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)

    monkeypatch.setattr(ProgressDisplay, "report", vanish)
    result = stde(*SOLVE, "--out", tmp_path / "run")
    assert result.exit_code == 2 and "cannot be written (No such file or directory)" in result.stderr


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint(stopped):
    """A limit on the size of files stands in for the disk."""
    before = (stopped / "checkpoint.eqx").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        result = stde(*SOLVE, "--out", stopped, "--resume", "--checkpoint-seconds", "1e-9")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2 and "cannot be written (File too large)" in result.stderr
    assert "Then go on, from the last checkpoint if there is one, by: stde solve kdv" in result.stderr
    assert (stopped / "checkpoint.eqx").read_bytes() == before
    assert not any(path.name.endswith(".part") for path in stopped.iterdir())


@pytest.mark.slow
def test_five_kills_at_random_moments_change_no_bit():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill_and_resume", "--kills", "5", "--seed", "1"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("5/5 kills")


class Unwell(AbstractLogger):
    heard: ClassVar[list] = []

    def start(self, directory, run):
        self.heard.append(run["problem"])

    def record(self, metrics):
        self.heard.append(metrics["step"])
        raise RuntimeError("no network")

    def finish(self, result):
        self.heard.append(result)


@pytest.mark.slow
def test_a_logger_that_raises_is_dropped_and_the_run_goes_on(stopped, monkeypatch):
    loggers = Loggers({"unwell": Unwell()}, lambda line: click.echo(line, err=True))
    monkeypatch.setattr("stde_pdes.runs.solve.open_loggers", lambda names: loggers)
    result = stde(*SOLVE, "--out", stopped, "--resume", "--log", "unwell")
    assert result.exit_code == 0 and "Logger `unwell` failed and is dropped; the run goes on" in result.stderr
    assert Unwell.heard[0] == "kdv" and len(Unwell.heard) == 2


# --- losses that are not finite


def test_a_loss_that_is_not_finite_names_step_and_term_and_keeps_the_checkpoint(stopped, monkeypatch):
    before = (stopped / "checkpoint.eqx").read_bytes()
    monkeypatch.setattr(
        "stde_pdes.training.objective.Objective.terms", lambda *_: {"equation": jnp.asarray(jnp.nan)}
    )
    result = stde(*SOLVE, "--out", stopped, "--resume")
    step = json.loads((stopped / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    assert result.exit_code == 2
    assert (
        f"not finite after step {step}: in the loss, `equation` is infinite or not a number." in result.stderr
    )
    assert "Lower `learning_rate` (now 0.001)" in result.stderr and "--on-nonfinite rollback" in result.stderr
    assert (stopped / "checkpoint.eqx").read_bytes() == before


@pytest.mark.slow
def test_rollback_goes_back_a_few_times_and_no_more(stopped, monkeypatch):
    monkeypatch.setattr(
        "stde_pdes.training.objective.Objective.terms", lambda *_: {"equation": jnp.asarray(jnp.nan)}
    )
    monkeypatch.setattr("stde_pdes.runs.execute.MOST_RETREATS", 2)
    result = stde(*SOLVE, "--out", stopped, "--resume", "--on-nonfinite", "rollback")
    assert result.exit_code == 2 and result.stderr.count("Going back to step") == 2


@pytest.mark.slow
def test_rollback_goes_on_with_gentler_steps(stopped, monkeypatch):
    step = Adam.step

    def wild(self, objective, params, state, index, *, key):
        params, state, loss = step(self, objective, params, state, index, key=key)
        return params, state, jnp.where(self.learning_rate > 3e-4, jnp.nan, loss)

    monkeypatch.setattr(Adam, "step", wild)
    result = stde(*SOLVE, "--out", stopped, "--resume", "--on-nonfinite", "rollback", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Going back to step") == 2  # from 1e-3 over 5e-4 to 2.5e-4
    assert json.loads(result.stdout.splitlines()[-1])["steps"] == 12


# --- models back, precision


def test_the_trained_model_comes_back_with_its_problem(whole):
    problem, u = load(whole)
    assert isinstance(u, eqx.Module) and problem.num_inputs == 2
    held_out = hold_out(problem, 40)
    error = np.asarray(jax.vmap(u)(held_out.points)) - held_out.truth
    recorded = json.loads((whole / "result.json").read_text())
    relative = np.linalg.norm(error) / np.linalg.norm(held_out.truth)
    assert relative == pytest.approx(recorded["relative_l2"], rel=1e-12)
    evaluated = stde("evaluate", whole, "--json")
    assert evaluated.exit_code == 0, evaluated.output
    again = json.loads(evaluated.stdout)
    assert again["relative_l2"] == recorded["relative_l2"]
    assert again["affine_relative_l2"] == recorded["affine_relative_l2"] > 0


def test_more_points_can_be_asked_for(whole):
    evaluated = stde("evaluate", whole, "--points", "60", "--json")
    assert json.loads(evaluated.stdout)["test_points"] == 60
    assert "needs an integer ≥ 1, got 0" in stde("evaluate", whole, "--points", "0").stderr


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: flip(path / "model.eqx"), "model.eqx` is damaged: it is not the model of result.json."),
        (lambda path: cut(path / "model.eqx"), "is damaged"),
        (
            lambda path: (path / "model.eqx").unlink(),
            "holds no model.eqx, so the run has not come to its end",
        ),
        (lambda path: (path / "run.json").unlink(), "holds no run.json"),
        (lambda path: edit(path, options={"dim": []}), "is damaged: `options.dim` is []"),
        (lambda path: edit(path, options={"problem": "abc"}), "is damaged: `options.problem`"),
        (lambda path: edit(path, options={"command": "rm"}), "`options` is not what `stde solve` writes"),
        (lambda path: edit(path, problem="kdvv"), "Unknown problem 'kdvv'; did you mean 'kdv'"),
        (lambda path: edit(path, seed=-1), "`--seed` needs an integer"),
        (lambda path: edit(path, precision="float8"), "'float8'"),
        (lambda path: edit(path, dim=7), "has `dim` 7, and what is asked for now 1"),
    ],
)
def test_models_that_cannot_come_back_say_why(damage, message, whole, tmp_path):
    copy = shutil.copytree(whole, tmp_path / "run")
    damage(copy)
    result = stde("evaluate", copy)
    assert result.exit_code == 2 and message in result.stderr, result.stderr
    with pytest.raises(ValueError):
        load(copy)


def edit(directory, **fields):
    record = json.loads((directory / "run.json").read_text())
    (directory / "run.json").write_text(json.dumps(record | fields))
