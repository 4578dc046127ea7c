"""FlexiBERT: text encoders whose every layer has its own width, operation and perceptrons (Tuli et al., JAIR 2023).

Row 139. Made for searching over heterogeneous transformers; BERT-Tiny and BERT-Mini are the homogeneous ones in it.
How a layer meets one of another width is not in the abstract: here a linear layer stands between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.blocks import bert_head, flexibert_feed, flexibert_mixer, token_embedding, token_width
from netwright.errors import DesignError
from netwright.graph import Input, tokens
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["flexibert", "flexibert_dictionary", "flexibert_from_dictionary"]

WIDTHS, HEADS, HIDDEN = (128, 256), (2, 4), (512, 1024)
WRITTEN: dict[str, tuple[str, str | int]] = {
    # kind and parameter of each operation, as the authors write them
    "scaled": ("sa", "sdp"),
    "weighted": ("sa", "wma"),
    "fourier": ("l", "dft"),
    "cosine": ("l", "dct"),
    "span5": ("c", 5),
    "span9": ("c", 9),
}


def flexibert(input: Input | None = None, classes: int = 2, *, scale: float = 1.0, vocabulary: int = 30522) -> Space:
    """Two or four layers of 2 widths, 6 operations of 2 numbers of heads, and 1 or 3 perceptrons of 2 widths.

    >>> flexibert().size() == (2 * 6 * 2 * (2 + 2**3)) ** 2 + (2 * 6 * 2 * (2 + 2**3)) ** 4 == 3_317_817_600
    True

    input: numbers of tokens. scale: multiplier of all widths. vocabulary: that of BERT.
    """

    def wide(widths: tuple[int, ...]) -> object:
        return oneof(*(4 * max(round(width * scale / 4), 1) for width in widths))

    mixers = oneof(*(named(name, flexibert_mixer(name, heads=oneof(*HEADS))) for name in WRITTEN))
    layer = {"mix": mixers, "feed": repeat(flexibert_feed(wide(HIDDEN)), times=oneof(1, 3))}
    network = seq(
        embed=token_embedding(vocabulary, wide(WIDTHS), norm="layer"),
        first=seq(**layer),
        more=repeat(seq(enter=token_width(wide(WIDTHS)), **layer), times=oneof(1, 3)),
        head=bert_head(classes),
    )
    return Space(network, input=tokens((input or tokens(512)).shape[1]), name="flexibert")


def flexibert_dictionary(design: Mapping[str, Value]) -> dict[str, Any]:
    """The authors' dictionary of a design.

    It has the number of layers `l`, and for each the kind of operation `o`, its parameter `p`, heads `n`, width `h`
    and widths of the perceptrons `f`.

    >>> flexibert_dictionary(flexibert().design_at(0))["f"]
    [[512], [512]]
    """
    places = ["first", *(f"more.{i}" for i in range(int(design["more.times"])))]
    operations = [str(design[f"{place}.mix"]) for place in places]
    widths = [design["embed.width"], *(design[f"{place}.enter.width"] for place in places[1:])]
    stacks = (range(int(design[f"{place}.feed.times"])) for place in places)
    return {
        "l": len(places),
        "o": [WRITTEN[name][0] for name in operations],
        "p": [WRITTEN[name][1] for name in operations],
        "n": [int(design[f"{place}.mix.heads"]) for place in places],
        "h": [int(width) for width in widths],
        "f": [[int(design[f"{p}.feed.{i}.hidden"]) for i in n] for p, n in zip(places, stacks, strict=True)],
    }


def flexibert_from_dictionary(dictionary: Mapping[str, Any]) -> Design:
    """Design of an authors' dictionary.

    >>> design = flexibert().design_at(10**9)
    >>> flexibert_from_dictionary(flexibert_dictionary(design)) == design
    True

    Raises DesignError for lists of other lengths than there are layers, and for an operation that is not known.
    """
    layers, names = dictionary.get("l", 0), {written: name for name, written in WRITTEN.items()}
    for key in "opnhf":
        if layers < 1 or len(dictionary.get(key, ())) != layers:
            raise DesignError(
                f"{key!r} must hold a value for each of {layers} layers, but got {dictionary.get(key)}."
            )
    values: dict[str, Value] = {"embed.width": dictionary["h"][0], "more.times": layers - 1}
    for i in range(layers):
        written, place = (dictionary["o"][i], dictionary["p"][i]), f"more.{i - 1}" if i else "first"
        if written not in names:
            raise DesignError(f"an operation and its parameter must be of {[*names]}, but got {written}.")
        values |= {f"{place}.enter.width": dictionary["h"][i]} if i else {}
        values |= {f"{place}.mix": names[written], f"{place}.mix.heads": dictionary["n"][i]}
        values |= {f"{place}.feed.{k}.hidden": hidden for k, hidden in enumerate(dictionary["f"][i])}
        values[f"{place}.feed.times"] = len(dictionary["f"][i])
    return Design(values)
