"""`python -m benchmarks accuracy` and `samples`: what is kept is not run again, what has changed is, and
what goes wrong is a row or a sentence."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import Outcome, _accuracy, _affine, _runs, _solve, accuracy, samples
from benchmarks._accuracy_cases import Aim, Case, Published
from benchmarks._samples_rows import seconds_to_convergence
from benchmarks.commands import bench

ENVIRONMENT = {
    "versions": {"stde": "0.1.0", "jax": "0.10.2", "jaxlib": "0.10.2", "equinox": "0.13", "optax": "0.2"},
    "python": "3.11",
    "cpus": 2,
    "device": "cpu:cpu",
    "precision": "float32",
    "matmul_precision": "highest",
    "sources": "0123456789abcdef",
}
KDV, TWO = "kdv", "kdv -p solution=two-soliton"


class Machine:
    """Stands for the processes: what is asked of them is noted, and answered at once."""

    def __init__(self):
        self.solved, self.settings, self.answers, self.errors = [], {}, {}, {}
        self.fitted, self.affine = [], 0.5  # None for runs that do not say it

    def ask(self, request, limits):
        if "meanings" in request:
            meanings = [self.meaning(command) for command in request["meanings"]]
            return {"environment": ENVIRONMENT, "meanings": meanings}
        if "affine" in request:
            self.fitted.append(request["affine"])
            return {"affine_relative_l2": 0.25}
        return self.solve(request["solve"])

    def meaning(self, command):
        training = {"steps": 1000, "batch": 100, "lbfgs": None, "test_points": 50}
        training |= self.settings.get(command, {})
        problem = {"problem": command.partition(" ")[0], "problem_fields": {}, "precision": "float32"}
        return {"dim": 1, "time": True, "settings": problem | {"command": command, "training": training}}

    def solve(self, arguments):
        command = " ".join(arguments[: arguments.index("--out")])
        self.solved.append(command)
        for start, answer in self.answers.items():
            if command.startswith(start):
                if isinstance(answer, Outcome):
                    return answer
                raise answer
        out = Path(arguments[arguments.index("--out") + 1])
        out.mkdir()
        seed = int(arguments[arguments.index("--seed") + 1])
        error = next((e for start, e in self.errors.items() if command.startswith(start)), 5e-4) * (1 + seed)
        lines = [{"step": 1, "seconds": 1.0, "relative_l2": 2 * error}, {"step": 2, "seconds": 2.0}]
        lines.append({"step": 3, "seconds": 4.0, "relative_l2": error})
        (out / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
        affine = {} if self.affine is None else {"affine_relative_l2": self.affine}
        return affine | {
            "relative_l2": error,
            "trivial_relative_l2": 0.8,
            "relative_error_origin": 1e-4,
            "loss": 0.3,
            "seconds": 60.0,
            "steps_per_second": 20.0,
            "parameters": 123,
            "estimator": "stde",
            "out": str(out),
        }


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(_runs, "ask", machine.ask)
    monkeypatch.setattr(_solve, "ask", machine.ask)
    monkeypatch.setattr(_affine, "ask", machine.ask)
    monkeypatch.setattr(_accuracy, "CASES", (Case(KDV, Aim(domain=1e-3)), Case(TWO, Aim(domain=1e-3))))
    return machine


@pytest.fixture
def lines():
    """A list, and what puts into it the lines that a terminal would show."""
    shown = []
    return shown, lambda event: event.ended is not None and shown.append(event.ended)


def command(*arguments):
    return CliRunner().invoke(bench, arguments)


# --- what is kept


def test_a_second_call_runs_nothing_and_says_so(machine, tmp_path, lines):
    shown, report = lines
    first = accuracy(["kdv"], out=tmp_path, report=report)
    assert machine.solved[:4] == [
        "kdv --steps 1000 --seed 0",
        *(f"kdv --steps 200 --seed {seed}" for seed in range(3)),
    ]
    assert len(machine.solved) == 8 and shown[0] == "0 runs are there, 8 to do"
    assert shown[1] == "error 5.0e-4 (trivial 8.0e-1), 60 s, about 2 min left"
    second = accuracy(["kdv"], out=tmp_path, report=report)
    assert len(machine.solved) == 8 and shown[-1] == "8 runs are there, nothing to do"
    assert second.rows == first.rows


def test_a_changed_setting_runs_its_own_command_again(machine, tmp_path, lines):
    accuracy(["kdv"], out=tmp_path)
    machine.settings[TWO] = {"batch": 50}
    shown, report = lines
    del machine.solved[:]
    accuracy(["kdv"], out=tmp_path, report=report)
    assert len(machine.solved) == 4 and all(command.startswith(TWO) for command in machine.solved)
    assert shown[0] == "4 runs are there, 4 to do, 4 of them anew"


@pytest.mark.parametrize("changed", ["versions", "precision", "device"])
def test_another_environment_counts_as_another_run(machine, tmp_path, monkeypatch, changed):
    accuracy(["kdv"], only="full", out=tmp_path)
    other = {"versions": ENVIRONMENT["versions"] | {"optax": "0.3.0"}}.get(changed, "another")
    monkeypatch.setitem(ENVIRONMENT, changed, other)
    accuracy(["kdv"], only="full", out=tmp_path)
    assert len(machine.solved) == 4


def without_sources(rows):
    """Makes finished runs what they were before the hash of the sources was kept."""
    for path in rows.iterdir():
        kept = json.loads(path.read_text())
        assert kept["identity"].pop("sources") == ENVIRONMENT["sources"] and "older" not in kept["solved"]
        path.write_text(json.dumps(kept))


@pytest.mark.parametrize("lost", [False, True], ids=["other sources", "sources unknown"])
def test_what_older_sources_made_is_used_and_marked_until_it_is_made_again(
    machine, tmp_path, monkeypatch, lines, lost
):
    shown, report = lines
    page = tmp_path / "accuracy.md"
    accuracy(["kdv"], out=tmp_path, table=page)
    assert "†" not in page.read_text()
    if lost:
        without_sources(tmp_path / "rows")
    else:
        monkeypatch.setitem(ENVIRONMENT, "sources", "fedcba9876543210")
    del machine.solved[:]
    older, _ = accuracy(["kdv"], out=tmp_path, table=page, report=report).rows
    assert not machine.solved and older.full.older and older.short.older
    assert shown[0] == "8 runs are there (8 made by older sources), nothing to do"
    text = page.read_text()
    assert text.count("| `kdv` † |") == 2 and "- †: made by older sources of stde; `--again` makes it" in text
    accuracy(["kdv"], only="full", again=True, out=tmp_path)
    full, short = (getattr(accuracy(["kdv"], out=tmp_path).rows[0], kind) for kind in ("full", "short"))
    assert len(machine.solved) == 2 and not full.older and short.older


def test_the_table_of_what_is_finished_runs_nothing(machine, tmp_path):
    accuracy(["kdv"], only="short", out=tmp_path)
    del machine.solved[:]
    table = tmp_path / "accuracy.md"
    rows = accuracy(["kdv"], finished=True, out=tmp_path, table=table).rows
    assert not machine.solved
    assert [row.full.status for row in rows] == ["not run", "not run"]
    assert [row.reached for row in rows] == [None, None]
    assert all(row.short.relative_l2.least == 5e-4 for row in rows)
    assert "not run: a call without `finished` runs it" in table.read_text()
    with pytest.raises(ValueError, match="ask for one of them"):
        accuracy(["kdv"], finished=True, again=True, out=tmp_path)


def test_everything_is_run_again_where_asked_for(machine, tmp_path):
    for _ in range(2):
        accuracy(["kdv"], only="full", again=True, out=tmp_path)
    assert len(machine.solved) == 4


def test_an_interrupted_bench_goes_on_where_it_was(machine, tmp_path):
    arguments = ("accuracy", "--problems", "kdv", "--out", str(tmp_path))
    machine.answers[TWO] = KeyboardInterrupt()
    stopped = command(*arguments)
    assert stopped.exit_code == 1 and f"that had ended are in {tmp_path}, and the same" in stopped.stderr
    machine.answers.clear()
    del machine.solved[:]
    assert command(*arguments).exit_code == 0
    assert len(machine.solved) == 4 and all(command.startswith(TWO) for command in machine.solved)


def test_a_file_that_was_cut_short_counts_as_none(machine, tmp_path):
    accuracy(["kdv"], only="full", out=tmp_path)
    for path in (tmp_path / "rows").iterdir():
        path.write_text(path.read_text()[:100])
    accuracy(["kdv"], only="full", out=tmp_path)
    assert len(machine.solved) == 4


def test_every_stage_of_the_training_is_scaled(machine, tmp_path):
    machine.settings[KDV] = {"gauss_newton": {"steps": 50, "damping": 1e-3}}
    findings = accuracy(["kdv"], steps_scale=0.1, out=tmp_path)
    assert machine.solved[:2] == [
        "kdv --steps 105 --seed 0",
        "kdv --steps 21 --seed 0",
    ]
    assert (findings.rows[0].full.steps, findings.rows[0].short.steps) == (105, 21)


# --- rows


def test_a_run_that_fails_is_a_row_and_is_tried_again(machine, tmp_path):
    machine.answers[KDV + " --steps 1000"] = Outcome("out of time", "not done after 9 s")
    machine.answers[KDV + " --steps 200 --seed 1"] = Outcome(
        "failed", "ended with status 2: Error: The loss is not finite. What was measured is in /tmp/x/run."
    )
    page = tmp_path / "page.md"
    row, _ = accuracy(["kdv"], out=tmp_path, table=page).rows
    assert (row.full.status, row.full.relative_l2, row.reached) == ("out of time", None, False)
    assert row.short.failures == ("seed 1 failed (ended with status 2: Error: The loss is not finite.)",)
    assert row.short.relative_l2.values == pytest.approx((5e-4, 15e-4))
    text = page.read_text()
    assert "| `kdv` | 1 + time | out of time | – | 1.0e-3 | **no** |" in text
    assert "- `kdv`: out of time: not done after 9 s\n- `kdv`: seed 1 failed (ended" in text
    machine.answers.clear()
    del machine.solved[:]
    accuracy(["kdv"], out=tmp_path)
    assert machine.solved == ["kdv --steps 1000 --seed 0", "kdv --steps 200 --seed 1"]


def test_a_command_that_is_refused_is_a_row(machine, tmp_path, monkeypatch):
    sentence = "`-p solutoin=…`: Unknown field 'solutoin'; did you mean 'solution'?"
    known = machine.meaning
    monkeypatch.setattr(machine, "meaning", lambda c: {"refusal": sentence} if c == TWO else known(c))
    good, bad = accuracy(["kdv"], only="full", out=tmp_path).rows
    assert good.full.status == "ok"
    assert (bad.full.status, bad.full.reason, bad.dim) == ("failed", sentence, None)
    assert machine.solved == ["kdv --steps 1000 --seed 0"]


@pytest.fixture
def some_cases(machine, monkeypatch):
    cases = (
        Case("kdv", Aim(domain=1e-3, origin=2e-4)),
        Case("kp", Aim(share=1 / 1000), Published(7, 3.69e-4, 2.19e-4, "origin")),
        Case("not-there", Aim(domain=1.0)),
    )
    monkeypatch.setattr(_accuracy, "CASES", cases)


def test_the_page_and_the_numbers(machine, some_cases, tmp_path):
    machine.errors["kp"] = 6e-4
    page = tmp_path / "deep" / "page.md"
    result = command(
        "accuracy", "--problems", "kdv,kp", "--out", str(tmp_path), "--table", str(page), "--json"
    )
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert json.loads((tmp_path / "accuracy.json").read_text()) == printed
    kdv, kp = printed["rows"]
    assert kdv["reached"] is True and kp["reached"] is False
    assert kdv["aim_relative_l2"] == 1e-3 and kdv["aim_relative_error_origin"] == 2e-4
    assert kp["aim_relative_l2"] == pytest.approx(5e-4) and kp["published"]["table"] == 7
    assert kdv["full"].items() >= {"relative_l2": 5e-4, "seed": 0, "steps": 1000, "parameters": 123}.items()
    assert kdv["short"]["seeds"] == [0, 1, 2] and kdv["short"]["steps"] == 200
    spread = kdv["short"]["relative_l2"]
    assert spread.pop("values") == pytest.approx([5e-4, 10e-4, 15e-4])
    assert spread == pytest.approx({"mean": 10e-4, "least": 5e-4, "most": 15e-4})
    text = page.read_text()
    assert "float32" in text and "jax 0.10.2" in text and "2 cores" in text
    assert "| `kdv` | 1 + time | 5.0e-4 | 1.0e-4 | 1.0e-3, 2.0e-4 at the origin | yes | 8.0e-1 |" in text
    assert "| 60 | 1000 | 123 | – |" in text
    assert "| 3.7e-4 ± 2.2e-4 at the origin (Table 7) |" in text
    assert "| `kdv` | 200 | 1.0e-3 | 5.0e-4 to 1.5e-3 | 1.0e-4 | 1.0e-4 to 1.0e-4 | 8.0e-1 |" in text
    assert "| 8.0e-1 | 5.0e-1 | 60 | 1000 | 123 | – |" in text and "not better than" not in text
    assert "Aims not reached: `kp`." in text
    assert "5.0e-4 to 1.5e-3" in command("accuracy", "--problems", "kdv,kp", "--out", str(tmp_path)).stdout


def test_a_run_that_is_not_better_than_an_affine_network_is_called_so(machine, some_cases, tmp_path):
    machine.affine = 4e-4
    page = tmp_path / "page.md"
    kdv, kp = accuracy(["kdv", "kp"], out=tmp_path, table=page).rows
    assert (kdv.affine_relative_l2, kdv.better_than_affine) == (4e-4, False)
    assert kp.aim_relative_l2 == pytest.approx(4e-7)  # of the smaller of both baselines
    assert page.read_text().count("| 8.0e-1 | 4.0e-4, not better than an affine network |") == 1
    machine.affine = None
    assert samples((1,), ["kp"], ["stde"], ["shared"], dim=4, out=tmp_path).rows[0].affine_relative_l2 == 0.25
    assert "the errors say nothing" not in (tmp_path / "samples.md").read_text()
    machine.errors["kp"] = 0.3
    samples((1,), ["kp"], ["stde"], ["shared"], dim=4, again=True, out=tmp_path)
    assert (
        "No run is better than an affine network: the errors say nothing"
        in (tmp_path / "samples.md").read_text()
    )


def test_affine_errors_that_runs_do_not_say_are_computed_once_for_a_problem(machine, tmp_path):
    machine.affine = None
    for _ in range(2):
        rows = accuracy(["kdv"], out=tmp_path).rows
        assert [row.affine_relative_l2 for row in rows] == [0.25, 0.25]
        assert machine.fitted == [KDV]  # the made-up commands have the same fields
    (kept,) = json.loads((tmp_path / "affine.json").read_text())
    assert (kept["command"], kept["test_points"], kept["affine_relative_l2"]) == (KDV, 50, 0.25)
    machine.settings = {KDV: {"test_points": 60}, TWO: {"test_points": 60}}
    accuracy(["kdv"], out=tmp_path)
    assert machine.fitted == [KDV, KDV]
    (tmp_path / "affine.json").unlink()
    assert accuracy(["kdv"], finished=True, out=tmp_path).rows[0].affine_relative_l2 is None
    assert machine.fitted == [KDV, KDV]


def test_the_affine_error_of_a_command_is_that_of_its_problem():
    assert _affine.affine_error("hjb-lin --dim 2 -t test_points=20")["affine_relative_l2"] < 1e-12


def test_what_is_registered_has_a_row_and_what_is_not_is_left_out(machine, some_cases, tmp_path):
    findings = accuracy(only="short", out=tmp_path)
    commands = [row.command for row in findings.rows]
    assert commands[:2] == ["kdv", "kp"] and "sine-gordon-two-body" in commands
    assert findings.left_out == ("`not-there` is not installed.",)
    assert findings.rows[-1].full is None and findings.rows[-1].reached is None


# --- samples


def test_samples_compares_methods_and_writes_everything(machine, tmp_path):
    machine.answers["allen-cahn-two-body --dim 6 --estimator sdgd -e num_samples=2"] = Outcome(
        "failed", "why"
    )
    small = ("--dim", "6", "--steps", "8", "--samples", "1,2", "--estimators", "stde,sdgd")
    problems = ("--problems", "allen-cahn-two-body,sine-gordon-two-body")
    result = command("samples", *small, *problems, "--out", str(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    lines = list(dict.fromkeys((row["problem"], row["estimator"], row["tangents"]) for row in rows))
    assert lines == [
        ("allen-cahn-two-body", "stde", "per-point"),
        ("allen-cahn-two-body", "stde", "shared"),
        ("allen-cahn-two-body", "sdgd", "per-point"),
        ("allen-cahn-two-body", "sdgd", "shared"),
        ("sine-gordon-two-body", "stde", "per-point"),
    ]
    assert len(rows) == 10 and [row["samples"] for row in rows[:2]] == [1, 2]
    assert rows[0].items() >= {"loss": 0.3, "steps_per_second": 2.0, "seconds_to_convergence": 4.0}.items()
    assert [row["status"] for row in rows].count("failed") == 2
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "samples.md").read_text()
    line = "| allen-cahn-two-body | stde | shared | 2 | 5.0e-4 | 8.0e-1 | 5.0e-1 | 0.3 | 2 | 4 | 4 |  |"
    assert line in text and "failed: why |" in text
    again = command("samples", *small, *problems, "--out", str(tmp_path))
    assert "8 runs are there, 2 to do" in again.stderr and "sine-gordon-two-body" in again.stdout


def test_samples_of_older_sources_are_marked(machine, tmp_path, monkeypatch):
    small = {"estimators": ["stde"], "tangents": ["shared"], "dim": 4, "out": tmp_path}
    samples((1,), ["allen-cahn-two-body"], **small)
    monkeypatch.setitem(ENVIRONMENT, "sources", "fedcba9876543210")
    samples((1, 2), ["allen-cahn-two-body"], **small)
    text = (tmp_path / "samples.md").read_text()
    assert "| shared | 1 † | 5.0e-4 |" in text and "| shared | 2 | 5.0e-4 |" in text
    assert "- †: made by older sources" in text


def test_a_picture_of_nothing_but_failures_is_drawn(machine, tmp_path):
    machine.answers["allen"] = Outcome("failed", "why")
    samples((1,), ["allen-cahn-two-body"], ["stde"], ["shared"], dim=4, out=tmp_path)
    assert (tmp_path / "samples.png").exists()


def test_convergence_is_when_the_error_stays_close_to_its_last_value():
    errors = ((1.0, 3.0), (2.0, 1.05), (3.0, 1.2), (4.0, 1.09), (5.0, 0.95), (6.0, 1.0))
    assert seconds_to_convergence(errors) == 4.0
    assert seconds_to_convergence(errors[:1]) == 1.0
