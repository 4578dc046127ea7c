"""The report of a study: one HTML file that works offline."""

from netwright.study._report._report import write_report

__all__ = ["write_report"]
