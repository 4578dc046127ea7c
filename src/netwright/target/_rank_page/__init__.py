"""The page of two targets on the same designs: one HTML file that works offline."""

from netwright.target._rank_page._page import rank_page

__all__ = ["rank_page"]
