"""Constructor fields from the command line: `name=value`, parsed by the field's annotation."""

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import stde_core as stde
from stde_core.checks import unknown_name
from stde_core.plugins import construct, registry

from .optimisers import Adam
from .settings import Training

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
    return _fields(target, _assigned(options, flag), f"{flag} ", start)


def _assigned(options: Iterable[str], flag: str) -> dict[str, str]:
    """The texts by the names that they are assigned to."""
    assigned: dict[str, str] = {}
    for option in options:
        if not option.isprintable():
            raise ValueError(f"`{flag} {option!a}` holds what cannot be printed; write `{flag} name=value`.")
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise ValueError(f"`{flag} {option}` is not of the form name=value; write `{flag} name=value`.")
        assigned[name.replace("-", "_")] = value
    return assigned


# `-t steps=…` is `-t adam.steps=…`, and so on: the first optimiser is nearly always Adam.
_OF_ADAM = ("steps", "batch", "learning_rate", "schedule")
# The sequences of a training whose members are switched and set by their registered names.
_SEQUENCES = ("stages", "weightings")


def parse_training(options: Iterable[str], default: Training, flag: str = "-t") -> Training:
    """A training with what `name=value` options change: its fields, and its stages and weightings by name.

    `lbfgs=on` and `lbfgs.steps=100` add a stage where there is none of that name, `lbfgs=none` removes it.
    Raises `ValueError` as `parse` does.
    """
    assigned = _assigned(options, flag)
    assigned = {
        f"adam.{name}" if name.partition(".")[0] in _OF_ADAM else name: text
        for name, text in assigned.items()
    }
    known = [name for name in parameters(Training) if name not in _SEQUENCES]
    parts = {name.replace("-", "_"): (kind, name) for kind in _SEQUENCES for name in registry().names(kind)}
    changes: dict[str, Any] = {kind: list(getattr(default, kind)) for kind in _SEQUENCES}
    plain: dict[str, str] = {}
    for head in dict.fromkeys(name.partition(".")[0] for name in assigned):
        inner = _below(head, assigned)
        if head in parts:
            kind, name = parts[head]
            _change(changes[kind], registry().entry(kind, name).load(), inner, f"{flag} {head}")
        elif head in known:
            plain |= {f"{head}.{key}".rstrip("."): text for key, text in inner.items()}
        else:
            raise ValueError(f"`{flag} {head}=…`: {unknown_name('field', head, [*known, *_OF_ADAM, *parts])}")
    fields = _fields(Training, plain, f"{flag} ", default)
    if not changes["stages"]:
        raise ValueError(f"`{flag}` leaves no optimiser to train with; give one, such as `{flag} adam=on`.")
    return dataclasses.replace(default, **fields, **{kind: tuple(found) for kind, found in changes.items()})


def _change(members: list[Any], kind: type, assigned: dict[str, str], where: str) -> None:
    """Sets, adds or removes the member of a kind."""
    switch = assigned.pop("", None)
    position = next((i for i, member in enumerate(members) if type(member) is kind), None)
    start = None if position is None else members[position]
    changed = _nested(kind, switch, assigned, where, start)
    if position is not None:
        del members[position]
    elif isinstance(changed, Adam):
        position = 0  # it needs no good start, as the others do
    if changed is not None:
        members.insert(len(members) if position is None else position, changed)


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
