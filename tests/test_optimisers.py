"""The stages of a training: Adam, Gauss-Newton, L-BFGS, and what chooses and weighs points."""

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
from stde_pdes import (
    LBFGS,
    MLP,
    Adam,
    Causal,
    GaussNewton,
    Resampling,
    Training,
    get_problem,
    hold_out,
    train,
)
from stde_pdes.optimisers import AbstractObjective
from stde_pdes.problem import Unknowns
from stde_pdes.training import Objective

ADAM = Adam(20, 20, 1e-2)


class Linear(AbstractObjective):
    """Residuals `A p − b` of a linear least-squares problem, which one Gauss-Newton step solves."""

    matrix: jax.Array
    target: jax.Array

    def draw(self, params, batch, *, key):
        return None

    def residuals(self, params, sample):
        return self.matrix @ ravel_pytree(params)[0] - self.target

    def loss(self, params, sample):
        return jnp.sum(self.residuals(params, sample) ** 2)

    def jacobian(self, params, sample):
        return self.matrix


@pytest.fixture
def linear():
    matrix, target = jax.random.normal(jax.random.key(0), (4, 7)), jnp.arange(4.0)
    return Linear(matrix, target), {"a": jnp.ones(3), "b": jnp.ones((2, 2))}


def test_gauss_newton_solves_a_linear_problem_by_the_shortest_step(linear):
    objective, params = linear
    stage = GaussNewton(damping=1e-13)
    after, _, before = stage.step(
        objective, params, stage.init(params), jnp.asarray(0), key=jax.random.key(0)
    )
    start, end = ravel_pytree(params)[0], ravel_pytree(after)[0]
    shortest = jnp.linalg.lstsq(objective.matrix, objective.target - objective.matrix @ start)[0]
    np.testing.assert_allclose(end, start + shortest, atol=1e-8)
    assert before == pytest.approx(float(objective.loss(params, None)))


def test_gauss_newton_stays_where_no_step_lowers_the_loss(linear):
    objective, params = linear
    wrong = dataclasses.replace(objective, matrix=-objective.matrix)

    class Misled(AbstractObjective):
        """A Jacobian of the wrong sign, so that every step climbs."""

        def draw(self, params, batch, *, key):
            return None

        residuals = staticmethod(objective.residuals)
        loss = staticmethod(objective.loss)
        jacobian = staticmethod(wrong.jacobian)

    stage = GaussNewton()
    after, _, _ = stage.step(Misled(), params, stage.init(params), jnp.asarray(0), key=jax.random.key(0))
    assert eqx.tree_equal(after, params)


def test_lbfgs_solves_a_linear_problem(linear):
    objective, params = linear
    stage = LBFGS(steps=30, redraw=15)
    state = stage.init(params)
    step = jax.jit(lambda p, s, i: stage.step(objective, p, s, i, key=jax.random.key(0)))
    for i in range(30):
        params, state, _ = step(params, state, i)
    assert objective.loss(params, None) < 1e-8


def test_lbfgs_holds_a_sample_as_it_was_drawn_first(linear):
    objective, params = linear
    drawn_at = []

    class Choosy(AbstractObjective):
        """Points that depend on the parameters, as resampled ones do, and causal weights."""

        def draw(self, params, batch, *, key):
            jax.debug.callback(drawn_at.append, ravel_pytree(params)[0])

        residuals = staticmethod(objective.residuals)
        loss = staticmethod(objective.loss)
        jacobian = staticmethod(objective.jacobian)

    stage = LBFGS(redraw=2)
    state = stage.init(params)
    starts = []
    step = jit(lambda p, s, i: stage.step(Choosy(), p, s, i, key=jax.random.key(0)))
    for i in range(3):
        starts.append(ravel_pytree(params)[0])
        params, state, _ = step(params, state, i)
    jax.effects_barrier()
    np.testing.assert_array_equal(drawn_at, [starts[0], starts[0], starts[2]])
    assert not np.array_equal(starts[0], starts[2])


def kdv_objective(training):
    problem = get_problem("kdv")
    network = MLP(6, 1)(problem.num_features, key=jax.random.key(0))
    params, static = eqx.partition(network, eqx.is_inexact_array)
    rebuild = lambda params: Unknowns(eqx.combine(params, static), {})  # noqa: E731
    objective = Objective(problem, rebuild, stde.get_estimator("exact"), training)
    return objective.with_states(objective.first_states()), params


@pytest.mark.parametrize("fields", [{}, {"gpinn_weight": 0.1}, {"weightings": [Causal(0.5)]}], ids=str)
@pytest.mark.slow
def test_jacobian_is_the_derivative_of_the_residuals_and_squares_to_the_loss(fields):
    objective, params = kdv_objective(Training(**fields))
    sample = objective.draw(params, 5, key=jax.random.key(1))
    residuals = objective.residuals(params, sample)
    assert objective.loss(params, sample) == pytest.approx(float(residuals @ residuals), rel=1e-12)
    flat, unravel = ravel_pytree(params)
    expected = jax.jacfwd(lambda p: objective.residuals(unravel(p), sample))(flat)
    np.testing.assert_allclose(objective.jacobian(params, sample), expected, rtol=1e-9, atol=1e-11)
    gradient = ravel_pytree(jax.grad(objective.loss)(params, sample))[0]
    np.testing.assert_allclose(2 * residuals @ objective.jacobian(params, sample), gradient, rtol=1e-8)


def test_causal_weights_fall_behind_large_residuals():
    times, squares = jnp.array([0.3, 0.1, 0.2, 0.4]), jnp.array([4.0, 8.0, 0.0, 1.0])
    # In order of time: nothing before; 8; 8; 12, each over 4 points.
    expected = jnp.exp(-0.5 * jnp.array([2.0, 0.0, 2.0, 3.0]))
    np.testing.assert_allclose(Causal(0.5).of_points(times, lambda: squares), expected)
    backwards = jnp.exp(-0.5 * jnp.array([0.25, 1.25, 1.25, 0.0]))
    np.testing.assert_allclose(Causal(0.5).of_points(-times, lambda: squares), backwards)


@pytest.mark.slow
def test_causal_weights_are_constants_of_the_gradient():
    objective, params = kdv_objective(Training(weightings=[Causal(2.0)]))
    plain, _ = kdv_objective(Training())
    sample, unweighted = (one.draw(params, 5, key=jax.random.key(1)) for one in (objective, plain))
    (part,) = sample
    rows = jax.lax.stop_gradient(objective.residuals(params, sample))
    weights = (rows / plain.residuals(params, unweighted)) ** 2
    expected = jax.grad(lambda p: jnp.sum(weights * plain.residuals(p, unweighted) ** 2))(params)
    redrawn = jax.grad(lambda p: objective.loss(p, objective.draw(p, 5, key=jax.random.key(1))))
    for gradient in (jax.grad(objective.loss)(params, sample), redrawn(params)):
        np.testing.assert_allclose(ravel_pytree(gradient)[0], ravel_pytree(expected)[0], rtol=1e-9)
    assert weights[jnp.argmin(part.points[:, -1])] == pytest.approx(1.0)


def test_losses_of_one_sample_have_equal_causal_weights():
    objective, params = kdv_objective(Training(weightings=[Causal(2.0)]))
    plain, _ = kdv_objective(Training())

    @interpreted
    def weights(params):
        sample, unweighted = (one.draw(params, 5, key=jax.random.key(1)) for one in (objective, plain))
        others = jax.tree.map(lambda leaf: 3 * leaf, params)
        return [
            (objective.residuals(p, sample) / plain.residuals(p, unweighted)) ** 2 for p in (params, others)
        ]

    here, elsewhere = weights(params)
    assert jnp.min(here) < 0.9
    np.testing.assert_allclose(elsewhere, here, rtol=1e-9)


@pytest.mark.slow
def test_gauss_newton_with_causal_weights_does_not_run_off_from_a_random_start():
    problem, exact = get_problem("kdv"), stde.get_estimator("exact")
    gauss_newton = GaussNewton(steps=20, batch=60)
    training = Training((Adam(1, 20, 1e-4), gauss_newton), [Causal()])
    with jax.enable_x64(False):
        network, held_out = MLP(16, 2)(problem.num_features, key=jax.random.key(0)), hold_out(problem, 200)
        trained = train(problem, network, exact, training, held_out, key=jax.random.key(1))
    # 1.24; weights that differ along a line search reward large residuals, and come to 3.3.
    assert trained.progress.errors.relative_l2 < 1.8


def test_resampling_keeps_points_in_proportion_to_their_odds():
    residuals = jnp.array([0.0, 1.0, 3.0])
    # |r|/mean + 1 = 1, 1.75, 3.25 of 6; one of three is kept in each of 20 000 trials.
    kept = jax.vmap(lambda key: Resampling(floor=1.0)(residuals, 1, key=key)[0])(
        jax.random.split(jax.random.key(0), 20_000)
    )
    shares = np.bincount(kept, minlength=3) / 20_000
    np.testing.assert_allclose(shares, np.array([1, 1.75, 3.25]) / 6, atol=4 * 0.5 / 20_000**0.5)
    assert sorted(Resampling()(residuals, 3, key=jax.random.key(1)).tolist()) == [0, 1, 2]


@pytest.mark.slow
def test_scheduled_gauss_newton_takes_a_falling_share_of_the_step():
    objective, params = kdv_objective(Training())
    key, steps = jax.random.key(0), {}
    for schedule in ("constant", "linear"):
        stage = GaussNewton(steps=4, batch=10, schedule=schedule)
        after, state, _ = stage.step(objective, params, stage.init(params), jnp.asarray(3), key=key)
        steps[schedule] = ravel_pytree(params)[0] - ravel_pytree(after)[0]
        np.testing.assert_allclose(state, steps["constant"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(steps["linear"], steps["constant"] / 4, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
def test_resampled_points_have_larger_residuals():
    plain, params = kdv_objective(Training())
    adaptive, _ = kdv_objective(Training(resampling=Resampling(candidates=8, power=2.0)))

    def mean_square(objective):
        samples = objective.draw(params, 200, key=jax.random.key(2))
        assert samples[0].points.shape == (200, 2)
        return float(plain.loss(params, samples))

    assert mean_square(adaptive) > 1.5 * mean_square(plain)


@pytest.mark.parametrize(
    "stage",
    [
        {"stages": (ADAM, GaussNewton(steps=4, batch=60))},
        {"stages": (ADAM, LBFGS(steps=8, batch=60, redraw=4))},
        {"stages": [ADAM], "weightings": [Causal()], "resampling": Resampling(candidates=2)},
    ],
    ids=["gauss-newton", "lbfgs", "causal-resampling"],
)
@pytest.mark.slow
def test_every_stage_and_choice_trains(stage):
    problem = get_problem("kdv")
    training = Training(test_points=200, **stage)
    network, held_out = MLP(16, 2)(problem.num_features, key=jax.random.key(0)), hold_out(problem, 200)
    reports = []
    exact = stde.get_estimator("exact")
    trained = train(problem, network, exact, training, held_out, key=jax.random.key(1), report=reports.append)
    steps = [progress.step for progress in reports]
    assert steps == sorted(set(steps)) and steps[-1] == training.total_steps
    assert trained.progress.errors is not None
    assert reports[-1].loss < reports[0].loss


@pytest.mark.slow
def test_gauss_newton_beats_as_many_steps_of_adam():
    problem = get_problem("poisson-two-body", dim=2)
    held_out, exact = hold_out(problem, 500), stde.get_estimator("exact")

    def error(training):
        network = MLP(16, 2)(problem.num_features, key=jax.random.key(0))
        trained = train(problem, network, exact, training, held_out, key=jax.random.key(1))
        return trained.progress.errors.relative_l2

    adam = Training([Adam(60, 50, 3e-3)], test_points=500)
    second = Training((Adam(20, 50, 3e-3), GaussNewton(steps=40, batch=50)), test_points=500)
    assert error(second) < 0.1 * error(adam)


def test_causal_weights_are_refused_without_time():
    problem = get_problem("allen-cahn-two-body", dim=4)
    network, held_out = MLP(4, 1)(4, key=jax.random.key(0)), hold_out(problem, 10)
    training = Training([Adam(1)], [Causal()])
    with pytest.raises(ValueError, match="`causal` needs a problem in time"):
        train(problem, network, stde.get_estimator("exact"), training, held_out, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GaussNewton(steps=0), "`gauss_newton.steps` needs an integer ≥ 1, got 0"),
        (lambda: GaussNewton(damping=-1.0), "`gauss_newton.damping` needs to be a positive number, got -1.0"),
        (
            lambda: GaussNewton(momentum=1.0),
            "`gauss_newton.momentum` needs a number from 0 to below 1, got 1.0",
        ),
        (lambda: LBFGS(memory=0), "`lbfgs.memory` needs an integer ≥ 1, got 0"),
        (lambda: Causal(float("nan")), "`causal.strength` needs to be a positive number, got nan"),
        (lambda: Resampling(candidates=1), "`resampling.candidates` needs an integer ≥ 2, got 1"),
        (lambda: Training(gpinn_weight=-0.1), "`gpinn_weight` needs to be a number ≥ 0, got -0.1"),
        (
            lambda: Training((Adam(), LBFGS()), unbiased=True),
            "`unbiased` needs stages that draw anew .* got `LBFGS` too, .* no lower bound. Leave these out",
        ),
        (
            lambda: Training((Adam(), GaussNewton(), LBFGS()), unbiased=True),
            "got `GaussNewton` and `LBFGS` too",
        ),
    ],
)
def test_settings_without_meaning_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
