"""Constructor fields from the command line: `name=value`, parsed by the field's annotation."""

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import stde_core as stde
from stde_core.checks import unknown_name
from stde_core.plugins import construct, registry

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


def parse(target: Callable[..., Any], options: Iterable[str], flag: str, start: Any = None) -> dict[str, Any]:
    """The keyword arguments that `name=value` options give to a class or factory.

    `flag` is the option that they came with, for messages. `start` is an object whose parts are the
    ones that dotted names change, where it has them. Raises `ValueError` for what is not
    `name=value`, for unknown names and for values that the annotation does not admit.
    """
    assigned: dict[str, str] = {}
    for option in options:
        if not option.isprintable():
            raise ValueError(f"`{flag} {option!a}` holds what cannot be printed; write `{flag} name=value`.")
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise ValueError(f"`{flag} {option}` is not of the form name=value; write `{flag} name=value`.")
        assigned[name.replace("-", "_")] = value
    return _fields(target, assigned, f"{flag} ", start)


def _fields(
    target: Callable[..., Any], assigned: Mapping[str, str], prefix: str, start: Any = None
) -> dict[str, Any]:
    known = parameters(target)
    heads = dict.fromkeys(name.partition(".")[0] for name in assigned)
    for head in heads:
        if head not in known:
            raise ValueError(f"`{prefix}{head}=…`: {unknown_name('field', head, known)}")
    return {
        head: _value(known[head], _below(head, assigned), f"{prefix}{head}", getattr(start, head, None))
        for head in heads
    }


def _below(name: str, assigned: Mapping[str, str]) -> dict[str, str]:
    """What is assigned to a field, under the name "", and to its own fields."""
    inner = {key[len(name) + 1 :]: text for key, text in assigned.items() if key.startswith(f"{name}.")}
    return {"": assigned[name], **inner} if name in assigned else inner


def _value(parameter: inspect.Parameter, assigned: dict[str, str], where: str, start: Any) -> Any:
    """The value of one field, from all that was assigned to it and below its name."""
    text = assigned.pop("", None)
    kind, part = _kind(parameter.annotation), _part(parameter.annotation)
    if kind is not None:
        return _registered(kind, parameter.default, text, assigned, where)
    if part is not None:
        return _nested(part, text, assigned, where, start)
    if text is None or assigned:
        name = where.rpartition(" ")[2].rpartition(".")[2]
        raise ValueError(f"`{where}.{next(iter(assigned))}=…`: {name!r} has no fields of its own.")
    return _convert(parameter.annotation, text, where)


def _registered(kind: str, default: Any, name: str | None, assigned: dict[str, str], where: str) -> Any:
    """Something registered, by its name or the field's default, with its own fields."""
    if name is not None:
        target, call = registry().entry(kind, name).load(), f"{where}={name}"
    elif default is not inspect.Parameter.empty:
        target, call = type(default), where
    else:
        raise ValueError(f"`{where}.…` needs a name first: `{where}=NAME` (`stde list {kind}`).")
    return construct(target, _fields(target, assigned, f"{where}."), call)


def _nested(part: type, switch: str | None, assigned: dict[str, str], where: str, start: Any) -> Any:
    """A part that may be absent: "on" and "none" switch it, dotted names change its fields."""
    if switch == "none":
        if assigned:
            raise ValueError(f"`{where}=none` leaves no `{where}.{next(iter(assigned))}` to set; give one.")
        return None
    if switch not in (None, "on"):
        inner = ", ".join(f"`{where}.{name}=…`" for name in parameters(part))
        raise ValueError(f"`{where}={switch}` needs on or none; its fields are set by {inner}.")
    fields = _fields(part, assigned, f"{where}.", start)
    return construct(part, fields, where) if start is None else dataclasses.replace(start, **fields)


def _part(annotation: Any) -> type | None:
    """The dataclass D of an annotation `D | None`."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    parts = [arg for arg in get_args(annotation) if inspect.isclass(arg) and dataclasses.is_dataclass(arg)]
    return parts[0] if parts else None


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
