"""What the engine takes for granted of JAX: where a release changes it, one of these fails, with its name."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Jaxpr, Literal, jaxpr_as_fun, primitives
from jax.extend.source_info_util import summarize

from stde_core._taylor._rules import OTHERS, RULES
from stde_core._taylor._varying import vary, varying_axes
from stde_core._taylor._versions import called, name_of, opened, scan_lengths

X = jnp.arange(1.0, 4.0)


def equations(function, *args):
    return opened(jax.make_jaxpr(function)(*args))[0].eqns


def only(name, function, *args):
    """The equation of this name."""
    (found,) = (eqn for eqn in equations(function, *args) if name_of(eqn.primitive) == name)
    return found


@jax.custom_jvp
def with_rule(x):
    return jnp.sin(x)


with_rule.defjvps(lambda t, ans, x: t)


@jax.custom_vjp
def with_reverse_rule(x):
    return jnp.sin(x)


with_reverse_rule.defvjp(lambda x: (x, x), lambda x, t: (t,))


# Rules for primitives that only some releases have.
NOT_EVERYWHERE = {"call", "eval_jaxpr", "log2", "one_minus_square", "polynomial"}


def test_rules_are_for_primitives_that_there_are():
    published = {name.removesuffix("_p") for name in dir(primitives)}
    unpublished = {
        "call_hi_primitive", "copy_p", "expand_dims", "linear_call", "logsumexp", "optimization_barrier",
        "pvary", "random_gamma_grad", "reshard", "split", "stack", "tile", "unstack",
    }  # fmt: skip
    assert set(RULES) - published - NOT_EVERYWHERE - {OTHERS} <= unpublished


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("split", lambda x: jnp.split(x, 3)),
        ("tile", lambda x: jax.lax.tile(x, (2,))),
        ("optimization_barrier", jax.lax.optimization_barrier),
        ("remat", jax.checkpoint(jnp.sin)),
        ("jit", jax.jit(jnp.sin)),
        ("add_jaxvals", lambda x: jax.jvp(lambda y: y * jnp.sin(y), (x,), (x,))[1]),
    ],
)
def test_names_of_primitives(name, function):
    assert name in {name_of(eqn.primitive) for eqn in equations(function, X)}


def test_unpacking_a_point_stays_in_sight():
    def unpacked(x):
        a, b, c = x
        return a * b * c

    names = {name_of(eqn.primitive) for eqn in equations(unpacked, X)}
    assert names == {"unstack", "mul"} or names == {"slice", "squeeze", "mul"}


def test_jaxprs_have_constants_or_none():
    jaxpr, consts = opened(jax.make_jaxpr(lambda x: x + np.arange(3.0))(X))
    assert isinstance(jaxpr, Jaxpr)
    assert len(jaxpr.constvars) == len(consts)
    for name, function in {"jit": jax.jit(jnp.sin), "remat": jax.checkpoint(jnp.sin)}.items():
        body, consts = opened(called(only(name, function, X).params))
        assert isinstance(body, Jaxpr)
        assert len(body.constvars) == len(consts) == 0
    assert all(isinstance(atom, Literal) for atom in equations(lambda x: x * 2.0, X)[0].invars[1:])


def test_inputs_of_a_scan_come_in_three_groups():
    def scanned(x, w):
        return jax.lax.scan(lambda carry, y: ((carry[0] * y + w, carry[1]), None), (x[0], x), x)

    scan = only("scan", scanned, X, X[0])
    constants, carried = scan_lengths(scan.params)
    assert (constants + carried, len(scan.params["jaxpr"].in_avals)) == (3, 4)
    assert len(scan.invars) == 4
    assert {"jaxpr", "length", "reverse", "unroll"} <= scan.params.keys()


def test_parameters_of_loops_and_branches():
    loop = only("while", lambda x: jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x), X)
    assert {"cond_jaxpr", "cond_nconsts", "body_jaxpr", "body_nconsts"} <= loop.params.keys()
    branch = only("cond", lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), X)
    assert len(branch.params["branches"]) == 2
    assert {"policy", "prevent_cse"} <= only("remat", jax.checkpoint(jnp.sin), X).params.keys()


def test_parameters_of_a_linear_solve():
    solve = lambda x: jax.lax.custom_linear_solve(lambda y: x * y, x, lambda _, b: b / x, symmetric=True)  # noqa: E731
    params = only("linear_solve", solve, X).params
    assert params["const_lengths"].matvec == 1
    assert opened(params["jaxprs"].matvec)[0].eqns


def test_a_product_of_matrices_is_bound_with_its_parameters():
    dot = only("dot_general", lambda x: jnp.dot(x, x), X)
    assert {"dimension_numbers", "precision"} <= dot.params.keys()
    assert dot.primitive is primitives.dot_general_p
    assert dot.primitive.bind(X, X, **dot.params) == X @ X


def test_a_custom_derivative_is_bound_again_with_its_rule():
    eqn = only("custom_jvp_call", with_rule, X)
    bind = lambda x: eqn.primitive.bind(x, **eqn.primitive.get_bind_params(eqn.params))[0]  # noqa: E731
    np.testing.assert_array_equal(jax.jvp(bind, (X,), (X,))[1], X)
    assert opened(called(eqn.params))[0].debug_info.func_name == "with_rule"
    assert called(only("custom_vjp_call", with_reverse_rule, X).params)


def test_what_linearize_returns_is_a_tree_of_what_it_remembers():
    leaves, tree = jax.tree.flatten(jax.linearize(jnp.sin, X)[1])
    assert [leaf.shape for leaf in leaves] == [X.shape]
    np.testing.assert_allclose(jax.tree.unflatten(tree, leaves)(X), jnp.cos(X) * X)


def test_lines_of_the_model_can_be_read_from_an_equation():
    frame = summarize(equations(lambda x: jnp.sin(x), X)[0].source_info, num_frames=100).splitlines()[0]
    assert frame.startswith(__file__)
    assert frame.removeprefix(__file__).startswith(":")


def test_axes_over_which_an_array_varies_are_told():
    mesh = jax.make_mesh((1,), ("points",), axis_types=(jax.sharding.AxisType.Auto,))

    def shard(x):
        assert varying_axes(x) == {"points"}
        assert varying_axes(jnp.zeros(3)) == frozenset()
        assert varying_axes(jnp.zeros_like(x)) == {"points"}
        assert varying_axes(jax.eval_shape(jnp.sin, x)) == {"points"}
        assert varying_axes(vary(jnp.zeros(3), varying_axes(x))) == {"points"}
        return x

    jax.shard_map(shard, mesh=mesh, in_specs=jax.P("points"), out_specs=jax.P("points"))(X)


FLAGS = [flag for flag in ("jax_custom_jvp3", "jax_remat3") if hasattr(jax.config, flag)]

UNDER_FLAGS = """
import jax, jax.numpy as jnp, stde_core as stde
from stde_estimators.exact import Exact
model = lambda x: jnp.sum(jax.nn.softplus(x) * jax.nn.relu(x) * jax.checkpoint(jnp.sin)(x))
x = jnp.array([0.4, -0.3])
found = stde.estimate(stde.Laplacian(), model, x, Exact()).value
print(found - jnp.trace(jax.hessian(model)(x)))
"""


@pytest.mark.skipif(not FLAGS, reason="this JAX has none of these flags")
def test_what_is_behind_flags_is_right_too():
    environment = os.environ | {flag.upper(): "1" for flag in FLAGS}
    command = [sys.executable, "-W", "error", "-c", UNDER_FLAGS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert abs(float(done.stdout)) < 1e-6


def test_a_trace_is_called_as_its_function_is():
    def function(x):
        return jnp.sum(with_rule(x) * with_reverse_rule(x))

    trace, shape = jax.make_jaxpr(function, return_shape=True)(X)
    assert (shape.shape, shape.dtype) == ((), X.dtype)
    again = lambda x: jaxpr_as_fun(trace)(x)[0]  # noqa: E731
    np.testing.assert_allclose(jax.vmap(jax.grad(again))(X[None]), jax.vmap(jax.grad(function))(X[None]))
