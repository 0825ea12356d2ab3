"""One sentence for a name that does not exist."""

import difflib
from collections.abc import Iterable


def unknown_name(what: str, name: str, valid: Iterable[str]) -> str:
    """`Unknown problem 'alen-cahn'; did you mean …? Known: …`."""
    names, asked = sorted(valid), name.casefold()
    by_folded = {n.casefold(): n for n in names}
    close = [by_folded[n] for n in difflib.get_close_matches(asked, by_folded, n=3, cutoff=0.5)]
    close += [n for n in names if asked and n.casefold().startswith(asked) and n not in close]
    if close:
        return f"Unknown {what} {name!r}; did you mean {_either(close)}?"
    return f"Unknown {what} {name!r}; known are: {', '.join(names) or 'none'}."


def _either(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
