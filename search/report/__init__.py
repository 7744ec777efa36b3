"""Report and export of a study, computed from its record alone."""

from search.report.all_figures import FIGURES, figure, figure_json
from search.report.csv_json import export_csv, export_json
from search.report.page import build_report, figure_html

__all__ = [
    "FIGURES",
    "build_report",
    "export_csv",
    "export_json",
    "figure",
    "figure_html",
    "figure_json",
]
