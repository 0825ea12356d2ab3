"""The best affine network inside a problem's ansatz, beside which errors are shown."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from report_runs import RESULT, Page, write_run

import stde_core as stde
from stde_pdes import Condition, HeldOut, Problem, affine_relative_l2, get_problem, hold_out
from stde_pdes.cli.sentences import show
from stde_pdes.domains import Box
from stde_pdes.report.page import write_report
from stde_pdes.training import MOST_FEATURES, beats_affine
from stde_pdes.training import affine as fit
from stde_pdes.training.affine import Affine, affine_network

BOX = Box(((-1.0, 1.0),) * 3)


class Ansatz(eqx.Module):
    """0 where x₁ is ±1, with the network at two places."""

    features: Callable

    def __call__(self, network):
        return lambda x: (
            jnp.sin(x[1])
            + (1 - x[0] ** 2) * (network(self.features(x)) + 0.5 * network(self.features(x / 2)))
        )


class Reference(eqx.Module):
    """The ansatz of a network that is the solution."""

    ansatz: Ansatz
    network: Callable

    def __call__(self, points):
        return np.asarray(jax.vmap(self.ansatz(self.network))(points), float)


def residual(x, u, laplacian):
    return laplacian


def made_up(features, solution):
    """A problem of features, an ansatz and a solution, all given, on a box of three dimensions."""
    ansatz = Ansatz(features)
    equation = Condition("equation", BOX, stde.Laplacian(), residual)
    return Problem([equation], ansatz=ansatz, reference=Reference(ansatz, solution))


def unequal(x):
    """Features of scales that are far apart."""
    return jnp.stack([1e4 * x[0], 1e-3 * x[1], x[2] ** 2, x[0] * x[1] + 3])


def affine(z):
    return 2.0 + z @ jnp.asarray([3e-4, -500.0, 0.7, -0.2], z.dtype)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What other tests have fitted is not known."""
    monkeypatch.setattr(fit, "_fitted", type(fit._fitted)(maxlen=8))


@pytest.fixture
def seen(monkeypatch):
    """The points at which the solution of a made-up problem was asked for, in order."""
    points, reference = [], Reference.__call__
    monkeypatch.setattr(
        Reference, "__call__", lambda self, asked: points.append(np.asarray(asked)) or reference(self, asked)
    )
    return points


def wavy(z):
    return jnp.sin(z[2]) + z[3] ** 2


# --- the fit


@pytest.mark.parametrize(("double", "most"), [(True, 1e-12), (False, 1e-6)], ids=["float64", "float32"])
def test_a_solution_that_is_affine_is_found(double, most):
    with jax.enable_x64(double):
        problem = made_up(unequal, affine)
        held_out = hold_out(problem, 100)
        assert held_out.trivial_relative_l2 > 0.1
        assert affine_relative_l2(problem, held_out) < most
        network = affine_network(problem)
        found = np.asarray([network.constant, *network.slopes], float)
    np.testing.assert_allclose(found, [2.0, 3e-4, -500.0, 0.7, -0.2], rtol=1e-9 if double else 1e-4)


def test_the_fit_is_that_of_least_squares_on_the_whole_matrix(seen, monkeypatch):
    monkeypatch.setattr(fit, "_PIECE", 3000)  # several pieces
    monkeypatch.setattr(fit, "_INSIDE", 100)
    problem = made_up(unequal, wavy)
    network = affine_network(problem)
    assert len(seen) == 4 and sum(map(len, seen)) >= 50 * 5
    points = jnp.asarray(np.concatenate(seen))

    def values(one):
        return np.asarray(jax.vmap(problem.ansatz(one))(points))

    zero = values(lambda z: 0.0)
    networks = [lambda z: 1.0, *(lambda z, i=i: z[i] for i in range(4))]
    matrix = np.stack([values(one) - zero for one in networks], axis=1)
    expected, *_ = np.linalg.lstsq(matrix, values(wavy) - zero)
    np.testing.assert_allclose([network.constant, *network.slopes], expected, rtol=1e-8)


def test_no_test_point_is_fitted(seen):
    problem = made_up(unequal, wavy)
    held_out = hold_out(problem, 500)
    fitted, tested = len(seen), {point.tobytes() for point in np.asarray(held_out.points)}
    assert affine_relative_l2(problem, held_out) > 0
    points = np.concatenate(seen[fitted:])
    assert len(points) == 2000 and np.abs(points).max() <= 1
    assert tested.isdisjoint(point.tobytes() for point in points)
    assert len({point.tobytes() for point in points}) == 2000


def test_features_that_say_the_same_or_nothing_do_no_harm():
    def dependent(x):
        return jnp.stack([x[0], 2 * x[0], 0 * x[1], x[2]])

    problem = made_up(dependent, lambda z: 1 + z[0] - z[3])
    assert affine_relative_l2(problem, hold_out(problem, 50)) < 1e-12
    assert np.abs(np.asarray(affine_network(problem).slopes)).max() < 2


def test_a_solution_that_nobody_knows_has_no_number():
    problem = made_up(unequal, lambda z: jnp.nan * z[0])
    assert np.isnan(affine_relative_l2(problem, hold_out(problem, 10)))


def test_a_problem_that_is_made_again_is_known_by_its_values(monkeypatch):
    fits = []
    monkeypatch.setattr(fit, "_sums", lambda *given: fits.append(given) or np.eye(6))
    for constant in (0.0, 0.0, 1.0, 0.0):
        affine_network(made_up(unequal, Affine(jnp.asarray(constant), jnp.arange(4.0))))
    assert len(fits) == 2
    with jax.enable_x64(False):
        problem = made_up(unequal, Affine(jnp.zeros(()), jnp.arange(4.0)))
        assert affine_network(problem).constant.dtype == jnp.float32


def test_the_exact_solution_of_the_linear_control_problem_is_affine():
    problem = get_problem("hjb-lin", dim=3)
    assert affine_relative_l2(problem, hold_out(problem, 100)) < 1e-12


def test_nothing_is_computed_above_the_limit():
    problem = made_up(lambda x: jnp.tile(x, MOST_FEATURES), affine)
    assert affine_relative_l2(problem, HeldOut(jnp.zeros((1, 3)), np.ones(1), np.ones(1))) is None


def test_less_than_a_twentieth_is_not_better():
    assert beats_affine(0.94, 1.0) and not beats_affine(0.96, 1.0) and not beats_affine(1.2, 1.0)


# --- in words

WORDS = {
    "better": (1e-2, "affine: 1.000e-02)", "", "The model is better than an affine network"),
    "no better": (1e-3, "affine: 1.000e-03)", "not better than an affine network", "The model is not better"),
    "too many features": (None, "affine: not computed above 1024 features)", "", "not computed above 1024"),
}


@pytest.mark.parametrize(("error", "beside", "note", "sentence"), WORDS.values(), ids=WORDS)
def test_results_are_shown_beside_it(error, beside, note, sentence, tmp_path, capsys):
    result = RESULT | {"affine_relative_l2": error, "notes": []}
    show(result, as_json=False)
    shown = capsys.readouterr().out
    assert f"1.280e-03   (trivial: 9.230e-01, {beside}\n" in shown
    assert [line.partition("note")[2].strip() for line in shown.splitlines() if "note" in line] == (
        [note] if note else []
    )
    page = Page(write_report(write_run(tmp_path / "run", result=result)))
    assert sentence in page.text
    assert ("best affine network" in page.text) and ("best affine network 0.01" in page.text) == (
        error == 1e-2
    )


def test_results_of_older_versions_are_shown_without_it(tmp_path, capsys):
    assert "affine_relative_l2" not in RESULT
    show(RESULT, as_json=False)
    assert "(trivial: 9.230e-01)\n" in capsys.readouterr().out
    assert "affine" not in Page(write_report(write_run(tmp_path / "run"))).text
