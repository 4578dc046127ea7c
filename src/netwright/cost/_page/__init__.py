"""The page of a profile: one HTML file that works offline."""

from netwright.cost._page._page import profile_page

__all__ = ["profile_page"]
