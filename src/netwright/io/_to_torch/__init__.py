"""A graph as the source of a PyTorch module."""
