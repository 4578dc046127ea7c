"""Encodings of graphs and of designs as numbers and as text, for predictors."""

from netwright.space.encode._adjacency import adjacency
from netwright.space.encode._edit_distance import edit_distance
from netwright.space.encode._graph_features import FEATURES, feature_vector, graph_features
from netwright.space.encode._onehot import one_hot, one_hot_columns
from netwright.space.encode._paths import operator_paths, path_encoding
from netwright.space.encode._similarity import distance_matrix, similarity_embedding
from netwright.space.encode._text import text

__all__ = [
    "FEATURES",
    "adjacency",
    "distance_matrix",
    "edit_distance",
    "feature_vector",
    "graph_features",
    "one_hot",
    "one_hot_columns",
    "operator_paths",
    "path_encoding",
    "similarity_embedding",
    "text",
]
