"""The problems under `examples/problems`: their solutions solve them, and short trainings come near."""

import dataclasses
import json
import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from interpreter import interpreted
from scipy import sparse
from stde_cli import cli

import stde_core as stde
import stde_pdes as pdes
from stde_pdes.training import measure

FOLDER = Path(__file__).parent.parent / "examples" / "problems"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "run_all")
SOLVED = sorted(set(NAMES) - {"helmholtz"})
EXACT = stde.get_estimator("exact")


def of(name):
    return runpy.run_path(str(FOLDER / f"{name}.py"))


def residuals(condition, model, parameters, num_points=100):
    """The residuals of a model, one row for each point, and what they are measured by: the largest of what
    they are made of, and 1, the size of all these solutions."""
    points, right = condition.draw(num_points, key=jax.random.key(7))
    operators = condition.operators_at(parameters)

    def one(x):
        if operators is None:
            u, values = model(x), None
        else:
            found = stde.estimate(operators, model, x, EXACT, standard_error=False)
            u, values = found.primal, found.value
        return condition.rows(x, u, values, parameters), jax.tree.leaves((u, values))

    rows, sizes = interpreted(jax.vmap(one))(points)
    rows = rows if right is None else rows - right
    return np.asarray(rows), max(1.0, *(float(np.abs(size).max()) for size in sizes))


@pytest.mark.parametrize("name", SOLVED)
def test_the_exact_solution_solves_the_problem(name):
    found = of(name)
    problem = found["problem"]
    parameters = {name: jnp.asarray(value) for name, value in found.get("truth", {}).items()}
    assert parameters.keys() == problem.parameters.keys()
    for condition in problem.conditions:
        rows, size = residuals(condition, problem.solution, parameters)
        if isinstance(condition, pdes.Data) and parameters:  # up to its noise
            assert abs(rows.std() / found["NOISE"] - 1) < 4 / (2 * rows.size) ** 0.5
        else:
            assert np.abs(rows).max() < 1e-8 * size, condition.name


# The error that a short training comes below, over all outputs and in the unknown coefficients. Untrained
# networks are off by more than 0.5, and the first guesses of coefficients by more than 0.3.
LIMITS = {
    "helmholtz": 0.02,
    "inverse_burgers": 0.15,
    "inverse_heat": 0.1,
    "kovasznay": 0.1,
    "parametric_helmholtz": 0.2,
    "reaction_diffusion": 0.1,
    "schroedinger": 0.2,
}
FAST = ("helmholtz", "inverse_heat")
SHORT = pdes.Training((pdes.Adam(200, batch=50), pdes.GaussNewton(200, batch=60)), test_points=500)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in NAMES]
)
def test_a_short_training_comes_near(name):
    found = of(name)
    problem = found["problem"]
    if name == "helmholtz":
        points, values = by_differences(40)
        problem = dataclasses.replace(problem, test_points=points, reference=values)
    held_out = pdes.hold_out(problem, 500)
    network = problem.built(network=pdes.MLP(16, 2), key=jax.random.key(0))
    before = measure(problem, network, held_out)
    done = pdes.train(problem, network, EXACT, SHORT, held_out, key=jax.random.key(1))
    assert before.relative_l2 > 0.5 and done.progress.errors.relative_l2 < LIMITS[name]
    for parameter, value in found.get("truth", {}).items():
        assert abs(problem.parameters[parameter] / value - 1) > 0.3
        assert abs(done.parameters[parameter] / value - 1) < LIMITS[name], parameter


ROWS = {row["name"]: row for row in map(json.loads, (FOLDER / "results.jsonl").read_text().splitlines())}


def test_runs_at_full_length_came_as_near_as_they_should():
    assert ROWS.keys() == set(NAMES) and all(row["seconds"] < 300 for row in ROWS.values())
    limits = {"schroedinger": 1e-3, "kovasznay": 1e-3, "parametric_helmholtz": 1e-2}
    for name, limit in limits.items():
        assert max(ROWS[name]["relative_l2_outputs"].values()) < limit
    for name in ("inverse_heat", "inverse_burgers"):
        for parameter, value in ROWS[name]["truth"].items():
            assert abs(ROWS[name]["found"][parameter] / value - 1) < 0.01


def test_the_table_of_the_documentation_has_the_numbers_of_the_rows():
    page = (FOLDER.parent.parent / "docs" / "how-to" / "problem.md").read_text(encoding="utf-8")
    lines = {
        line.split("`")[1][:-3]: line
        for line in page.splitlines()
        if line.startswith("| `") and ".py`" in line
    }
    assert lines.keys() == ROWS.keys()
    for name, row in ROWS.items():
        cells = [cell.strip() for cell in lines[name].split("|")]
        assert int(cells[-2]) == round(row["seconds"])
        if "relative_l2" in row:
            assert float(cells[4].split()[0]) == pytest.approx(row["relative_l2"], rel=0.05)
            assert float(cells[5]) == pytest.approx(row["affine_relative_l2"], rel=0.05)


def by_differences(cells):
    """What has no known solution, at the points inside a grid, by central differences."""
    inside = np.arange(1, cells) / cells
    x, y = (axis.ravel() for axis in np.meshgrid(inside, inside, indexing="ij"))
    line = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], (cells - 1, cells - 1)) * cells**2
    one = sparse.eye(cells - 1)
    # x₀x₁ has the Laplacian 0 in differences too, so that what is left vanishes on the boundary.
    matrix = sparse.kron(line, one) + sparse.kron(one, line) + 4 * sparse.eye(x.size)
    rest = sparse.linalg.spsolve(matrix.tocsc(), np.sin(3 * x) - 4 * x * y)
    return np.stack([x, y], axis=1), x * y + rest


def test_the_command_line_solves_a_file(tmp_path):
    file = str(FOLDER / "inverse_heat.py")
    options = ["--steps", "3", "-m", "width=4", "-m", "depth=1", "-t", "test_points=40", "--json"]
    done = CliRunner().invoke(cli, ["solve", file, *options, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["found"].keys() == {"kappa"}
