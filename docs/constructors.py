"""The arguments of constructors that Equinox writes, for the reference: static analysis does not see them."""

import inspect
from typing import Any

import griffe


class Constructors(griffe.Extension):
    """Gives public classes without an `__init__` of their own the signature that they have at run time."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        public = [module for name, module in pkg.modules.items() if not name.startswith("_")]
        for module in (pkg, *public):
            for name, member in module.members.items():
                target = _own(member, pkg)
                if isinstance(target, griffe.Class) and _lacks_signature(target):
                    _complete(target, griffe.dynamic_import(f"{module.path}.{name}"))


def _own(member: Any, pkg: griffe.Module) -> Any:
    """What a name stands for; None for what is imported from other packages."""
    if not isinstance(member, griffe.Alias):
        return member
    return member.final_target if member.target_path.startswith(f"{pkg.path}.") else None


def _lacks_signature(cls: griffe.Class) -> bool:
    return not ("__init__" in cls.members or "dataclass" in cls.labels or cls.name.startswith("Abstract"))


def _complete(cls: griffe.Class, target: type) -> None:
    if issubclass(target, Exception):
        return
    found = [
        griffe.Parameter(p.name, kind=griffe.ParameterKind(p.kind.description), default=_default(p))
        for p in inspect.signature(target).parameters.values()
    ]
    this = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(this, *found)))


def _default(parameter: inspect.Parameter) -> str | None:
    return None if parameter.default is parameter.empty else repr(parameter.default)
