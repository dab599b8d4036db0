"""A sweep as one HTML page with everything in it, the charting library too, so that it opens anywhere without a network."""

from hookline.research.sweep_report.page import page, write_page

__all__ = ["page", "write_page"]
