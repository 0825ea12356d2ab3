"""Steps of other code, `released` and `sdgd-torch`: they solve our equation by our Laplacian, and advance."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, jit

import stde_core as stde
from benchmarks._step import StepTask
from benchmarks.baselines import released
from stde_pdes import MLP, Training, get_problem


def test_the_released_step_solves_our_equation_by_our_laplacian():
    problem = get_problem("sine-gordon-two-body", dim=6)
    parameters = released.initial((6, 5, 4, 1), key=jax.random.key(1))
    x = released.points(3, 6, key=jax.random.key(2))
    indices = jnp.array([4, 0, 3])
    sampled = sum((stde.partial(int(i)) ** 2 for i in indices), start=0 * stde.partial(0) ** 2)

    def u(x):
        return released.model(parameters, x)

    def ours(x):
        return stde.estimate(6 / 3 * sampled, u, x, stde.get_estimator("exact")).value

    def all_of(x):
        theirs = jax.vmap(lambda x: released.u_and_laplacian(u, x, indices))(x)
        sources = jax.vmap(lambda x: released.source(problem.solution.coefficients, x))(x)
        hessians = jax.vmap(jax.hessian(u))(x)
        loss = released.loss(parameters, problem.solution.coefficients, x, indices)
        return theirs, sources, hessians, jax.vmap(ours)(x), jax.vmap(problem.source)(x), loss

    (values, laplacians), sources, hessians, our_laplacians, our_sources, loss = jit(all_of)(x)
    assert x.dtype == sources.dtype == jnp.float64
    assert_close(values, jax.vmap(u)(x))
    assert_close(laplacians, our_laplacians)
    assert_close(laplacians, 2 * hessians[:, indices, indices].sum(axis=1))
    assert_close(sources, our_sources)
    assert_close(loss, jnp.mean((laplacians + problem.reaction(values) - sources) ** 2))


def test_the_released_step_advances_and_keeps_its_state():
    work = StepTask("released", 5, "sine-gordon-two-body", 2, 4, 8, 1, shared_tangents=False, seed=0).build()
    call = work.ready().call
    before, first = jax.tree.map(jnp.copy, work.state), call(0)
    assert [weight.shape for weight, _ in work.state[0]] == [(5, 8), (8, 1)]
    assert jax.tree.map(jnp.array_equal, work.state[0], before[0]) == jax.tree.map(lambda _: True, before[0])
    assert np.isfinite(first) and first != call(1) != call(2)


@pytest.mark.parametrize("name", ["sine-gordon-three-body", "allen-cahn-two-body", "semilinear-heat"])
def test_the_released_step_refuses_other_equations(name):
    task = StepTask("released", 5, name, 2, 4, 8, 2, shared_tangents=False, seed=0)
    assert task.refuses() == "is written for `sine-gordon-two-body` alone"


def test_the_step_in_pytorch_has_the_same_loss_and_gradient():
    torch = pytest.importorskip("torch")
    from benchmarks.baselines.sdgd_torch import TorchStep

    for name in ("sine-gordon-two-body", "allen-cahn-two-body"):
        problem = get_problem(name, dim=6)
        net = MLP(width=6, depth=2)(6, key=jax.random.key(1))
        step = TorchStep(problem, net, Training(batch=4), 3, seed=0)
        x = problem.conditions[0].points(4, key=jax.random.key(2))
        chosen = np.stack([np.random.default_rng(i).choice(6, 3, replace=False) for i in range(4)])

        def loss(net, problem=problem, x=x, chosen=chosen):
            u = problem.ansatz(net)
            sums = jax.vmap(lambda x, axes: 6 / 3 * jnp.diag(jax.hessian(u)(x))[axes].sum())(x, chosen)
            residual = sums + problem.reaction(jax.vmap(u)(x)) - jax.vmap(problem.source)(x)
            return jnp.mean(residual**2)

        value, gradient = eqx.filter_value_and_grad(loss)(net)
        own = step.loss(torch.tensor(np.asarray(x)), torch.tensor(chosen))
        own.backward()
        np.testing.assert_allclose(own.item(), value)
        for layer, (weight, bias) in zip(gradient.layers, step.layers, strict=True):
            np.testing.assert_allclose(weight.grad, layer.weight, rtol=1e-9)
            np.testing.assert_allclose(bias.grad.reshape(layer.bias.shape), layer.bias, rtol=1e-9)
        assert np.isfinite(step.step(0))
