"""What the files of a new package are called, and what is written into them."""

import importlib.util
import keyword
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from stde_core.plugins import registry

KINDS = ("estimator", "operator", "sampler", "problem")

_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.ASCII | re.IGNORECASE)
# Modules of these names would be taken for something else by the tools that find them.
_RESERVED = ("conftest", "setup")


@dataclass(frozen=True)
class Package:
    """A package called `name` that adds one thing of a kind, under its normalised name.

    Raises `ValueError` for a name that no distribution or module can have, or that is taken.
    """

    name: str
    kind: str

    def __post_init__(self) -> None:
        call = f"`stde new-plugin {self.name}`"
        if not _DISTRIBUTION.fullmatch(self.name):
            raise ValueError(
                "`stde new-plugin NAME` needs the name of a distribution (letters, digits and, between them, "
                f"`-`, `_` or `.`), got {self.name!r}."
            )
        if not self.module.isidentifier() or keyword.iskeyword(self.module) or self.module in _RESERVED:
            raise ValueError(
                f"{call} would write the module {self.module!r}, which Python or pytest does not take for "
                "one; choose a name that begins with a letter and is no keyword."
            )
        if importlib.util.find_spec(self.module) is not None:
            raise ValueError(
                f"{call} would write the module {self.module!r}, which is installed "
                "already; choose another name."
            )
        found = registry()
        if self.registered in (*found.names(f"{self.kind}s"), *found.clashes(f"{self.kind}s")):
            raise ValueError(
                f"{call} would add the {self.kind} {self.registered!r}, which there is; choose another name."
            )

    @property
    def registered(self) -> str:
        return re.sub(r"[-_.]+", "-", self.name).lower()

    @property
    def module(self) -> str:
        return self.registered.replace("-", "_")

    @property
    def class_name(self) -> str:
        words = [word for word in self.registered.split("-") if word != self.kind]
        return "".join(word.capitalize() for word in [*words, self.kind])

    def contents(self) -> dict[str, str]:
        """The text of each file."""
        names = {
            "name": self.name,
            "kind": self.kind,
            "registered": self.registered,
            "module": self.module,
            "class_name": self.class_name,
        }
        templates = {
            "pyproject.toml": "pyproject.toml.txt",
            f"{self.module}.py": f"{self.kind}.py.txt",
            f"test_{self.module}.py": f"test_{self.kind}.py.txt",
            "README.md": "README.md.txt",
        }
        folder = files("stde_cli._new_plugin") / "templates"
        return {
            file: Template((folder / template).read_text(encoding="utf-8")).substitute(names)
            for file, template in templates.items()
        }

    def write(self, parent: Path) -> list[str]:
        """Writes all files into a new directory `parent/name`, or nothing; returns their names.

        Raises `ValueError` where there is such a directory, or it cannot be written.
        """
        contents, target = self.contents(), parent / self.name
        try:
            if os.path.lexists(target):
                raise ValueError(
                    f"`stde new-plugin {self.name}`: {self.name!r} exists here; choose another name."
                )
            with tempfile.TemporaryDirectory(dir=parent, prefix=".new-plugin-") as scratch:
                made = Path(scratch) / "package"
                made.mkdir()
                for file, text in contents.items():
                    (made / file).write_text(text, encoding="utf-8")
                shutil.move(made, target)
        except OSError as error:
            raise ValueError(
                f"`stde new-plugin {self.name}` cannot write here ({error.strerror or error}); go to a "
                "directory where it can."
            ) from error
        return list(contents)
