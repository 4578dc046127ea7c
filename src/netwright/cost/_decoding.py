"""Generating one token after the other: bytes of the key-value cache, and the arithmetic intensity of each layer.

Equations follow from the shapes, in the manner of "The New LLM Bottleneck: A Systems Perspective on Latent Attention
and Mixture-of-Experts" (Yun et al. 2025): multiply-adds count two, softmax nothing, every byte is moved once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.errors import NetwrightError
from netwright.graph import DTYPE_BYTES, Constant, Graph, Node, Tensor

__all__ = [
    "Cache",
    "Decoding",
    "attention_decoding",
    "experts_decoding",
    "is_causal",
    "key_value_cache",
    "latent_decoding",
]


LAYOUT = {"Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
"""Operators that only move or pick elements."""


@dataclass(frozen=True)
class Decoding:
    """Work of one layer for one new token of each sequence.

    >>> Decoding(flops=4096, bytes=1024).intensity
    4.0

    flops, bytes: of the whole batch. cache_bytes_per_token: key-value cache of one position of one sequence.
    """

    flops: int
    bytes: int
    cache_bytes_per_token: int = 0

    @property
    def intensity(self) -> float:
        """FLOPs per byte."""
        return self.flops / self.bytes


def attention_decoding(
    heads: int, kv_heads: int, head_dim: int, length: int, batch: int = 1, bytes_per_element: int = 2
) -> Decoding:
    """Attention of one new token to `length` cached ones: MHA, GQA (kv_heads < heads) or MQA (kv_heads = 1).

    >>> round(attention_decoding(128, 128, 128, 4096).intensity, 2)
    1.0
    >>> round(attention_decoding(128, 16, 128, 4096).intensity, 1)
    8.0
    >>> attention_decoding(32, 8, 128, 4096).cache_bytes_per_token
    4096

    Every sequence has a cache of its own, so batching does not change the intensity: it is the number of heads that
    share a key, times 2 / bytes_per_element.

    Raises NetwrightError when a size is not positive or kv_heads does not divide heads.
    """
    _positive(heads=heads, kv_heads=kv_heads, head_dim=head_dim, length=length, batch=batch)
    if heads % kv_heads:
        raise NetwrightError(f"key heads must divide the heads, but got heads={heads}, kv_heads={kv_heads}.")
    per_token = 2 * kv_heads * head_dim * bytes_per_element
    moved = per_token * length + 2 * heads * head_dim * bytes_per_element
    return Decoding(4 * batch * heads * head_dim * length, batch * moved, per_token)


def latent_decoding(
    heads: int, latent_dim: int, rope_dim: int, length: int, batch: int = 1, bytes_per_element: int = 2
) -> Decoding:
    """Multi-head latent attention of one new token, with the projections of keys and values absorbed (reordered).

    >>> mla = latent_decoding(128, 512, 64, 4096)
    >>> mla.cache_bytes_per_token, mla.intensity > 100 * attention_decoding(128, 128, 128, 4096).intensity
    (1152, True)

    latent_dim: of the vector that keys and values of all heads are made from, which is what the cache holds.
    rope_dim: of the part of the key that carries the position and is shared by all heads.

    Scores read latent and position, values the latent alone: 2 heads (2 latent_dim + rope_dim) FLOPs a cached token.
    Source of the method: DeepSeek-V2 (2024), section 2.1.

    Raises NetwrightError when a size is not positive; rope_dim may be 0.
    """
    _positive(heads=heads, latent_dim=latent_dim, length=length, batch=batch, rope_dim=rope_dim + 1)
    per_token = (latent_dim + rope_dim) * bytes_per_element
    moved = per_token * length + heads * (2 * latent_dim + rope_dim) * bytes_per_element
    return Decoding(2 * batch * heads * (2 * latent_dim + rope_dim) * length, batch * moved, per_token)


def experts_decoding(
    width: int, hidden: int, experts: int, active: int, batch: int = 1, bytes_per_element: int = 2, matrices: int = 3
) -> Decoding:
    """A mixture-of-experts layer for `batch` tokens, each of which goes to `active` of the experts.

    >>> [round(experts_decoding(4096, 1024, 64, 4, batch).intensity, 1) for batch in (1, 64, 4096)]
    [1.0, 4.1, 211.9]

    matrices: of width x hidden in an expert; 3 with a gate, 2 without. One expert, active, is a dense layer.

    An expert's weights are read once if any token is sent to it: of tokens that choose uniformly and independently,
    experts (1 - (1 - active / experts) ** batch) are expected to be. Rounded to whole bytes.

    Raises NetwrightError when a size is not positive or active exceeds experts.
    """
    _positive(width=width, hidden=hidden, experts=experts, active=active, batch=batch, matrices=matrices)
    if active > experts:
        raise NetwrightError(f"a token goes to at most all experts, but got active={active}, experts={experts}.")
    read = experts * (1 - (1 - active / experts) ** batch)
    weights = read * matrices * width * hidden
    activations = 2 * batch * active * (width + hidden)
    return Decoding(
        2 * batch * active * matrices * width * hidden, round((weights + activations) * bytes_per_element)
    )


@dataclass(frozen=True)
class Cache:
    """What one attention of a causal network would keep while it generates.

    >>> from netwright.graph import Graph, Input, ops
    >>> q, k, v = (Input((1, 8, 16, 64), name=name) for name in "qkv")
    >>> (cache,) = key_value_cache(Graph([q, k, v], [ops.attention(q, k, v, is_causal=1)]))
    >>> cache.heads, cache.head_dim, cache.bytes_per_token, cache.bytes
    (8, 64, 4096, 65536)

    layer: name of the attention in the graph. length: positions in the graph. intensity: FLOPs per byte of decoding
    at that length.
    """

    layer: str
    heads: int
    kv_heads: int
    head_dim: int
    length: int
    bytes_per_token: int
    intensity: float

    @property
    def bytes(self) -> int:
        """Bytes of the cache of one sequence at that length."""
        return self.bytes_per_token * self.length


def key_value_cache(graph: Graph) -> list[Cache]:
    """The key-value cache of each causal self-attention of a graph.

    >>> from netwright.graph import Graph, Input, ops
    >>> q, k, v = (Input((1, heads, 16, 64), name=name) for heads, name in ((8, "q"), (2, "k"), (2, "v")))
    >>> [each.bytes_per_token for each in key_value_cache(Graph([q, k, v], [ops.attention(q, k, v, is_causal=1)]))]
    [1024]

    An attention counts as causal where `is_causal` says so, or where its mask is a constant that lets no position see
    a later one. Where several read the same keys, or the same values (Brandon et al. 2024, cross-layer attention),
    the first keeps them for all; one that has nothing of its own to keep is not in the list.
    """
    seen: set[tuple[object, ...]] = set()
    found = []
    for node in graph.nodes:
        if node.op.name == "Attention" and is_causal(node):
            own = [part for i in (1, 2) if _made_of(part := _given(node.inputs[i])) not in seen]
            seen |= {_made_of(part) for part in own}
            found += [_cache(graph, node, own)] if own else []
    return found


def _made_of(tensor: Tensor) -> tuple[object, ...]:
    """What a tensor is laid out from, and how: equal for the same part of the same tensor."""
    steps: list[tuple[str, str, int]] = []
    while (node := tensor.node) is not None and node.op.name in LAYOUT:
        steps.append((node.op.name, repr(sorted(node.attrs.items())), node.outputs.index(tensor)))
        tensor = _given(node.inputs[0])
    return tensor, *steps


def _cache(graph: Graph, node: Node, own: Sequence[Tensor]) -> Cache:
    """What an attention keeps of its own; it reads all of its keys and values."""
    q, k, v = (_given(node.inputs[i]) for i in range(3))
    size = DTYPE_BYTES[k.dtype]
    heads, kv_heads, length = q.shape[1], k.shape[1], k.shape[2]
    per_token = sum(part.shape[1] * part.shape[3] for part in own) * size
    moved = kv_heads * (k.shape[3] + v.shape[3]) * size * length + heads * (k.shape[3] + v.shape[3]) * size
    flops = 2 * heads * (k.shape[3] + v.shape[3]) * length
    return Cache(graph.names[node.output], heads, kv_heads, k.shape[3], length, per_token, flops / moved)


def is_causal(node: Node) -> bool:
    """Whether an attention lets no position see a later one."""
    q, k = _given(node.inputs[0]), _given(node.inputs[1])
    if q.shape[2] != k.shape[2] or q.shape[2] == 1:
        return False
    mask = node.inputs[3] if len(node.inputs) > 3 else None
    return bool(node.attrs["is_causal"]) or (isinstance(mask, Constant) and _hides_later(mask))


def _hides_later(mask: Constant) -> bool:
    seen = mask.value if mask.dtype == "bool" else mask.value > -1e4
    return mask.rank >= 2 and mask.shape[-1] == mask.shape[-2] and not np.triu(seen, 1).any()


def _given(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _positive(**sizes: int) -> None:
    wrong: Sequence[str] = [f"{name}={size}" for name, size in sizes.items() if size < 1]
    if wrong:
        raise NetwrightError(f"sizes must be positive, but got {', '.join(wrong)}.")
