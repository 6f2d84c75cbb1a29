"""One HTML file about an evaluation, pictures inside: for people. Computes no figure."""

from reid.evaluation.report.page import Subject, require_writable, write_report

__all__ = ["Subject", "require_writable", "write_report"]
