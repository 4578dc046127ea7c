"""Encodings of graphs and of designs as numbers and as text, for predictors."""

from netwright.space.encode._adjacency import adjacency
from netwright.space.encode._graph_features import FEATURES, feature_vector, graph_features
from netwright.space.encode._onehot import one_hot, one_hot_columns
from netwright.space.encode._paths import operator_paths, path_encoding
from netwright.space.encode._text import text

__all__ = [
    "FEATURES",
    "adjacency",
    "feature_vector",
    "graph_features",
    "one_hot",
    "one_hot_columns",
    "operator_paths",
    "path_encoding",
    "text",
]
