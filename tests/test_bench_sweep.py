"""`python -m benchmarks accuracy` and `samples`: what is there is not run again, what has changed is, and
what goes wrong is a row."""

import json

import pytest
from click.testing import CliRunner

from benchmarks import sweep, tables
from benchmarks.__main__ import bench
from benchmarks.rows import CASES, read_rows
from benchmarks.tables import seconds_to_convergence

VERSIONS = {"stde": "0.2.0", "jax": "0.10.2", "jaxlib": "0.10.2", "equinox": "0.13", "optax": "0.2"}
CURVE = [[1.0, 1e-3], [4.0, 5e-4]]
KDV = [{"problem": "kdv", "aim": {"domain": 1e-3, "origin": 2e-4}}]
KDV += [{"problem": "kdv", "fields": {"solution": "two-soliton"}, "aim": {"share": 1 / 1000}}]
KDV[1]["published"] = {"table": 7, "error": 3.69e-4, "deviation": 2.19e-4, "at": "origin"}
FAILED = {"status": "failed", "reason": "The loss is not finite."}


class Machine:
    """Stands for the processes: what is asked of them is noted, and answered at once."""

    def __init__(self):
        self.environment = {
            "versions": VERSIONS,
            "python": "3.11",
            "cpus": 2,
            "device": "cpu:cpu",
            "commit": None,
        }
        self.environment |= {
            "precision": "float32",
            "matmul_precision": "highest",
            "sources": "0123456789abcdef",
        }
        self.asked, self.answers, self.affine = [], {}, 0.5

    def ask(self, function, arguments, limits=None):
        if function.endswith("environment"):
            return {"status": "ok", "reason": ""} | self.environment
        self.asked.append(arguments)
        named = arguments["fields"].get("solution"), arguments.get("estimator"), arguments["seed"]
        answer = next((found for name, found in self.answers.items() if name in named), None)
        if isinstance(answer, BaseException):
            raise answer
        return answer or self.solved(1 + arguments["seed"])

    def solved(self, factor):
        errors = {"relative_l2": 5e-4 * factor, "trivial_relative_l2": 0.8, "affine_relative_l2": self.affine}
        about = {
            "loss": 0.3,
            "seconds": 60.0,
            "parameters": 123,
            "steps": 8,
            "dim": 1,
            "time": True,
            "errors": CURVE,
        }
        return {"status": "ok", "reason": "", "relative_error_origin": 1e-4} | errors | about


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(sweep, "ask", machine.ask)
    monkeypatch.setitem(CASES, "accuracy", KDV)
    return machine


def accuracy(out, *more):
    return CliRunner().invoke(bench, ["accuracy", "--problems", "kdv", "--out", str(out), *more])


def rows_of(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- what is kept


def test_a_second_call_runs_nothing_and_says_so(machine, tmp_path):
    first = accuracy(tmp_path, "--json")
    lengths = [(one["share"], one["seed"]) for one in machine.asked]
    assert lengths == [(1, 0), (0.2, 0), (0.2, 1), (0.2, 2)] * 2
    assert machine.asked[4]["fields"] == {"solution": "two-soliton"}
    assert f"0 runs are in {tmp_path / 'accuracy.jsonl'}, 8 to do" in first.stderr
    assert (
        "1/8  kdv, length full, seed 0: error 5.0e-04 (trivial 8.0e-01, affine 5.0e-01), 60 s" in first.stderr
    )
    second = accuracy(tmp_path, "--json")
    assert len(machine.asked) == 8 and "8 runs are in" in second.stderr and "none to do" in second.stderr
    assert rows_of(second) == rows_of(first) == read_rows(tmp_path / "accuracy.jsonl")


@pytest.mark.parametrize("changed", ["sources", "precision", "device", "versions"])
def test_other_code_or_another_environment_is_another_run(machine, tmp_path, changed):
    accuracy(tmp_path, "--only", "full")
    machine.environment |= {changed: VERSIONS | {"optax": "0.3"} if changed == "versions" else "another"}
    machine.environment["commit"] = "fedcba9876"
    rows = rows_of(accuracy(tmp_path, "--only", "full", "--json"))
    assert len(machine.asked) == 4 and len(read_rows(tmp_path / "accuracy.jsonl")) == 4
    assert all(row["commit"] == "fedcba9876" for row in rows)  # the newest, and the table says so
    assert accuracy(tmp_path, "--finished").stdout.count("0.2.0 (fedcba9)") == 2


def test_everything_is_run_again_where_asked_for(machine, tmp_path):
    for _ in range(2):
        accuracy(tmp_path, "--only", "full", "--again")
    assert len(machine.asked) == 4


def test_an_interrupted_sweep_goes_on_where_it_was(machine, tmp_path):
    machine.answers["two-soliton"] = KeyboardInterrupt()
    stopped = accuracy(tmp_path)
    assert stopped.exit_code == 1 and "what had ended is in the directory of `--out`" in stopped.stderr
    machine.answers.clear()
    del machine.asked[:]
    accuracy(tmp_path)
    assert len(machine.asked) == 4 and all(one["fields"] for one in machine.asked)


def test_a_line_that_was_cut_short_is_run_again(machine, tmp_path):
    accuracy(tmp_path, "--only", "full")
    path = tmp_path / "accuracy.jsonl"
    path.write_text(path.read_text()[:-100])
    accuracy(tmp_path, "--only", "full")
    assert len(machine.asked) == 3 and len(read_rows(path)) == 2


# --- pages


def test_the_page_and_the_numbers(machine, tmp_path):
    page = tmp_path / "deep" / "page.md"
    done = accuracy(tmp_path, "--table", str(page))
    assert page.read_text() == done.stdout.removesuffix("\n")
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in done.stdout.splitlines()
        if line[:1] == "|"
    ]
    first, second = (line for line in lines if line[0].startswith("`kdv") and len(line) == 13)
    assert first[:8] == [
        "`kdv`",
        "1 + time",
        "5.00e-4",
        "1.0e-4",
        "1.00e-3, 2.0e-4 at the origin",
        "yes",
        "8.00e-1",
        "5.00e-1",
    ]
    assert first[8:] == ["60", "8", "123", "–", "0.2.0"]
    assert second[4:6] == ["5.00e-4", "yes"] and second[11] == "3.7e-4 ± 2.2e-4 at the origin (Table 7)"
    short = next(line for line in lines if line[0] == "`kdv`" and len(line) == 9)
    assert short[1:] == [
        "8",
        "1.0e-3",
        "5.0e-4 to 1.5e-3",
        "1.0e-4",
        "1.0e-4 to 1.0e-4",
        "8.0e-1",
        "5.0e-1",
        "0.2.0",
    ]


def test_a_run_that_is_not_better_than_an_affine_network_is_called_so(machine, tmp_path):
    machine.affine = 4e-4
    text = accuracy(tmp_path).stdout
    assert text.count("4.00e-4, not better than an affine network") == 2
    assert "- Aims not reached: `kdv -p solution=two-soliton`." in text  # a share of the smaller baseline


def test_a_run_that_fails_is_a_row_and_is_tried_again(machine, tmp_path):
    machine.answers["two-soliton"] = FAILED
    text = accuracy(tmp_path).stdout
    assert "- `kdv -p solution=two-soliton`, seed 2: failed: The loss is not finite." in text
    assert "| `kdv -p solution=two-soliton` | – " in " ".join(text.split())
    assert tables.judged(read_rows(tmp_path / "accuracy.jsonl")[4])["reached"] is False
    machine.answers.clear()
    del machine.asked[:]
    accuracy(tmp_path)
    assert len(machine.asked) == 4


def test_the_table_of_what_is_finished_runs_nothing(machine, tmp_path):
    accuracy(tmp_path, "--only", "short")
    del machine.asked[:]
    text = accuracy(tmp_path, "--finished").stdout
    assert not machine.asked and "seed 0: not run: a call without `--finished` runs it" in text
    assert (
        "Aims not reached" not in text
        and "nothing measured" in accuracy(tmp_path / "none", "--finished").stdout
    )


def samples(out, *more):
    small = (
        "--dim",
        "6",
        "--steps",
        "8",
        "--samples",
        "1,2",
        "--problems",
        "allen-cahn-two-body,poisson-two-body",
    )
    return CliRunner().invoke(
        bench, ["samples", *small, "--estimators", "stde,sdgd", "--out", str(out), *more]
    )


def test_samples_compares_methods_and_writes_everything(machine, tmp_path):
    machine.answers["sdgd"] = FAILED
    rows = rows_of(samples(tmp_path, "--json"))
    assert [(row["problem"][:2], row["estimator"], row["tangents"]) for row in rows[::2]] == [
        ("al", "stde", "per-point"),
        ("al", "stde", "shared"),
        ("al", "sdgd", "per-point"),
        ("al", "sdgd", "shared"),
        ("po", "stde", "per-point"),
    ]
    assert [row["num_samples"] for row in rows] == [1, 2] * 5 and rows[0]["steps"] == 8
    assert {path.name for path in tmp_path.iterdir()} == {"samples.jsonl", "samples.md", "samples.png"}
    cells = [
        [cell.strip() for cell in line.split("|")]
        for line in (tmp_path / "samples.md").read_text().splitlines()
    ]
    line = [
        "allen-cahn-two-body",
        "stde",
        "shared",
        "2",
        "5.0e-4",
        "8.0e-1",
        "5.0e-1",
        "0.3",
        "2",
        "4",
        "4",
        "0.2.0",
        "",
    ]
    assert line in [one[1:-1] for one in cells]
    assert "failed: The loss is not finite." in (tmp_path / "samples.md").read_text()
    again = samples(tmp_path)
    assert "6 runs are in" in again.stderr and "4 to do" in again.stderr
    machine.affine = 4e-4
    text = samples(tmp_path, "--again").stdout
    assert "No run is better than an affine network: the errors say nothing" in text


def test_a_picture_of_nothing_but_failures_is_drawn(machine, tmp_path):
    machine.answers |= {"stde": FAILED, "sdgd": FAILED}
    samples(tmp_path)
    assert (tmp_path / "samples.png").exists()


def test_convergence_is_when_the_error_stays_close_to_its_last_value():
    errors = ((1.0, 3.0), (2.0, 1.05), (3.0, 1.2), (4.0, 1.09), (5.0, 0.95), (6.0, 1.0))
    assert seconds_to_convergence(errors) == 4.0
    assert seconds_to_convergence(errors[:1]) == 1.0 and seconds_to_convergence([]) is None


# --- by real processes


@pytest.mark.slow
def test_a_run_is_solved_from_end_to_end(tmp_path):
    tiny = (
        "--dim",
        "3",
        "--steps",
        "2",
        "--samples",
        "1",
        "--estimators",
        "stde",
        "--tangents",
        "shared",
        "--seed",
        "2",
    )
    done = CliRunner().invoke(
        bench, ["samples", *tiny, "--problems", "poisson-two-body", "--out", str(tmp_path), "--json"]
    )
    (row,) = rows_of(done)
    assert row["status"] == "ok" and row["relative_l2"] > 0 and row["errors"], row
    assert row["parameters"] == 3 * 128 + 128 + 2 * (128 * 128 + 128) + 128 + 1
    assert row["steps"] == row["seed"] == 2 and row["fields"] == {"dim": 3}
    assert row["settings"]["training"]["shared_tangents"] and row["affine_relative_l2"] > 0


@pytest.mark.slow
def test_every_case_can_be_made():
    for case in CASES["accuracy"]:
        assert sweep.pdes.get_problem(case["problem"], **case.get("fields", {})).training.total_steps > 0
