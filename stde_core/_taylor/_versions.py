"""What differs between the releases of JAX from 0.10 to 0.12; no other module depends on a release.

`tests/test_jax_assumptions.py` has one test for each thing that the engine takes for granted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jax.extend.core import Jaxpr, Primitive, primitives

_PUBLIC = {
    primitive: attribute.removesuffix("_p")
    for attribute, primitive in vars(primitives).items()
    if attribute.endswith("_p") and isinstance(primitive, Primitive)
}

# JAX publishes no object for these, so they can be told by their names alone.
_UNPUBLISHED = frozenset(
    """
    call_hi_primitive copy_p expand_dims linear_call logsumexp optimization_barrier pvary random_gamma_grad
    reshard split stack tile unstack
    """.split()  # noqa: SIM905
)


def name_of(primitive: Primitive) -> str:
    """The name of one of JAX's own primitives; "" for anybody else's, whatever that is called.

    It is the name of its object in `jax.extend.core.primitives`, without the `_p`, since the name in
    the object itself changes: `remat_p` was called `checkpoint`, `closed_call_p` is called
    `eval_jaxpr` since 0.12.
    """
    if primitive in _PUBLIC:
        return _PUBLIC[primitive]
    return primitive.name if primitive.name in _UNPUBLISHED else ""


def opened(body: Any) -> tuple[Jaxpr, Sequence[Any]]:
    """A jaxpr and its constants.

    Until 0.10 a `ClosedJaxpr` holds the constants of a `Jaxpr`; since 0.11 they are one class.
    """
    return getattr(body, "jaxpr", body), getattr(body, "consts", ())


def called(params: Mapping[str, Any]) -> Any:
    """The jaxpr that an equation calls, under whichever name its primitive has for it."""
    return next(params[name] for name in ("jaxpr", "call_jaxpr", "callee") if name in params)


def scan_lengths(params: Mapping[str, Any]) -> tuple[int, int]:
    """How many inputs of a `scan` are constants, and how many are carried.

    Since 0.11 `ft_in` lists the inputs in three groups, in place of these two numbers.
    """
    if "ft_in" in params:
        constants, carried, _ = params["ft_in"].unpack()
        return len(constants), len(carried)
    return params["num_consts"], params["num_carry"]


def params_behind_flags(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a `call_hi_primitive`.

    Since 0.12 the flags `jax_remat3` and `jax_custom_jvp3` make such a call of a checkpoint and of a
    custom_jvp, with an object that has their parameters.
    """
    return params["_prim"].params
