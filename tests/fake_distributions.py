"""Distributions as an installer would leave them in a folder on the path, without an installer."""

import importlib
import sys
import textwrap
from pathlib import Path


def write_distribution(
    folder: Path, name: str, entry_points: dict[str, str], *, version: str = "1.0", **modules: str
) -> None:
    """Writes the metadata of a distribution, with entry points of the group `stde`, and its modules."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = ["[stde]", *(f"{entry} = {value}" for entry, value in entry_points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source))


class FakeSite:
    """A folder on the path of this process, for the time of one test."""

    def __init__(self, folder: Path, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delenv("STDE_PLUGINS", raising=False)

    def install(self, name: str, entry_points: dict[str, str], **modules: str) -> None:
        write_distribution(self.folder, name, entry_points, **modules)
        for module in modules:
            self.monkeypatch.setitem(sys.modules, module, None)  # so that it is forgotten afterwards
            del sys.modules[module]
        importlib.invalidate_caches()

    def plugin(self, source: str, name: str = "fake") -> None:
        """A distribution with one entry point of its own name, whose module has this source."""
        module = name.replace("-", "_") + "_module"
        self.install(name, {name: module}, **{module: "import stde_core as stde\n" + textwrap.dedent(source)})
