"""Gradient-enhanced training: derivatives of residuals against nested AD, and their sampling."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stde_core as stde
from stde_pdes import Adam, Condition, Training, get_problem
from stde_pdes.domains import RadialBall
from stde_pdes.problem import Unknowns
from stde_pdes.training import Objective
from stde_pdes.training.sample import draw

CASES = {
    "one-dimensional, exact": ("g-kdv", {}),
    "nonlinear, with a source": ("allen-cahn-two-body", {"dim": 4}),
    "backward in time": ("semilinear-heat", {"dim": 2}),
    "with a whole heat flow": ("allen-cahn-parabolic", {"dim": 3, "whole_flow": True}),
}


def objective_of(problem, estimator, **settings):
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(0))
    training = Training((Adam(batch=6),), **settings)
    return Objective(problem, lambda network: Unknowns(network, {}), estimator, training), network


def full_residual(problem, network):
    """The residual of the equation at a point, by exact operators, right-hand side included."""
    condition, exact = problem.conditions[0], stde.get_estimator("exact")

    def residual(x):
        estimate = stde.estimate(condition.operators, problem.ansatz(network), x, exact)
        right = 0.0 if condition.source is None else condition.source(x)
        return condition.residual(x, estimate.primal, estimate.value) - right

    return residual


@pytest.mark.parametrize(("name", "fields"), CASES.values(), ids=CASES)
@pytest.mark.slow
def test_derivatives_of_the_residual_agree_with_nested_ad(name, fields):
    problem = get_problem(name, **fields)
    weight, inputs = 0.3, problem.num_inputs
    objective, network = objective_of(
        problem, stde.get_estimator("exact"), gpinn_weight=weight, gpinn_samples=inputs
    )
    sample = objective.draw(network, 6, key=jax.random.key(1))
    equation = objective.residuals(network, sample)[: 6 * (1 + inputs)].reshape(6, 1 + inputs)
    residual = full_residual(problem, network)
    values, slopes = jax.vmap(jax.value_and_grad(residual))(sample[0].points)
    scale = (problem.conditions[0].weight / 6) ** 0.5
    np.testing.assert_allclose(equation[:, 0], scale * values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(equation[:, 1:], scale * weight**0.5 * slopes, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_sampled_derivatives_have_the_mean_of_all():
    problem, weight = get_problem("allen-cahn-two-body", dim=5), 0.2
    exact = stde.get_estimator("exact")
    whole, network = objective_of(problem, exact, gpinn_weight=weight, gpinn_samples=5)
    part, _ = objective_of(problem, exact, gpinn_weight=weight, gpinn_samples=2)

    def losses(objective):
        def one(key):
            return objective.loss(network, objective.draw(network, 6, key=key))

        return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(2), 2000))

    # The same keys draw the same points, so that only the axes differ.
    differences = losses(part) - losses(whole)
    assert abs(differences.mean()) < 4 * differences.std() / 2000**0.5
    assert differences.std() > 0


@pytest.mark.slow
def test_tangents_are_the_same_in_the_residual_and_its_derivatives():
    """The slopes are derivatives of the very number that was drawn."""
    problem = get_problem("poisson-two-body", dim=4)
    sampled = stde.get_estimator("stde", num_samples=1)
    objective, network = objective_of(problem, sampled, gpinn_weight=1.0, gpinn_samples=4)
    (sample,) = objective.draw(network, 6, key=jax.random.key(3))
    rows = objective.residuals(network, (sample,)).reshape(6, 5) * 6**0.5
    model, operator = problem.ansatz(network), problem.conditions[0].operators
    for x, key, row in zip(sample.points, sample.keys, rows, strict=True):

        def drawn(x, key=key):
            return stde.estimate(operator, model, x, sampled, key=key).value - problem.conditions[0].source(x)

        np.testing.assert_allclose(row[1:], jax.grad(drawn)(x), rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_the_product_of_two_draws_is_unbiased_with_derivatives_too():
    problem = get_problem("poisson-two-body", dim=4)
    settings = {"gpinn_weight": 0.1, "gpinn_samples": 4}
    exact, network = objective_of(problem, stde.get_estimator("exact"), **settings)
    product, _ = objective_of(problem, stde.get_estimator("stde", num_samples=1), unbiased=True, **settings)

    def losses(objective):
        def one(key):
            return objective.loss(network, objective.draw(network, 6, key=key))

        return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(4), 3000))

    differences = losses(product) - losses(exact)
    assert abs(differences.mean()) < 4 * differences.std() / 3000**0.5


def test_without_a_weight_nothing_is_differentiated():
    problem = get_problem("allen-cahn-two-body", dim=4)
    objective, network = objective_of(problem, stde.get_estimator("exact"))
    (sample,) = objective.draw(network, 6, key=jax.random.key(1))
    assert sample.axes.shape == (6, 0) and sample.right.shape == (6, 1, 1)
    enhanced = dataclasses.replace(objective, training=Training((Adam(batch=6),), gpinn_weight=1.0))
    assert objective.loss(network, (sample,)) == enhanced.loss(network, (sample,))


def test_conditions_without_operators_are_not_enhanced():
    training, points = Training(gpinn_weight=1.0), RadialBall(3)
    values = Condition("values", points, None, lambda x, u, values: u)
    equation = Condition("equation", points, stde.Laplacian(), lambda x, u, values: values)
    drawn = [draw(condition, training, 5, key=jax.random.key(0)) for condition in (values, equation)]
    assert [sample.axes.shape[1] for sample in drawn] == [0, 3]


@pytest.mark.slow
def test_residuals_on_a_boundary_are_not_enhanced():
    # Off the boundary, its right-hand side would tell of the solution what the problem does not.
    problem = get_problem("biharmonic", dim=4, domain="shell")
    training = Training(gpinn_weight=1.0)
    drawn = [draw(condition, training, 5, key=jax.random.key(0)) for condition in problem.conditions]
    assert [sample.axes.shape[1] for sample in drawn] == [4, 0]
