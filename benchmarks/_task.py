from typing import Any, ClassVar, Protocol, runtime_checkable

from ._work import Measurable


@runtime_checkable
class Task(Protocol):
    """One method in one case: a frozen dataclass of plain fields, so that a process can be told it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def method(self) -> str:
        """The name of the method."""
        ...

    @property
    def case(self) -> dict[str, Any]:
        """What is the same for all methods that are compared with each other, to be shown."""
        ...

    @property
    def note(self) -> str:
        """What a reader of the numbers should know about the method; "" for nothing."""
        ...

    def refuses(self) -> str | None:
        """Why the method cannot do it, in words that follow its name; None if it can."""
        ...

    def build(self) -> Measurable:
        """Makes what is measured."""
        ...
