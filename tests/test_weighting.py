"""What weighs conditions while training goes on, stages of other libraries, and who may end a training."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix
import pytest
from helpers import jit
from jax.flatten_util import ravel_pytree

import stde_core as stde
from stde_pdes import (
    MLP,
    Adam,
    Box,
    Condition,
    EarlyStopping,
    GradientNorm,
    Optax,
    Optimistix,
    Problem,
    SelfAdaptive,
    Training,
    train,
)
from stde_pdes.optimisers import AbstractObjective
from stde_pdes.training import Objective, Progress, split

EXACT = stde.get_estimator("exact")


def two_conditions():
    """Residuals of very different sizes."""
    line = Box(((0.0, 1.0),))
    return Problem(
        [
            Condition("large", line, None, lambda x, u, _: 100 * (u - x[0])),
            Condition("small", line, None, lambda x, u, _: u - 1),
        ],
        network=MLP(4, 1),
    )


def objective_of(training):
    problem = two_conditions()
    network = problem.built(key=jax.random.key(0))
    params, rebuild = split(problem, network)
    objective = Objective(problem, rebuild, EXACT, training)
    return objective.with_states(objective.first_states()), params


def by_condition(objective, params, sample):
    return jnp.stack(list(objective.terms(params, sample).values()))


def test_gradient_norms_are_equal_after_balancing():
    objective, params = objective_of(Training(weightings=[GradientNorm(every=1, share=0.0)]))
    batch, key, index = 10, jax.random.key(1), jnp.asarray(0)

    @jit
    def norms(params):
        states = objective.refreshed(params, index, batch, key=key)
        weighed = objective.with_states(states)
        sample = weighed.draw(params, 5000, key=jax.random.key(2))
        gradients = jax.jacrev(lambda p: by_condition(weighed, p, sample))(params)
        return jax.vmap(optax.tree.norm)(gradients), states[0]

    lengths, weights = norms(params)
    # The weights come from ten points, and the gradients of their mean differ by some 10 %.
    assert 0.5 < lengths[0] / lengths[1] < 2 and weights[0] < 1e-2 * weights[1]


def test_gradient_norms_are_taken_every_so_many_steps_and_averaged():
    weighting, state = GradientNorm(every=5, share=0.9), jnp.ones(2)
    terms = lambda p: jnp.stack([p**2, 3 * p**2])  # noqa: E731  (gradients 2 and 6 at p = 1)
    after = jit(lambda state: weighting.refresh(state, terms, jnp.asarray(1.0), jnp.asarray(5)))(state)
    np.testing.assert_allclose(after, 0.9 + 0.1 * np.array([2.0, 2 / 3]))
    np.testing.assert_array_equal(weighting.refresh(state, terms, jnp.asarray(1.0), jnp.asarray(6)), state)


def test_self_adaptive_weights_grow_with_their_shares_of_the_loss():
    weighting = SelfAdaptive(rate=0.1, every=2)
    terms = lambda p: jnp.stack([p, 3 * p])  # noqa: E731
    np.testing.assert_allclose(weighting.refresh(jnp.ones(2), terms, 2.0, jnp.asarray(4)), [1.05, 1.15])
    np.testing.assert_allclose(weighting.of_conditions(jnp.asarray([1.05, 1.15]), 2), [1.05, 1.15])


def test_weights_of_a_step_are_part_of_its_sample():
    objective, params = objective_of(Training(weightings=[SelfAdaptive()]))
    plain = objective.draw(params, 4, key=jax.random.key(3))
    heavier = objective.with_states((jnp.asarray([2.0, 5.0]),)).draw(params, 4, key=jax.random.key(3))
    np.testing.assert_allclose(heavier[0].weights, 2 * plain[0].weights)
    np.testing.assert_allclose(
        by_condition(objective, params, heavier), np.array([2, 5]) * by_condition(objective, params, plain)
    )


@pytest.mark.slow
def test_a_training_with_weightings_goes_on_from_a_snapshot_to_the_same_bits():
    problem = two_conditions()
    training = Training([Adam(6, 5)], (GradientNorm(every=2), SelfAdaptive(every=1)))
    network, kept = problem.built(key=jax.random.key(0)), []

    def keep(snapshot):
        if snapshot.place.step == 3:
            kept.append(
                dataclasses.replace(snapshot, params=copied(snapshot.params), state=copied(snapshot.state))
            )

    def copied(tree):
        return jax.tree.map(jnp.array, tree)

    import stde_pdes.training.loop as loop

    arguments = (problem, network, EXACT, training, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_SECONDS", 0.0)
        whole = train(*arguments, key=jax.random.key(1), keep=keep)
    again = train(*arguments, key=jax.random.key(1), start=kept[0])
    for one, other in zip(jax.tree.leaves(whole.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, other)


# --- stages of other libraries


class Linear(AbstractObjective):
    """Residuals `A p − b`."""

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
    return Linear(jax.random.normal(jax.random.key(0), (4, 3)), jnp.arange(4.0)), {"a": jnp.ones(3)}


@pytest.mark.parametrize(
    "solver",
    [
        optimistix.LevenbergMarquardt(1e-8, 1e-8),
        pytest.param(optimistix.BFGS(1e-8, 1e-8), marks=pytest.mark.slow),
    ],
    ids=lambda solver: type(solver).__name__,
)
def test_a_solver_of_optimistix_solves_a_linear_problem(solver, linear):
    objective, params = linear
    stage = Optimistix(solver, steps=1, inner=50)
    after, _, before = jit(lambda p: stage.step(objective, p, (), jnp.asarray(0), key=jax.random.key(0)))(
        params
    )
    best = jnp.linalg.lstsq(objective.matrix, objective.target)[0]
    np.testing.assert_allclose(after["a"], best, rtol=1e-5)
    assert before == pytest.approx(float(objective.loss(params, None)))


def test_any_transformation_of_optax_is_a_stage(linear):
    objective, params = linear
    ours, theirs = Adam(10, learning_rate=0.1, schedule="constant"), Optax(optax.adam(0.1), 10)
    step = lambda stage: stage.step(  # noqa: E731
        objective, params, stage.init(params), jnp.asarray(0), key=jax.random.key(0)
    )
    np.testing.assert_array_equal(step(ours)[0]["a"], step(theirs)[0]["a"])
    gentle = step(theirs.gentler())[0]["a"]
    np.testing.assert_allclose(gentle, (params["a"] + step(theirs)[0]["a"]) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Optax(1e-3), "`Optax(transformation)` needs a transformation of optax"),
        (lambda: Optimistix("newton"), "`Optimistix(solver)` needs a least-squares solver or a minimiser"),
        (lambda: GradientNorm(every=0), "`gradient_norm.every` needs an integer ≥ 1, got 0"),
        (lambda: SelfAdaptive(rate=-1.0), "`self_adaptive.rate` needs to be a positive number, got -1.0"),
    ],
)
def test_settings_without_meaning_are_refused(build, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        build()
    assert message in str(caught.value)


# --- who may end a training


def test_early_stopping_waits_for_its_patience():
    stopping = EarlyStopping(patience=20, least=0.1)
    losses = iter([1.0, 0.5, 0.46, 0.46, 0.46])

    def at(step):
        return stopping(Progress(step, 0.0, 0.0, 1.0, held_out=lambda num_points: {"equation": next(losses)}))

    assert [at(step) for step in (10, 20, 30)] == [None, None, None]
    assert at(39) is None
    assert "has not fallen below 0.5 for 20 steps" in at(40)


@pytest.mark.slow
def test_a_callback_ends_a_training_with_its_sentence():
    problem = two_conditions()
    trained = train(
        problem,
        problem.built(key=jax.random.key(0)),
        EXACT,
        Training((Adam(50, 5), Adam(50, 5))),
        None,
        key=jax.random.key(1),
        callbacks=[lambda progress: "enough" if progress.step >= 4 else None],
    )
    assert trained.stopped == "enough" and 4 <= trained.progress.step < 50
    assert set(trained.progress.held_out_losses(7)) == {"large", "small"}
