"""Named scopes: the (sub)module paths under which nodes and parameters are built."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType

__all__ = ["Scope", "current_scope", "scope"]


class Scope:
    """One entry into a named part of a network; two entries with one name are two scopes.

    >>> Scope("conv", Scope("stem")).path()
    'stem.conv'
    """

    __slots__ = ("name", "parent")

    def __init__(self, name: str, parent: Scope | None = None) -> None:
        self.name = name
        self.parent = parent

    def __repr__(self) -> str:
        return f"Scope({self.path()!r})"

    def path(self) -> str:
        """Names from the outermost scope to this one, joined by dots; not yet unique."""
        return self.name if self.parent is None else f"{self.parent.path()}.{self.name}"


# A context variable, not a global: each thread and each task builds under its own path.
_CURRENT: ContextVar[Scope | None] = ContextVar("netwright_scope", default=None)


def current_scope() -> Scope | None:
    """Scope in which a node built now would stand.

    >>> with scope("stem"), scope("conv"):
    ...     current_scope()
    Scope('stem.conv')
    >>> current_scope() is None
    True
    """
    return _CURRENT.get()


class scope:  # noqa: N801 -- used as a statement, `with scope("stem"):`
    """Name everything that is built inside the `with` block, by a new scope or by one that exists (None for none).

    >>> from netwright.graph import Graph, image, ops, parameter
    >>> x = image(3, 8, 8)
    >>> with scope("stem"):
    ...     y = ops.conv(x, parameter("weight", (4, 3, 1, 1)))
    >>> list(Graph([x], [y]).parameters)
    ['stem.weight']
    """

    __slots__ = ("_name", "_token")

    def __init__(self, name: str | Scope | None) -> None:
        self._name = name
        self._token: Token[Scope | None] | None = None

    def __enter__(self) -> Scope | None:
        entered = Scope(self._name, _CURRENT.get()) if isinstance(self._name, str) else self._name
        self._token = _CURRENT.set(entered)
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        _CURRENT.reset(self._token)
