"""The baselines compute what stde computes: methods of a row have one loss and gradient, published readings
are what is said of them, and the steps of other code solve our equation and advance."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, jit, mixed

import stde_core as stde
from benchmarks import operators
from benchmarks.baselines import Setting, derivatives, released
from benchmarks.operators import network
from benchmarks.step import METHODS, refusal, work
from stde_pdes import MLP, Residual, get_problem

# --- methods of one training step

SAMPLED = (
    "sdgd-reverse-scan",
    "sdgd-reverse",
    "sdgd-forward-over-reverse",
    "stde-jet",
    "stde",
    "hand-written",
)


@pytest.mark.parametrize(
    ("name", "shared", "num_samples", "methods"),
    [
        ("sine-gordon-two-body", False, 3, SAMPLED),
        ("sine-gordon-two-body", True, 3, ("stde-jet", "stde", "hand-written")),
        ("sine-gordon-two-body", False, 6, ("forward-laplacian", "stde", "hand-written")),
        ("allen-cahn-two-body", False, 3, ("stde", "hand-written")),
    ],
    ids=["per point", "shared", "all dimensions", "another reaction"],
)
@pytest.mark.slow
def test_all_methods_of_a_step_have_one_loss_and_gradient(name, shared, num_samples, methods):
    problem, setting = get_problem(name, dim=6), Setting(3, num_samples, shared)
    net, key = MLP(width=4, depth=2)(problem.num_features, key=jax.random.key(1)), jax.random.key(2)
    params, static = eqx.partition(net, eqx.is_inexact_array)

    def by(method):
        objective = METHODS[method].objective
        return jax.value_and_grad(
            lambda params: objective(problem, eqx.combine(params, static), setting, key=key)
        )

    first, *others = jit(lambda params: [by(method)(params) for method in methods])(
        params
    )  # compiled at once
    assert first[0] > 0
    for other in others:
        assert_close(other, first, rtol=1e-9)


# --- operators

PUBLISHED = {"kdv_2d_13_jet": "kdv_2d", "kdv_2d_9_jet": "kdv_2d", "kp_jets": "kp", "g_kdv_jets": "g_kdv"}
REVERSE = {f"{name}_reverse": name for name in ("kdv_2d", "kp", "g_kdv")}


@pytest.fixture(scope="module")
def u():
    return eqx.nn.MLP(3, "scalar", 6, 1, jnp.tanh, key=jax.random.key(0))


def at(equation, u):
    """A model and a point with as many inputs as the equation has."""
    inputs = 2 if equation == "g_kdv" else 3
    point = jnp.array([0.3, -0.2, 0.4])[:inputs]
    return (lambda p: u(jnp.pad(p, (0, 3 - inputs)))), point


def truth(model, point, names):
    """Derivatives such as u_xxxy by name, by nested forward mode."""
    axes = dict(zip("xyt" if len(point) == 3 else "xt", range(3), strict=False))

    def derivative(name, point):
        return mixed(model, point, *(axes[letter] for letter in name.removeprefix("u_")))

    return jit(lambda point: {name: derivative(name, point) for name in names})(point)


@pytest.mark.parametrize(("name", "equation"), (PUBLISHED | REVERSE).items(), ids=PUBLISHED | REVERSE)
def test_derivatives_are_read_right_but_those_listed_as_wrong(name, equation, u):
    model, point = at(equation, u)
    readings = jit(lambda point: getattr(derivatives, name)(model, point))(point)
    assert_close(readings.pop("u"), model(point))
    expected = truth(model, point, readings)
    wrong = {reading for reading in readings if abs(readings[reading] / expected[reading] - 1) > 1e-6}
    assert wrong == set(derivatives.WRONG.get(name, ()))
    assert len(readings) == {"kdv_2d": 7, "kp": 5, "g_kdv": 8}[equation]


def test_wrong_readings_are_the_sums_that_they_are_said_to_be(u):
    model, point = at("kdv_2d", u)
    thirteen, nine = (
        jit(lambda point, jets=jets: jets(model, point))(point)
        for jets in (derivatives.kdv_2d_13_jet, derivatives.kdv_2d_9_jet)
    )
    d = truth(model, point, ["u_t", "u_xx", "u_xy", "u_ty", "u_xyy", "u_xxt", "u_xxxy"])
    assert_close(thirteen["u_xx"], 10 * d["u_xx"])
    assert_close(35 * thirteen["u_xy"], 35 * d["u_xy"] + d["u_t"])
    assert_close(330 * thirteen["u_ty"], 330 * d["u_ty"] + 5775 * d["u_xyy"])
    assert_close(200200 * thirteen["u_xxxy"], 200200 * d["u_xxxy"] + 17160 * d["u_xxt"])
    assert_close(840 * nine["u_xxxy"], 1260 * d["u_xxxy"])


@pytest.mark.parametrize(
    ("name", "size"), [*((name, "base") for name in operators.METHODS), ("laplacian", "residual-8")]
)
def test_all_methods_of_an_operator_have_one_loss_and_gradient(name, size, monkeypatch):
    def small(size, inputs, *, key):
        mlp = eqx.nn.MLP(inputs, "scalar", 4, 1, jnp.tanh, key=key)
        return Residual(4, 1, norm=True)(inputs, key=key) if size == "residual-8" else mlp

    monkeypatch.setattr(operators, "network", small)
    case = operators.CASES[name]
    task = {
        "workload": name,
        "inputs": 3 if "any" in case else case["inputs"][0],
        "network": size,
        "batch": 2,
        "seed": 0,
    }
    right = [method for method, entry in operators.METHODS[name].items() if "wrong" not in entry.note]
    works = [operators.work(task | {"method": method}) for method in right]
    first, *others = jit(lambda *arguments: [one.function(*arguments) for one in works])(
        works[0].state, 0, *works[0].arguments
    )
    assert others
    for other in others:
        assert_close(other, first, rtol=1e-8)


@pytest.mark.parametrize(("size", "count"), [("base", 4), ("L=8", 8), ("h=16", 4), ("residual-8", 8)])
def test_sizes_count_layers_with_the_output(size, count):
    found = network(size, 3, key=jax.random.key(0))
    leaves = jax.tree.leaves(found, is_leaf=lambda n: isinstance(n, eqx.nn.Linear))
    linear = [leaf for leaf in leaves if isinstance(leaf, eqx.nn.Linear)]
    assert len(linear) == count
    assert linear[1].weight.shape == ((16, 16) if size == "h=16" else (128, 128))


# --- steps of other code


def test_the_released_step_solves_our_equation_by_our_laplacian():
    problem = get_problem("sine-gordon-two-body", dim=6)
    (condition,), coefficients = problem.conditions, problem.solution.coefficients
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
        sources = jax.vmap(lambda x: released.source(coefficients, x))(x)
        hessians = jax.vmap(jax.hessian(u))(x)
        loss = released.loss(parameters, coefficients, x, indices)
        return theirs, sources, hessians, jax.vmap(ours)(x), jax.vmap(condition.source)(x), loss

    (values, laplacians), sources, hessians, our_laplacians, our_sources, loss = jit(all_of)(x)
    assert x.dtype == sources.dtype == jnp.float64
    assert_close(values, jax.vmap(u)(x))
    assert_close(laplacians, our_laplacians)
    assert_close(laplacians, 2 * hessians[:, indices, indices].sum(axis=1))
    assert_close(sources, our_sources)
    assert_close(loss, jnp.mean((jax.vmap(condition.residual)(x, values, laplacians) - sources) ** 2))


TASK = {"method": "released", "dim": 5, "problem": "sine-gordon-two-body", "num_samples": 2, "batch": 4}
TASK |= {"width": 8, "depth": 1, "shared_tangents": False, "seed": 0}


def test_the_released_step_advances_and_keeps_its_state():
    made = work(TASK)
    call = made.ready().call
    before, first = jax.tree.map(jnp.copy, made.state), call(0)
    assert [weight.shape for weight, _ in made.state[0]] == [(5, 8), (8, 1)]
    assert jax.tree.map(jnp.array_equal, made.state[0], before[0]) == jax.tree.map(lambda _: True, before[0])
    assert np.isfinite(first) and first != call(1) != call(2)


@pytest.mark.parametrize("name", ["sine-gordon-three-body", "allen-cahn-two-body", "semilinear-heat"])
def test_the_released_step_refuses_other_equations(name):
    assert refusal(TASK | {"problem": name}) == "is written for `sine-gordon-two-body` alone"


@pytest.mark.parametrize("name", ["sine-gordon-two-body", "allen-cahn-two-body"])
def test_the_step_in_pytorch_has_the_same_loss_and_gradient(name):
    torch = pytest.importorskip("torch")
    from benchmarks.baselines.sdgd_torch import TorchStep

    problem = get_problem(name, dim=6)
    (condition,) = problem.conditions
    net = MLP(width=6, depth=2)(6, key=jax.random.key(1))
    step = TorchStep(name, problem, net, Setting(4, 3))
    x = condition.points(4, key=jax.random.key(2))
    chosen = np.stack([np.random.default_rng(i).choice(6, 3, replace=False) for i in range(4)])

    def loss(net):
        u = problem.ansatz(net)
        sums = jax.vmap(lambda x, axes: 6 / 3 * jnp.diag(jax.hessian(u)(x))[axes].sum())(x, chosen)
        residual = jax.vmap(condition.residual)(x, jax.vmap(u)(x), sums) - jax.vmap(condition.source)(x)
        return jnp.mean(residual**2)

    value, gradient = eqx.filter_value_and_grad(loss)(net)
    own = step.loss(torch.tensor(np.asarray(x)), torch.tensor(chosen))
    own.backward()
    np.testing.assert_allclose(own.item(), value)
    for layer, (weight, bias) in zip(gradient.layers, step.layers, strict=True):
        np.testing.assert_allclose(weight.grad, layer.weight, rtol=1e-9)
        np.testing.assert_allclose(bias.grad.reshape(layer.bias.shape), layer.bias, rtol=1e-9)
    assert np.isfinite(step.step(0))
