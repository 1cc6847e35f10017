"""Student's distribution against scipy's."""

from __future__ import annotations

import pytest

from groundtone.evaluation import student


@pytest.mark.parametrize(("t", "freedom"), [(0.0, 3), (2, 10), (0.3, 2.5), (5, 1), (12, 40)])
def test_p_is_scipys(t: float, freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert student.two_sided_p(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), abs=1e-12)
    assert student.two_sided_p(-t, freedom) == student.two_sided_p(t, freedom)


@pytest.mark.parametrize(("confidence", "freedom"), [(0.95, 2), (0.9, 3.3), (0.99, 79), (0.5, 1)])
def test_quantile_is_scipys(confidence: float, freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.t.ppf((1 + confidence) / 2, freedom)
    assert student.quantile(confidence, freedom) == pytest.approx(expected, abs=1e-8)
