"""Which equations of a model have a derivative in x: a walk through its jaxpr."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var
from jax.extend.source_info_util import summarize

from .._taylor._linear import constant
from .._taylor._rules import REGISTERED, find_rule
from .._taylor._versions import called, name_of, opened, scan_lengths
from ._degree import Degree, degree
from ._site import CALLS, Place, Site, is_kind

Survey: TypeAlias = tuple[list[Degree], list[Site]]
"""The degrees of the outputs, and the equations with a derivative in x."""

_TOP = Place()


def survey(jaxpr: Jaxpr, inputs: Sequence[Degree], place: Place = _TOP) -> Survey:
    """Goes through a jaxpr, and the functions that it calls, with inputs of known degrees."""
    degrees: dict[Var, Degree] = dict.fromkeys(jaxpr.constvars)
    degrees.update(zip(jaxpr.invars, inputs, strict=True))
    sites: list[Site] = []

    def read(atom: Any) -> Degree:
        return None if isinstance(atom, Literal) else degrees[atom]

    signless = _signless(jaxpr)
    for eqn, felt in _live(jaxpr, place.felt):
        felt = felt and not (name_of(eqn.primitive) == "abs" and eqn.outvars[0] in signless)
        here = replace(place, felt=felt, source=_source(eqn) if place.source is None else place.source)
        outputs, found = _visit(Site(eqn, tuple(map(read, eqn.invars)), here))
        degrees.update(zip(eqn.outvars, outputs, strict=True))
        sites += found
    return [read(atom) for atom in jaxpr.outvars], sites


def _live(jaxpr: Jaxpr, felt: bool) -> list[tuple[JaxprEqn, bool]]:
    """The equations that the outputs depend on, and whether by a derivative that can be other than 0."""
    needed = {v: felt for v in jaxpr.outvars if not isinstance(v, Literal)}
    live = []
    for eqn in reversed(jaxpr.eqns):
        outputs = [v for v in eqn.outvars if v in needed]
        if outputs:
            eqn_felt = any(needed[v] for v in outputs if is_kind(v, jnp.inexact))
            live.append((eqn, eqn_felt))
            through = eqn_felt and find_rule(eqn) is not constant
            for atom in eqn.invars:
                if not isinstance(atom, Literal):
                    needed[atom] = needed.get(atom, False) or through
    return live[::-1]


def _signless(jaxpr: Jaxpr) -> set[Var]:
    """What enters logarithms and even powers alone: no kink of `|z|` is left in `log |z|`."""
    found: set[Var] = set()
    others = {v for v in jaxpr.outvars if not isinstance(v, Literal)}
    for eqn in jaxpr.eqns:
        name = name_of(eqn.primitive)
        even = name == "integer_pow" and eqn.params["y"] % 2 == 0
        users = found if even or name in ("log", "square") else others
        users.update(atom for atom in eqn.invars if not isinstance(atom, Literal))
    return found - others


def _visit(site: Site) -> Survey:
    if not site.moving or not any(site.smooth) or find_rule(site.eqn) is constant:
        depends = any(d is not None for d in site.inputs)
        has_derivative = site.moving and any(site.smooth)
        return [0.0 if depends else None for _ in site.smooth], [site] if has_derivative else []
    outputs, inner = _called(site)
    outputs = [d if smooth or d is None else 0.0 for d, smooth in zip(outputs, site.smooth, strict=True)]
    return outputs, inner if site.primitive in CALLS else [site, *inner]


def _called(site: Site) -> Survey:
    """The degrees of an equation's outputs, with the survey of the functions that it calls."""
    inputs, params = list(site.inputs), site.eqn.params
    place = site.place if site.name.startswith("_") else replace(site.place, within=site.name)

    def enter(body: Any, degrees: Sequence[Degree]) -> Survey:
        return survey(opened(body)[0], degrees, place)

    def same() -> list[Degree]:
        return [degree(site.eqn, inputs)] * len(site.smooth)

    match site.primitive:
        case _ if site.eqn.primitive in REGISTERED:
            return same(), []
        case "scan":
            before, carried = scan_lengths(params)
            return _looped(lambda d: enter(params["jaxpr"], d), inputs, before, carried)
        case "while":
            tests, before = params["cond_nconsts"], params["body_nconsts"]
            carried = len(inputs) - tests - before
            outputs, sites = _looped(
                lambda d: enter(params["body_jaxpr"], d), inputs[tests:], before, carried
            )
            (stops,), _ = enter(params["cond_jaxpr"], [*inputs[:tests], *outputs])
            return [d if stops is None else _join(d, 0.0) for d in outputs], sites
        case "cond":
            branches = [enter(branch, inputs[1:]) for branch in params["branches"]]
            step = None if inputs[0] is None else 0.0
            outputs = [_join(step, *ds) for ds in zip(*(outputs for outputs, _ in branches), strict=True)]
            return outputs, [s for _, sites in branches for s in sites]
        case "linear_solve":
            matrix = inputs[: params["const_lengths"].matvec]
            return same(), enter(params["jaxprs"].matvec, [*matrix, *same()])[1]
        case "custom_jvp_call":
            highest = max(inputs[i] or 0.0 for i in site.moving)
            growth = math.inf if site.place.in_rule else slope(site) or 0.0
            return [highest + growth for _ in site.smooth], []
        case name if name in (*CALLS, "custom_vjp_call"):
            return enter(called(params), inputs)
        case _:
            return same(), []


def slope(site: Site) -> Degree:
    """The degree in x of the derivative of a custom_jvp; ∞ where it has none."""

    def derivative(args: list[Any], tangents: list[Any]) -> Any:
        points = [args[i] for i in site.moving]
        return jax.jvp(site.along(site.outputs, args), points, tangents)[1]

    tangents = [site.arguments[i] for i in site.moving]
    try:
        jaxpr = jax.make_jaxpr(derivative)(site.arguments, tangents).jaxpr
    except Exception:
        return math.inf
    return _join(*survey(jaxpr, [*site.inputs, *[None] * len(tangents)], Place(in_rule=True))[0])


def _looped(
    enter: Callable[[list[Degree]], Survey], inputs: list[Degree], before: int, carried: int
) -> Survey:
    """A loop whose carry, after `before` constants, keeps its degrees from some step on."""
    carry = inputs[before : before + carried]
    while True:
        outputs, sites = enter([*inputs[:before], *carry, *inputs[before + carried :]])
        after = [_join(a, b) for a, b in zip(carry, outputs[:carried], strict=True)]
        if after == carry:
            return [*after, *outputs[carried:]], sites
        carry = after


def _join(*degrees: Degree) -> Degree:
    return max((d for d in degrees if d is not None), default=None)


_OURS, _EQUINOX = (f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], Path(eqx.__file__).parent))


def _source(eqn: JaxprEqn) -> str:
    """The innermost line of the model's own code, as `file:line:column (function)`; "" if there is none."""
    for frame in reversed(summarize(eqn.source_info, num_frames=100).splitlines()):
        if frame.startswith(_OURS):
            break
        if not frame.startswith(_EQUINOX):
            return frame
    return ""
