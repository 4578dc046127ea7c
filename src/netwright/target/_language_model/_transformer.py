"""A language model as what it does for each token: from a few numbers, a configuration file, or a graph."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netwright._text import read_text
from netwright.errors import DataError
from netwright.target._work import Product, Work

__all__ = ["Attends", "Part", "Transformer", "attends", "cached_numbers", "linear", "pointwise"]


@dataclass(frozen=True)
class Attends:
    """Attention of new tokens to all that came before: heads, those of keys and values, and the widths of one."""

    heads: int
    kv_heads: int
    key_width: int
    value_width: int

    @property
    def cached(self) -> int:
        """Numbers that one token leaves in the key-value cache."""
        return self.kv_heads * (self.key_width + self.value_width)


@dataclass(frozen=True)
class Part:
    """One operation of a model, and how often it occurs in it.

    >>> tiny = Transformer(layers=2, width=64, heads=4, kv_heads=2, hidden=256, vocabulary=1000)
    >>> [(part.name, part.count) for part in tiny.parts[:3]]
    [('embedding', 1), ('norm', 5), ('query, key, value', 2)]

    work: of one token, for all but attention. attends: attention, whose work depends on the length. experts: how many
    there are, and to how many of them a token goes; `work` is then that of one. last: only the last token of a
    sequence is asked for, as the scores of the vocabulary are.
    """

    name: str
    count: int
    work: Work | None = None
    attends: Attends | None = None
    experts: tuple[int, int] | None = None
    last: bool = False


def linear(name: str, inputs: int, outputs: int, count: int = 1, **options: Any) -> Part:
    """A linear layer.

    >>> linear("mlp down", 11008, 4096, 32).work.weights
    45088768
    """
    work = Work(
        "MatMul", 1, (Product(1, 1, outputs, inputs),), activations=inputs + outputs, weights=inputs * outputs
    )
    return Part(name, count, work, **options)


def pointwise(name: str, read: int, written: int, count: int = 1, flops: float = 1.0) -> Part:
    """An operation on each number: of `read` numbers a token to `written` ones.

    >>> pointwise("add", 8192, 4096).work.activations
    12288
    """
    return Part(name, count, Work(name, 1, flops=flops * written, activations=read + written))


def attends(name: str, heads: int, kv_heads: int, width: int, count: int = 1) -> Part:
    """Attention with heads of one width."""
    return Part(name, count, attends=Attends(heads, kv_heads, width, width))


def cached_numbers(parts: Sequence[Part]) -> int:
    """Numbers that one token leaves in the key-value caches of all layers."""
    return sum(part.count * part.attends.cached for part in parts if part.attends is not None)


@dataclass(frozen=True)
class Transformer:
    """A causal language model.

    >>> llama = Transformer(layers=32, width=4096, heads=32, kv_heads=32, hidden=11008, vocabulary=32000)
    >>> round(llama.weights / 1e9, 2), llama.cached
    (6.74, 262144)

    width: of the stream between layers. kv_heads: heads of keys and values. hidden: width of the perceptron, or of
    one expert. gated: whether it has a gate beside it (SwiGLU). experts, active: of a mixture, and those that a token
    goes to; 1 is a dense perceptron. head_width: of one head; width / heads if none. positions: rotary ones are
    computed in each layer, learned ones looked up once. tied: whether the table of embeddings gives the scores, too.

    Raises DataError for sizes that are not positive and heads that do not divide.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int
    gated: bool = True
    experts: int = 1
    active: int = 1
    head_width: int | None = None
    rotary: bool = True
    tied: bool = False
    name: str = "transformer"

    def __post_init__(self) -> None:
        sizes = {key: value for key, value in vars(self).items() if isinstance(value, int)}
        wrong = [f"{key}={value}" for key, value in sizes.items() if not isinstance(value, bool) and value < 1]
        if wrong:
            raise DataError(f"sizes of a transformer must be positive, but got {', '.join(wrong)}.")
        if self.heads % self.kv_heads or (self.head_width is None and self.width % self.heads):
            sizes = {"width": self.width, "heads": self.heads, "kv_heads": self.kv_heads}
            raise DataError(f"heads must divide the width, and those of keys the heads, but got {sizes}.")
        if self.active > self.experts:
            raise DataError(f"a token goes to at most all experts, but got {self.active} of {self.experts}.")

    @classmethod
    def load(cls, path: str | Path) -> Transformer:
        """Model of a configuration file, `config.json` as published beside weights: see `from_config`.

        Raises DataError for a file that is not readable JSON.
        """
        try:
            config = json.loads(read_text(Path(path)))
        except (OSError, ValueError) as error:
            raise DataError(f"{Path(path).name} must be a readable JSON file, but {error}.") from error
        if not isinstance(config, dict):
            raise DataError(f"{Path(path).name} must hold one object, but holds a {type(config).__name__}.")
        return cls.from_config(config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Transformer:
        """Model of a configuration as Llama, Mistral, Mixtral, Qwen, Gemma, GPT-2, OPT and their like write it.

        >>> gpt2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
        >>> round(Transformer.from_config(gpt2).weights / 1e6)
        124

        Raises DataError for a key that is missing, and for sizes that are no whole numbers.
        """
        width = _size(config, "hidden_size", "n_embd", "d_model")
        heads = _size(config, "num_attention_heads", "n_head")
        older = "n_embd" in config or config.get("model_type") in ("opt", "gpt2", "bloom", "gpt_neox", "phi")
        hidden = _size(config, "moe_intermediate_size", "intermediate_size", "ffn_dim", "n_inner", default=4 * width)
        experts = _size(config, "num_local_experts", "num_experts", "n_routed_experts", default=1)
        return cls(
            layers=_size(config, "num_hidden_layers", "n_layer"),
            width=width,
            heads=heads,
            kv_heads=_size(config, "num_key_value_heads", default=heads),
            hidden=hidden,
            vocabulary=_size(config, "vocab_size"),
            gated=not older,
            experts=experts,
            active=_size(config, "num_experts_per_tok", default=1) if experts > 1 else 1,
            head_width=_size(config, "head_dim") if config.get("head_dim") is not None else None,
            rotary=config.get("model_type") not in ("opt", "gpt2", "bloom") and "n_embd" not in config,
            tied=bool(config.get("tie_word_embeddings", older)),
            name=str(config.get("_name_or_path") or config.get("model_type") or "transformer"),
        )

    @property
    def each(self) -> int:
        """Width of one head."""
        return self.head_width or self.width // self.heads

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every operation, those of equal layers together."""
        n, keys = self.layers, self.each * self.kv_heads
        inner = self.each * self.heads
        rotary = (pointwise("rotary", inner + keys, inner + keys, n, 3.0),) if self.rotary else ()
        return (
            Part("embedding", 1, Work("Gather", 1, activations=2 * self.width)),
            pointwise("norm", self.width, self.width, 2 * n + 1, 5.0),
            linear("query, key, value", self.width, inner + 2 * keys, n),
            *rotary,
            attends("attention", self.heads, self.kv_heads, self.each, n),
            linear("attention out", inner, self.width, n),
            *self._perceptron(),
            pointwise("add", 2 * self.width, self.width, 2 * n),
            linear("vocabulary", self.width, self.vocabulary, last=True),
        )

    def _perceptron(self) -> tuple[Part, ...]:
        n, wide = self.layers, self.hidden * (2 if self.gated else 1)
        mixture = (self.experts, self.active) if self.experts > 1 else None
        router = (linear("router", self.width, self.experts, n),) if mixture else ()
        return (
            *router,
            linear("mlp up", self.width, wide, n, experts=mixture),
            pointwise("activation", wide * self.active, self.hidden * self.active, n, 4.0),
            linear("mlp down", self.hidden, self.width, n, experts=mixture),
        )

    @property
    def weights(self) -> int:
        """Number of weights in matrices and the table of embeddings."""
        matrices = sum(
            part.count * int(part.work.weights) * (part.experts[0] if part.experts else 1)
            for part in self.parts
            if part.work is not None
        )
        return matrices + (0 if self.tied else self.vocabulary * self.width)

    @property
    def cached(self) -> int:
        """Numbers that one token leaves in the key-value caches of all layers."""
        return cached_numbers(self.parts)

    def split(self, workers: int) -> Transformer:
        """What one of several workers has of each layer, in tensor parallelism (Shoeybi et al. 2019, Megatron-LM).

        >>> Transformer(layers=2, width=64, heads=8, kv_heads=2, hidden=256, vocabulary=1000).split(4).hidden
        64

        Heads, perceptron and vocabulary are shared out; heads of keys are copied where there are fewer than workers.

        Raises DataError where the workers do not divide the heads, the perceptron or the vocabulary.
        """
        if workers < 1 or self.heads % workers or self.hidden % workers or self.vocabulary % workers:
            raise DataError(
                f"workers must divide heads, perceptron and vocabulary, but got {workers} for {self.heads},"
                f" {self.hidden} and {self.vocabulary}."
            )
        return replace(
            self,
            heads=self.heads // workers,
            kv_heads=max(self.kv_heads // workers, 1),
            hidden=self.hidden // workers,
            vocabulary=self.vocabulary // workers,
            head_width=self.each,
        )


def _size(config: Mapping[str, Any], *keys: str, default: int | None = None) -> int:
    """The first of several keys that a configuration has."""
    found = next((config[key] for key in keys if config.get(key) is not None), default)
    if found is None:
        raise DataError(
            f"a configuration must have {' or '.join(keys)}, but it has {', '.join(list(config)[:8]) or 'none'}."
        )
    if isinstance(found, bool) or not isinstance(found, int):
        raise DataError(f"sizes in a configuration are whole numbers, but {keys[0]} is {found!r}.")
    return found
