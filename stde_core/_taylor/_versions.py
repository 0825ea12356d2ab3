"""The differences between the releases of JAX from 0.10 to 0.12; no other module depends on a release.

`tests/test_jax_assumptions.py` tests each assumption that the engine makes about JAX.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jax.extend.core import Jaxpr, Primitive, primitives

_PUBLIC = {
    primitive: attribute.removesuffix("_p")
    for attribute, primitive in vars(primitives).items()
    if attribute.endswith("_p") and isinstance(primitive, Primitive)
}

# JAX publishes no object for these, so only the name identifies them.
_UNPUBLISHED = frozenset(
    """
    call_hi_primitive copy_p expand_dims linear_call logsumexp optimization_barrier pvary random_gamma_grad
    reshard split stack tile unstack
    """.split()  # noqa: SIM905
)


def name_of(primitive: Primitive) -> str:
    """The name of one of JAX's own primitives; "" for any other, whatever its own name is.

    That is the name of its object in `jax.extend.core.primitives`, without the `_p`. `primitive.name`
    changes between releases: `remat_p` was once `checkpoint`, `closed_call_p` is `eval_jaxpr` since 0.12.
    """
    if primitive in _PUBLIC:
        return _PUBLIC[primitive]
    return primitive.name if primitive.name in _UNPUBLISHED else ""


def opened(body: Any) -> tuple[Jaxpr, Sequence[Any]]:
    """A jaxpr and its constants.

    In 0.10 a `ClosedJaxpr` holds a `Jaxpr` and its constants; since 0.11 they are one class.
    """
    return getattr(body, "jaxpr", body), getattr(body, "consts", ())


def called(params: Mapping[str, Any]) -> Any:
    """The jaxpr that an equation calls; the name of this parameter depends on the primitive."""
    return next(params[name] for name in ("jaxpr", "call_jaxpr", "callee") if name in params)


def scan_lengths(params: Mapping[str, Any]) -> tuple[int, int]:
    """The number of constants and of carries among the inputs of a `scan`.

    Since 0.11 `ft_in` lists the inputs in three groups, in place of the two numbers.
    """
    if "ft_in" in params:
        constants, carried, _ = params["ft_in"].unpack()
        return len(constants), len(carried)
    return params["num_consts"], params["num_carry"]


def params_behind_flags(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a `call_hi_primitive`.

    Since 0.12 the flags `jax_remat3` and `jax_custom_jvp3` turn a checkpoint and a custom_jvp into such a
    call, whose `_prim` has their parameters.
    """
    return params["_prim"].params
