"""Drawings of a graph as SVG: blocks as boxes, and axes as wires."""
