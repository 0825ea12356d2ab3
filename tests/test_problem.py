"""A problem of one's own: what it is made of, what is chosen for it, and its loss."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import jit
from interpreter import interpreted
from jax.flatten_util import ravel_pytree

import stde_core as stde
from stde_pdes import MLP, Box, Condition, Data, Problem, Training, affine_relative_l2, hold_out
from stde_pdes.problem import Unknowns
from stde_pdes.training import Objective, measure, residuals
from stde_pdes.training.arguments import check_residuals

SQUARE = Box(((0.0, 1.0), (0.0, 2.0)))
EXACT = stde.get_estimator("exact")


def vanishing(x, u, value):
    return value


def equation(points=SQUARE, operators=stde.Laplacian(), residual=vanishing, **fields):  # noqa: B008
    return Condition("equation", points, operators, residual, **fields)


# --- what it is made of


def test_inputs_are_counted_named_and_scaled():
    problem = Problem([equation()])
    assert (problem.inputs, problem.outputs, problem.dim, problem.num_features) == (
        ("x0", "x1"),
        ("u",),
        2,
        2,
    )
    seen = problem.ansatz(lambda z: z)(jnp.asarray([0.0, 2.0]))
    np.testing.assert_allclose(seen, [-1.0, 1.0])


def test_time_is_an_input_by_name_or_number_and_no_space_dimension():
    by_name = Problem([equation()], inputs=("x", "t"), time="t")
    by_number = Problem([equation()], inputs=("x", "t"), time=-1)
    assert by_name.time == by_number.time == 1 and by_name.dim == 1


def test_features_are_counted_by_a_look_at_the_ansatz():
    def ansatz(network):
        return lambda x: x[0] * network(jnp.concatenate([jnp.sin(x), jnp.cos(x), x[:1]]))

    assert Problem([equation()], ansatz=ansatz).num_features == 5


def test_a_replaced_problem_is_made_anew():
    problem = Problem([equation()], outputs=("u", "v"), inputs=("a", "b"))
    other = dataclasses.replace(problem, training=Training(test_points=7), network=MLP(3, 1))
    assert other.inputs == problem.inputs and other.training.test_points == 7
    assert other.built(key=jax.random.key(0))(jnp.zeros(2)).shape == (2,)


@pytest.mark.parametrize(
    ("dim", "operators", "kind"),
    [
        (2, stde.Laplacian(), "Exact"),
        (200, stde.Laplacian(), "STDE"),
        (200, stde.partial(0) ** 2, "Exact"),
        (200, None, "Exact"),
        (200, {"flow": stde.partial(-1), "gradient": stde.Gradient()}, "Exact"),
    ],
    ids=str,
)
def test_the_estimator_is_exact_where_that_costs_no_more(dim, operators, kind):
    problem = Problem([equation(Box(((0.0, 1.0),) * dim), operators)])
    assert type(problem.chosen_estimator()).__name__ == kind


BAD = {
    "no list": (lambda: Problem("equation"), "`Problem(conditions)` needs a list of `Condition(…)`"),
    "none": (lambda: Problem([]), "`Problem(conditions)` needs at least one"),
    "same names": (
        lambda: Problem([equation(), equation()]),
        "with names of their own, got ['equation', 'eq",
    ),
    "two dimensions": (
        lambda: Problem([equation(), Condition("edge", Box(((0, 1),)), None, vanishing)]),
        "points of the condition 'edge' have 1 coordinates, and the problem has the 2 inputs x0, x1",
    ),
    "names": (lambda: Problem([equation()], inputs=("x", "x")), "`Problem(inputs)` needs different names"),
    "outputs": (lambda: Problem([equation()], outputs=0), "`Problem(outputs)` needs an integer ≥ 1, got 0"),
    "time": (
        lambda: Problem([equation()], inputs=("x", "time"), time="tim"),
        "Unknown input 'tim'; did you mean 'time'?",
    ),
    "number": (lambda: Problem([equation()], time=2), "needs the name or the number of an input, got 2"),
    "arrow": (lambda: Problem([equation()], arrow=0), "`Problem(arrow)` needs to be one of"),
    "no network": (
        lambda: Problem([equation()], ansatz=lambda network: lambda x: x[0]),
        "`Problem(ansatz)` needs to call its network",
    ),
    "shape": (
        lambda: Problem([equation()], ansatz=lambda network: lambda x: x * network(x)),
        "`Problem(ansatz)` gives a model of shape (2,), and the outputs u need ()",
    ),
    "training": (lambda: Problem([equation()], training=7), "`Problem(training)` needs a `stde` `Training`"),
    "test points": (
        lambda: Problem([equation()], test_points=np.ones((4, 3))),
        "`Problem(test_points)` needs a domain or an array `[n, 2]`",
    ),
    "tabulated": (
        lambda: Problem([equation()], reference=np.ones(4)),
        "`Problem(reference)` is an array; give `test_points`",
    ),
    "weight": (lambda: equation(weight=-1.0), "`Condition('equation', weight)` needs to be a number ≥ 0"),
    "residual": (lambda: equation(residual=3), "`Condition('equation', residual)` needs a function"),
    "data": (
        lambda: Data("probes", np.ones((3, 2)), np.ones(4)),
        "got shapes (3, 2) and (4,)",
    ),
    "nan": (lambda: Data("probes", np.ones((1, 2)), [np.nan]), "`Data('probes', values)` holds numbers that"),
    "judged by nothing": (lambda: hold_out(Problem([equation()]), 3), "a `solution` or a `reference`"),
}


@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD)
def test_what_does_not_go_together_is_refused_in_a_sentence(build, message, unchecked):
    with pytest.raises((ValueError, TypeError)) as caught:
        build()
    assert message in str(caught.value) and "\n" not in str(caught.value)


WRONG = {
    "an axis too many": (lambda x, u, value: u[0] - value, "raises IndexError: "),
    "nothing": (lambda x, u, value: None, "needs to return a scalar or an array."),
    "a pair": (lambda x, u, value: (u, value), "needs to return a scalar or an array."),
    "shapes": (lambda x, u, value: x + jnp.ones(3), "raises TypeError: "),
}


@pytest.mark.parametrize(("residual", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_residual_is_refused_with_its_own_line(residual, message):
    with pytest.raises(ValueError, match="The residual of the condition 'equation'") as caught:
        check_residuals(Problem([equation(residual=residual)]), EXACT)
    told = str(caught.value)
    assert message in told and "(test_problem.py:" in told and "lambda x, u, value:" in told


def test_as_many_residuals_as_right_hand_sides_are_needed():
    pair = equation(residual=lambda x, u, value: jnp.stack([u, value]), source=lambda x: jnp.ones(3))
    with pytest.raises(ValueError, match="has 2 entries at a point, and what is subtracted from it 3"):
        check_residuals(Problem([pair]), EXACT)


# --- its loss


def several():
    """Two outputs, a parameter in operators and residual, a boundary, and data of one output."""
    points = np.linspace(0.1, 0.9, 6).reshape(3, 2)
    return Problem(
        [
            equation(
                operators=lambda p: p["nu"] * stde.Laplacian(),
                residual=lambda x, u, laplacian, p: laplacian - p["nu"] * u**2,
                source=lambda x: jnp.stack([x[0], jnp.zeros(())]),
            ),
            Condition(
                "edge", Box(((0, 0.5), (1, 2))), None, lambda x, u, _, p: u[0] - x[1], weight=10.0, batch=3
            ),
            Data("probes", points, [1.0, 2.0, 3.0], weight=2.0, observe=lambda x, u, _, p: u[1]),
        ],
        outputs=2,
        parameters={"nu": 0.7},
        network=MLP(4, 1),
    )


def test_the_loss_is_the_weighted_mean_square_of_every_condition():
    problem, key = several(), jax.random.key(1)
    network = problem.built(key=jax.random.key(0))
    unknowns = Unknowns(network, {"nu": jnp.asarray(0.7)})
    objective = Objective(problem, lambda unknowns: unknowns, EXACT, Training())
    sample = objective.draw(unknowns, 5, key=key)
    assert [len(part.points) for part in sample] == [5, 3, 3]
    u = problem.ansatz(network)

    @interpreted
    def by_hand():
        def squared(x):
            laplacian = jnp.trace(jax.hessian(u)(x), axis1=1, axis2=2)
            return jnp.sum((0.7 * laplacian - 0.7 * u(x) ** 2 - jnp.stack([x[0], 0.0])) ** 2)

        inside = jnp.mean(jax.vmap(squared)(sample[0].points))
        edge = jnp.mean(jax.vmap(lambda x: (u(x)[0] - x[1]) ** 2)(sample[1].points))
        probes = jnp.mean((jax.vmap(u)(sample[2].points)[:, 1] - jnp.asarray([1.0, 2.0, 3.0])) ** 2)
        return jnp.stack([inside, 10 * edge, 2 * probes])

    terms = interpreted(lambda: objective.terms(unknowns, sample))()
    np.testing.assert_allclose([terms[c.name] for c in problem.conditions], by_hand(), rtol=1e-9)


@pytest.mark.slow
def test_residuals_and_jacobian_of_several_outputs_and_parameters_are_those_of_the_loss():
    problem = several()
    params, static = eqx.partition(
        Unknowns(problem.built(key=jax.random.key(0)), {"nu": jnp.asarray(0.7)}), eqx.is_inexact_array
    )
    objective = Objective(problem, lambda params: eqx.combine(params, static), EXACT, Training())
    sample = objective.draw(params, 5, key=jax.random.key(1))
    rows = jit(lambda p: objective.residuals(p, sample))(params)
    jacobian = jit(lambda p: objective.jacobian(p, sample))(params)
    loss, gradient = jit(jax.value_and_grad(lambda p: objective.loss(p, sample)))(params)
    assert rows.shape == (5 * 2 + 3 + 3,) and float(rows @ rows) == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_allclose(2 * rows @ jacobian, ravel_pytree(gradient)[0], rtol=1e-8, atol=1e-12)
    assert gradient.parameters["nu"] != 0


def test_data_are_drawn_without_replacement_and_whole_where_there_are_no_more():
    data = Data("probes", np.arange(20.0).reshape(10, 2), np.arange(10.0), batch=4)
    points, values = data.draw(4, key=jax.random.key(0))
    np.testing.assert_array_equal(points[:, 0], 2 * values[:, 0])
    assert len(set(values[:, 0].tolist())) == 4
    whole, _ = data.draw(10, key=jax.random.key(0))
    np.testing.assert_array_equal(whole, data.points)


# --- how it is judged


def vectors(x):
    return jnp.stack([1 + 2 * x[0] - x[1], jnp.sin(3 * x[0]) * x[1]])


def test_errors_of_several_outputs_are_told_together_and_apart():
    problem = Problem([equation(residual=lambda x, u, v: u)], outputs=("a", "b"), solution=vectors)
    held_out = hold_out(problem, 50)
    network = lambda z: vectors(jnp.stack([(z[0] + 1) / 2, z[1] + 1])) * jnp.asarray([1.0, 1.1])  # noqa: E731
    errors = measure(problem, network, held_out)
    norms = np.linalg.norm(held_out.truth, axis=0)
    assert errors.relative_l2_outputs["a"] == pytest.approx(0, abs=1e-12)
    assert errors.relative_l2_outputs["b"] == pytest.approx(0.1)
    assert errors.relative_l2 == pytest.approx(0.1 * norms[1] / np.hypot(*norms))


@pytest.mark.slow
def test_the_affine_network_of_several_outputs_fits_an_affine_one_exactly():
    affine = lambda x: jnp.stack([1 + 2 * x[0] - x[1], 3 * x[1]])  # noqa: E731
    problem = Problem([equation(residual=lambda x, u, v: u)], outputs=2, solution=affine)
    assert affine_relative_l2(problem, hold_out(problem, 50)) < 1e-9
    curved = dataclasses.replace(problem, solution=vectors)
    held_out = hold_out(curved, 500)
    assert 0.05 < affine_relative_l2(curved, held_out) < held_out.trivial_relative_l2


def test_a_reference_may_be_a_table():
    points = np.asarray(SQUARE(20, key=jax.random.key(0)))
    problem = Problem([equation()], reference=points[:, 0] ** 2, test_points=points)
    held_out = hold_out(problem, 5)
    assert held_out.points.shape == (20, 2)
    assert measure(problem, lambda z: ((z[0] + 1) / 2) ** 2, held_out).relative_l2 == pytest.approx(
        0, abs=1e-12
    )
    assert affine_relative_l2(problem, held_out) is None


def test_residuals_tell_their_size_and_where_they_are_largest():
    problem = Problem([equation(residual=lambda x, u, value: x[1])])
    objective = Objective(problem, lambda params: Unknowns(params, {}), EXACT, Training())
    found = residuals(objective, lambda z: z[0], 200, key=jax.random.key(0))["equation"]
    # |r| is uniform on [0, 2]: its mean square is 4/3 with a deviation of 1.19/√200, its median 1 ± 1/√200.
    assert found.rms**2 == pytest.approx(4 / 3, abs=4 * 1.19 / 200**0.5)
    assert found.quantiles["50"] == pytest.approx(1.0, abs=4 / 200**0.5)
    assert found.at[1] == found.largest > 1.9
