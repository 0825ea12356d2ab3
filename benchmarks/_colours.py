"""How methods look in pictures."""

_COLOURS = {
    "stde": "#0b5fd8",
    "hand-written": "#343a40",
    "released": "#e8590c",
    "stde-jet": "#f08c5a",
    "stde-jet*": "#f59f00",
    "forward-laplacian": "#2b8a3e",
    "folx": "#2b8a3e",
    "sdgd-reverse-scan": "#9c36b5",
    "sdgd-reverse": "#c2255c",
    "sdgd-forward-over-reverse": "#7b5e3b",
    "sdgd-torch": "#868e96",
}
_OTHERS = "#0c8599"


def colour(method: str) -> str:
    """The same in every picture."""
    return _COLOURS.get(method, _OTHERS)


def weight(method: str) -> str:
    """Our own is set in bold."""
    return "bold" if method == "stde" else "normal"
