"""Questions → measurements: every arm, every measure, with how sure the numbers are.

The way through: :func:`load_questions`, :func:`run_arms` with one function per arm,
:func:`measure`, then a :class:`Report` as table, Markdown, JSON or HTML.
"""

from groundtone.evaluation.arms import Ask, Outcome, run_arms
from groundtone.evaluation.measuring import measure
from groundtone.evaluation.questions import Evidence, Question, load_questions
from groundtone.evaluation.report import ArmMeasures, Pair, Report, Result, Row
from groundtone.evaluation.statistics import Interval
from groundtone.evaluation.style import Style

__all__ = [
    "ArmMeasures",
    "Ask",
    "Evidence",
    "Interval",
    "Outcome",
    "Pair",
    "Question",
    "Report",
    "Result",
    "Row",
    "Style",
    "load_questions",
    "measure",
    "run_arms",
]
