"""Constructor fields from the command line: `name=value`, parsed by the field's annotation."""

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import stde_core as stde
from stde_core._plugins import construct, registry
from stde_core._suggest import unknown_name

# Fields of these types take the name of something registered; its own fields are dotted.
_KINDS = {
    stde.AbstractTangentSampler: "samplers",
    stde.AbstractEstimator: "estimators",
    stde.AbstractOperator: "operators",
}


def parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The fields that a class or factory takes by name."""
    known = dict(inspect.signature(target).parameters)
    if dataclasses.is_dataclass(target):  # what is annotated, whatever a converter takes beside it
        types = {field.name: field.type for field in dataclasses.fields(target)}
        known = {name: known[name].replace(annotation=types[name]) for name in known if name in types}
    return known


def parse(target: Callable[..., Any], options: Iterable[str], flag: str) -> dict[str, Any]:
    """The keyword arguments that `name=value` options give to a class or factory.

    `flag` is the option that they came with, for messages. Raises `ValueError` for what is not
    `name=value`, for unknown names and for values that the annotation does not admit.
    """
    assigned: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise ValueError(f"`{flag} {option}` is not of the form name=value; write `{flag} name=value`.")
        assigned[name.replace("-", "_")] = value
    return _fields(target, assigned, f"{flag} ")


def _fields(target: Callable[..., Any], assigned: Mapping[str, str], prefix: str) -> dict[str, Any]:
    known = parameters(target)
    heads = dict.fromkeys(name.partition(".")[0] for name in assigned)
    for head in heads:
        if head not in known:
            raise ValueError(f"`{prefix}{head}=…`: {unknown_name('field', head, known)}")
    return {head: _value(known[head], head, assigned, prefix) for head in heads}


def _value(parameter: inspect.Parameter, name: str, assigned: Mapping[str, str], prefix: str) -> Any:
    """The value of one field, plain or registered, from all that was assigned below its name."""
    inner = {key[len(name) + 1 :]: text for key, text in assigned.items() if key.startswith(f"{name}.")}
    kind = _kind(parameter.annotation)
    if kind is None:
        if inner:
            raise ValueError(f"`{prefix}{name}.{next(iter(inner))}=…`: {name!r} has no fields of its own.")
        return _convert(parameter.annotation, assigned[name], f"{prefix}{name}")
    if name in assigned:
        target, call = registry().entry(kind, assigned[name]).load(), f"{prefix}{name}={assigned[name]}"
    elif parameter.default is not parameter.empty:
        target, call = type(parameter.default), f"{prefix}{name}"
    else:
        raise ValueError(
            f"`{prefix}{name}.…` needs a name first: `{prefix}{name}=NAME` (`stde list {kind}`)."
        )
    return construct(target, _fields(target, inner, f"{prefix}{name}."), call)


def _kind(annotation: Any) -> str | None:
    if not inspect.isclass(annotation):
        return None
    return next((kind for base, kind in _KINDS.items() if issubclass(annotation, base)), None)


def _convert(annotation: Any, text: str, where: str) -> Any:
    """A text as a value of the annotated type."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        chosen = [choice for choice in args if str(choice) == text]
        if chosen:
            return chosen[0]
        raise ValueError(f"`{where}={text}`: {unknown_name('choice', text, map(str, args))}")
    if origin in (Union, types.UnionType):
        if text.lower() == "none" and type(None) in args:
            return None
        return _convert(next(arg for arg in args if arg is not type(None)), text, where)
    if annotation is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ValueError(f"`{where}={text}` needs true or false.")
    needs = {int: "an integer", float: "a number", str: "a text"}.get(annotation)
    if needs is None:
        raise ValueError(f"`{where}` cannot be given on the command line; set it from Python.")
    try:
        return annotation(text)
    except ValueError:
        raise ValueError(f"`{where}={text}` needs {needs}, got {text!r}.") from None
