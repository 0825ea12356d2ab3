"""The loss, the loop and the errors."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stde_core as stde
from stde_pdes import (
    LBFGS,
    MLP,
    Adam,
    Condition,
    GaussNewton,
    Problem,
    Resampling,
    Training,
    get_problem,
    hold_out,
    train,
)
from stde_pdes.domains import Box
from stde_pdes.training import Place, loss, start_of

TINY = Training([Adam(7, batch=4)], test_points=30)


@pytest.fixture(scope="module")
def problem():
    return get_problem("allen-cahn-two-body", dim=6)


def run(problem, training=TINY, *, seed=1, report=lambda progress: None):
    network = MLP(8, 1)(problem.num_features, key=jax.random.key(0))
    estimator = stde.get_estimator("stde", num_samples=2)
    held_out = hold_out(problem, training.test_points)
    return train(problem, network, estimator, training, held_out, key=jax.random.key(seed), report=report)


def lopsided(x):
    """A model whose second derivatives differ much, so that sampling them has a large variance."""
    return jnp.arange(6.0) @ x**2


def mean_loss(problem, model, estimator, training, num_keys, batch=4):
    bare = dataclasses.replace(problem, ansatz=lambda model: model)
    losses = jax.jit(jax.vmap(lambda key: loss(bare, model, estimator, training, batch=batch, key=key)))(
        jax.random.split(jax.random.key(5), num_keys)
    )
    return losses.mean(), losses.std() / num_keys**0.5


@pytest.mark.slow
def test_squared_loss_is_biased_by_the_variance_and_the_product_is_not(problem):
    model = lopsided
    sampled, exact = stde.get_estimator("stde", num_samples=1), stde.get_estimator("exact")
    truth, truth_error = mean_loss(problem, model, exact, TINY, 4000)
    product, product_error = mean_loss(
        problem, model, sampled, dataclasses.replace(TINY, unbiased=True), 4000
    )
    square, square_error = mean_loss(problem, model, sampled, TINY, 4000)
    assert abs(product - truth) < 4 * (truth_error**2 + product_error**2) ** 0.5
    assert square - truth > 4 * (truth_error**2 + square_error**2) ** 0.5


def test_shared_tangents_have_the_same_mean_loss(problem):
    model = lopsided
    estimator = stde.get_estimator("stde", num_samples=1)
    own, own_error = mean_loss(problem, model, estimator, TINY, 4000)
    shared, shared_error = mean_loss(
        problem, model, estimator, dataclasses.replace(TINY, shared_tangents=True), 4000
    )
    assert abs(own - shared) < 4 * (own_error**2 + shared_error**2) ** 0.5
    assert shared_error > own_error  # one draw for all points averages less


def test_points_chosen_by_their_residuals_get_fresh_tangents():
    # All points are one, so that what is chosen is chosen by the tangents alone; Δu = 36 there.
    points = Box(((0.0, 1e-9),) * 8)
    problem = Problem([Condition("equation", points, stde.Laplacian(), lambda x, u, value: value)])

    def model(x):
        return jnp.sum(jnp.arange(1.0, 9.0) * x**2) / 2

    estimator = stde.get_estimator("stde", num_samples=1)
    training = Training(unbiased=True, resampling=Resampling())
    product, product_error = mean_loss(problem, model, estimator, training, 4000, batch=8)
    assert abs(product - 36**2) < 4 * product_error


def test_same_seed_same_numbers_and_another_seed_others(problem):
    first, second, other = run(problem), run(problem), run(problem, seed=2)
    leaves = [jax.tree.leaves(eqx.filter(r.network, eqx.is_array)) for r in (first, second, other)]
    assert all(bool(jnp.array_equal(a, b)) for a, b in zip(*leaves[:2], strict=True))
    assert not all(bool(jnp.array_equal(a, b)) for a, b in zip(leaves[0], leaves[2], strict=True))


def test_numbers_do_not_depend_on_how_steps_are_chunked(problem, monkeypatch):
    whole = run(problem)
    monkeypatch.setattr("stde_pdes.training.loop._SECONDS", 0.0)  # one step a chunk
    steps = []
    single = run(problem, report=lambda progress: steps.append(progress.step))
    assert steps == list(range(1, 8))
    assert single.progress.errors == whole.progress.errors


def test_the_last_report_is_at_the_last_step_with_errors(problem):
    reports = []
    trained = run(problem, report=reports.append)
    assert reports[-1] is trained.progress
    assert trained.progress.step == TINY.total_steps and trained.progress.errors is not None


@pytest.mark.slow
def test_training_lowers_the_error_and_leaves_the_callers_network_alone(problem):
    network = MLP(16, 2)(problem.num_features, key=jax.random.key(0))
    before = jax.tree.map(jnp.copy, eqx.filter(network, eqx.is_array))
    training = Training([Adam(300, 32, 1e-2)], test_points=500)
    held_out, estimator = hold_out(problem, 500), stde.get_estimator("exact")
    trained = train(problem, network, estimator, training, held_out, key=jax.random.key(1))
    assert trained.progress.errors.relative_l2 < 0.5 * held_out.trivial_relative_l2
    assert eqx.tree_equal(before, eqx.filter(network, eqx.is_array))


@pytest.mark.parametrize("schedule", ["linear", "cosine", "exponential", "constant"])
def test_schedules_start_at_the_learning_rate(schedule):
    optimiser = Adam(10, learning_rate=0.01, schedule=schedule).optimiser()
    updates, _ = optimiser.update(jnp.ones(1), optimiser.init(jnp.ones(1)))
    np.testing.assert_allclose(updates, -0.01, rtol=1e-6)


def test_trivial_error_is_the_smaller_of_constant_and_constant_network(problem):
    held_out = hold_out(problem, 2000)
    feature = 1 - (np.asarray(held_out.points) ** 2).sum(1)
    in_ansatz = feature * (feature @ held_out.truth) / (feature @ feature)
    candidates = [np.full_like(held_out.truth, held_out.truth.mean()), in_ansatz]
    errors = [np.linalg.norm(c - held_out.truth) / np.linalg.norm(held_out.truth) for c in candidates]
    assert held_out.trivial_relative_l2 == pytest.approx(min(errors), rel=1e-6)


def test_test_points_are_no_more_than_memory_holds_and_a_note_says_so(problem, monkeypatch):
    whole = hold_out(problem, 30)
    monkeypatch.setattr("stde_pdes.training.errors._MOST", 6 * 20 + 5)
    fewer = hold_out(problem, 30)
    assert whole.points.shape == (30, 6) and whole.notes == ()
    assert fewer.points.shape == (20, 6) and fewer.truth.shape == (20,)
    assert "measured at 20 test points: the 30 asked for" in fewer.notes[0]


def test_where_the_solution_vanishes_at_the_origin_no_relative_error_is_measured_there():
    problem = get_problem("semilinear-heat", dim=2)
    problem = dataclasses.replace(problem, reference=lambda points: np.asarray(points).sum(1))
    held_out = hold_out(problem, 20)
    assert held_out.origin is None and "The solution is 0 at the origin" in held_out.notes[0]


@pytest.mark.parametrize(
    ("stage", "remedy"),
    [
        (Adam(), "Lower `learning_rate`"),
        (GaussNewton(), "Raise `gauss_newton.damping`"),
        (LBFGS(), "Raise `lbfgs"),
    ],
)
def test_every_stage_says_what_to_do_where_it_left_what_is_finite(stage, remedy):
    assert stage.remedy.startswith(remedy)


def test_a_loss_that_is_not_finite_stops_the_run_with_a_sentence(problem, monkeypatch):
    monkeypatch.setattr("stde_pdes.training.objective.Objective.loss", lambda *_: jnp.sum(jnp.nan))
    with pytest.raises(
        FloatingPointError, match=r"not finite after step 0: the loss is .* Lower `learning_rate`"
    ):
        run(problem)


@pytest.mark.parametrize("fields", [{"steps": 0}, {"batch": -1}, {"test_points": 0}, {"learning_rate": 0.0}])
def test_training_refuses_settings_without_meaning(fields):
    with pytest.raises(ValueError, match=f"`{next(iter(fields))}` needs"):
        (Training if "test_points" in fields else Adam)(**fields)


@pytest.mark.parametrize("stage", [Adam(), GaussNewton(), LBFGS()])
def test_gentler_stages_are_stages_that_differ(stage):
    assert type(stage.gentler()) is type(stage) and stage.gentler() != stage


# --- training from a snapshot


class Enough(Exception):
    pass


def test_a_snapshot_is_kept_before_the_first_step_of_a_later_stage_and_none_at_its_end(problem):
    training = dataclasses.replace(TINY, stages=(Adam(4, batch=4), GaussNewton(2, 5)))
    network, held_out = MLP(8, 1)(6, key=jax.random.key(0)), hold_out(problem, 30)
    estimator, places = stde.get_estimator("stde", num_samples=2), []

    def keep(snapshot):
        places.append((snapshot.place.stage, snapshot.place.step, snapshot.place.total))

    train(problem, network, estimator, training, held_out, key=jax.random.key(1), keep=keep)
    assert (1, 0, 4) in places and (0, 4, 4) not in places
    with pytest.raises(ValueError, match="is not a place of a training in 4 steps"):
        start_of(problem, network, training, Place(stage=0, step=4, total=4))


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 5, 7])
def test_training_from_a_snapshot_comes_to_the_same_bits(after):
    problem, exact = get_problem("poisson-two-body", dim=2), stde.get_estimator("exact")
    training = Training((Adam(4, 5), GaussNewton(2, 5), LBFGS(4, 5)), test_points=20)
    network, held_out = MLP(4, 1)(2, key=jax.random.key(0)), hold_out(problem, 20)

    def trained(**more):
        return train(problem, network, exact, training, held_out, key=jax.random.key(1), **more)

    kept = []

    def keep(snapshot):
        if snapshot.place.total >= after:
            kept.append(jax.tree.map(np.array, (snapshot.params, snapshot.state)))
            kept.append(snapshot.place)
            raise Enough

    with pytest.raises(Enough):
        trained(keep=keep)
    (params, state), place = kept
    start = start_of(problem, network, training, place)
    assert jax.tree.structure(start.state) == jax.tree.structure(state)
    start = type(start)(place, *jax.tree.map(jnp.asarray, (params, state)))
    again, straight = trained(start=start), trained()
    assert eqx.tree_equal(again.network, straight.network)
    assert again.progress.errors == straight.progress.errors
