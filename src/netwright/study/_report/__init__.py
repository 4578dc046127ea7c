"""Pages of results: the report of a study and the comparison of spaces, each one file that works offline."""

from netwright.study._report._populations import comparison_page
from netwright.study._report._report import write_report

__all__ = ["comparison_page", "write_report"]
